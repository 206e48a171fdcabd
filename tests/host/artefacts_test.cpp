#include "pipeline/artefacts.hpp"

#include "support/memory.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

Dataset stored_and_read(const Dataset& data) {
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "data");
  host::write_dataset(data, writer);
  writer.close();
  return host::read_dataset(folder.path() / "data");
}

void expect_same(const Samples& read, const Samples& written) {
  EXPECT_TRUE(torch::equal(read.user_S, written.user_S));
  EXPECT_TRUE(torch::equal(read.target_S, written.target_S));
  EXPECT_TRUE(torch::equal(read.time_S, written.time_S));
  EXPECT_TRUE(torch::equal(read.history_H, written.history_H));
  EXPECT_TRUE(torch::equal(read.offset_S1, written.offset_S1));
  ASSERT_EQ(read.history_time_H.defined(), written.history_time_H.defined());
  if (written.history_time_H.defined()) {
    EXPECT_TRUE(torch::equal(read.history_time_H, written.history_time_H));
  }
}

TEST(Artefacts, ADataSetReadsBackWithItsTextsAndTensors) {
  Dataset data = kit::toy_data();
  data.remarks = {{"half of \"it\"", 2}, {"missing", 7}};
  data.train.history_time_H = 1000 + torch::arange(data.train.history_H.numel());
  const int64_t count = data.items.size();
  auto generator = at::detail::createCPUGenerator(3);
  const torch::Tensor image_NCD = torch::randn({count, 3, 4}, generator);
  data.items.set_tensor("image", image_NCD);
  data.items.set_tensor("sound", torch::randn({4, count}, generator).t().to(torch::kBFloat16));
  data.items.set_tensor("weight", torch::randint(1000, {count}, generator, torch::kInt64));

  const Dataset read = stored_and_read(data);
  ASSERT_EQ(read.items.size(), count);
  EXPECT_EQ(read.items.columns(), data.items.columns());
  for (int64_t item = 0; item < count; ++item) {
    EXPECT_EQ(read.items.key(item), data.items.key(item));
    for (const std::string& column : data.items.columns())
      EXPECT_EQ(read.items.text(column, item), data.items.text(column, item));
  }
  EXPECT_EQ(read.items.tensor_columns(), (std::vector<std::string>{"image", "sound", "weight"}));
  for (const std::string& column : read.items.tensor_columns()) {
    EXPECT_EQ(read.items.tensor(column).scalar_type(), data.items.tensor(column).scalar_type());
    EXPECT_TRUE(torch::equal(read.items.tensor(column), data.items.tensor(column))) << column;
  }
  expect_same(read.train, data.train);
  expect_same(read.valid, data.valid);
  expect_same(read.test, data.test);
  EXPECT_EQ(read.remarks, data.remarks);
}

// Histories may be most of what a run has in memory: writing them takes no copy, and reading none
// of what nobody looks at.
TEST(Artefacts, RowsAreInMemoryOnce) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer keeps what was freed";
#endif
  constexpr int64_t kMebibyte = 1 << 20, kEntries = 16 * kMebibyte;  // 128 MiB
  Dataset data = kit::toy_data();
  data.train = {.user_S = torch::zeros({1}, torch::kInt64),
                .target_S = torch::zeros({1}, torch::kInt64),
                .time_S = torch::zeros({1}, torch::kInt64),
                .history_H = torch::randint(60, {kEntries}, torch::kInt64),
                .offset_S1 = torch::tensor({int64_t{0}, kEntries})};
  const TempFolder folder;
  host::forget_peak_memory();
  const int64_t before = host::memory_in_use();
  ArtifactWriter writer(folder.path() / "data");
  host::write_dataset(data, writer);
  writer.close();
  const Dataset read = host::read_dataset(folder.path() / "data");
  EXPECT_LT(host::peak_memory() - before, 64 * kMebibyte);
  expect_same(read.train, data.train);
}

TEST(Artefacts, SidsReadBackWithTheirSpelling) {
  SidTable sids = kit::toy_sids();
  sids.spelling = SidSpelling("<|begin|> <s_{level:a}_{code}>");
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "sids");
  host::write_sids(sids, std::vector<std::string>(static_cast<size_t>(sids.num_items()), "k"),
                   writer);
  writer.close();
  const SidTable read = host::read_sids(folder.path() / "sids");
  EXPECT_TRUE(torch::equal(read.code_NL, sids.code_NL));
  EXPECT_EQ(read.sizes, sids.sizes);
  EXPECT_EQ(read.spelling.format(), sids.spelling.format());
  EXPECT_EQ(read.text(4), sids.text(4));
}

TEST(Artefacts, WithoutTensorsThereAreNone) {
  EXPECT_TRUE(stored_and_read(kit::toy_data()).items.tensor_columns().empty());
}

}  // namespace
}  // namespace tsrec::test
