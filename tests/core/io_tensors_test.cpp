// .npy and safetensors: exact round trips, files as other programs write them, and broken files.
#include <cstring>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec {
namespace {

using test::contains;
using test::message_of;
using test::TempFolder;

bool same_bytes(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

torch::Tensor random_tensor(torch::IntArrayRef shape, torch::ScalarType type) {
  const at::Generator generator = at::detail::createCPUGenerator(11);
  torch::Tensor value = torch::randn(shape, generator) * 100;
  if (type == torch::kBool) value = value > 0;
  return value.to(type);
}

// A safetensors file with this header in front of `data`.
std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

TEST(Npy, EveryTypeAndShapeReadsBackExactly) {
  const TempFolder folder;
  for (const auto type :
       {torch::kFloat16, torch::kFloat32, torch::kFloat64, torch::kInt32, torch::kInt64}) {
    for (const std::vector<int64_t>& shape :
         std::vector<std::vector<int64_t>>{{}, {5}, {3, 4}, {2, 0}, {2, 3, 4}}) {
      const torch::Tensor value = random_tensor(shape, type);
      io::write_npy(folder.path() / "a.npy", value);
      EXPECT_TRUE(same_bytes(io::read_npy(folder.path() / "a.npy"), value)) << type << shape;
    }
  }
}

TEST(Npy, BytesAreThoseOfNumPy) {
  const TempFolder folder;
  const torch::Tensor value = torch::arange(6, torch::kInt32).view({3, 2}).t();  // not contiguous
  io::write_npy(folder.path() / "a.npy", value);
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
  expected.resize(127, ' ');
  expected += '\n';
  for (const char* number : {"\0", "\2", "\4", "\1", "\3", "\5"}) {
    expected += std::string(number, 1) + std::string(3, '\0');
  }
  EXPECT_EQ(io::read_text(folder.path() / "a.npy"), expected);
}

TEST(Npy, BrokenFilesAreNamedWithTheReason) {
  const TempFolder folder;
  io::write_npy(folder.path() / "a.npy", torch::ones({3, 4}));
  const std::string good = io::read_text(folder.path() / "a.npy");
  const auto complaint = [&](std::string bytes) {
    return message_of<DataError>([&] { io::read_npy(folder.write("bad.npy", bytes)); });
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  EXPECT_TRUE(contains(complaint("PK\x03\x04"), "bad.npy: not an npy file"));
  EXPECT_TRUE(contains(complaint(good.substr(0, 40)), "truncated"));
  EXPECT_TRUE(
      contains(complaint(good.substr(0, good.size() - 1)), "48 bytes of numbers, the file has 47"));
  EXPECT_TRUE(contains(complaint(good + "x"), "48 bytes of numbers, the file has 49"));
  EXPECT_TRUE(contains(complaint(replaced("'<f4'", "'|O' ")), "'|O'"));
  EXPECT_TRUE(contains(complaint(replaced("'<f4'", "'>f4'")), "'>f4'"));
  EXPECT_TRUE(contains(complaint(replaced("False", "True ")), "Fortran"));
  EXPECT_TRUE(contains(complaint(replaced("(3, 4)", "(3, x)")), "malformed shape"));
  EXPECT_TRUE(contains(complaint(replaced("(3, 4), }  ", "(4611686018427387904, 8)")),
                       "larger than any file"));
  EXPECT_TRUE(contains(complaint(replaced("'descr'", "'descx'")), "no descr"));
  EXPECT_THROW(io::write_npy(folder.path() / "b.npy", torch::ones({2}, torch::kBool)), Error);
}

TEST(Safetensors, EveryTypeReadsBackExactlyAndTheOrderOfNamesDoesNotMatter) {
  const TempFolder folder;
  io::NamedTensors tensors;
  for (const auto type :
       {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
        torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    for (const std::vector<int64_t>& shape :
         std::vector<std::vector<int64_t>>{{}, {7}, {3, 5}, {0, 2}}) {
      tensors.emplace_back(c10::str("t", tensors.size()), random_tensor(shape, type));
    }
  }
  tensors.emplace_back("nan", torch::full({3}, std::numeric_limits<float>::quiet_NaN()));
  tensors.emplace_back("transposed", random_tensor({4, 3}, torch::kFloat32).t());
  io::write_safetensors(folder.path() / "a", tensors);
  const auto read = io::read_safetensors(folder.path() / "a");
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, value] : tensors) EXPECT_TRUE(same_bytes(read.at(name), value)) << name;
  std::reverse(tensors.begin(), tensors.end());
  io::write_safetensors(folder.path() / "b", tensors);
  EXPECT_EQ(io::read_text(folder.path() / "a"), io::read_text(folder.path() / "b"));
}

TEST(Safetensors, ViewsOutliveTheMapAndTheFile) {
  const TempFolder folder;
  const torch::Tensor value = random_tensor({1000}, torch::kFloat32);
  io::write_safetensors(folder.path() / "a", {{"x", value}});
  const torch::Tensor view = io::read_safetensors(folder.path() / "a").at("x");
  const torch::Tensor other = io::read_safetensors(folder.path() / "a").at("x");
  other.zero_();  // never reaches the file or another reader
  std::filesystem::remove(folder.path() / "a");
  EXPECT_TRUE(same_bytes(view, value));
}

TEST(Safetensors, ForeignFilesWithMisalignedNumbersAreRead) {
  const TempFolder folder;
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  const float number = 1.5F;
  std::string data(1, '\7');
  data.append(reinterpret_cast<const char*>(&number), 4);
  const auto read = io::read_safetensors(folder.write("a", safetensors_bytes(header, data)));
  EXPECT_EQ(read.at("b").item<int64_t>(), 7);
  EXPECT_EQ(read.at("f").item<float>(), 1.5F);
}

TEST(Safetensors, BrokenFilesAreNamedWithTheReason) {
  const TempFolder folder;
  const auto complaint = [&](const std::string& bytes) {
    return message_of<DataError>([&] { io::read_safetensors(folder.write("bad", bytes)); });
  };
  const auto with_entry = [&](const std::string& entry, size_t size) {
    return complaint(safetensors_bytes("{\"x\":" + entry + "}", std::string(size, '\0')));
  };
  io::write_safetensors(folder.path() / "good", {{"x", torch::ones({4})}, {"y", torch::ones({4})}});
  const std::string good = io::read_text(folder.path() / "good");
  EXPECT_TRUE(contains(complaint(""), "too few"));
  EXPECT_TRUE(contains(complaint(good.substr(0, 30)), "does not fit"));
  EXPECT_TRUE(
      contains(complaint(good.substr(0, good.size() - 1)), "tensor y: bytes 16 to 32 lie outside"));
  EXPECT_TRUE(contains(complaint(good + "x"), "describes 32 bytes of data, the file has 33"));
  EXPECT_TRUE(contains(complaint(safetensors_bytes("{\"x\":", "")),
                       "malformed JSON: parse error at line 1"));
  EXPECT_TRUE(contains(complaint(safetensors_bytes("[]", "")), "not an object"));
  EXPECT_TRUE(contains(with_entry(R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]})", 4),
                       "F8_E4M3"));
  EXPECT_TRUE(contains(with_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,4]})", 4),
                       "needs 16 bytes"));
  EXPECT_TRUE(contains(with_entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4),
                       "impossible shape"));
  EXPECT_TRUE(contains(with_entry(R"({"dtype":"F32","shape":[1]})", 4), "needs dtype, shape"));
  EXPECT_TRUE(contains(with_entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", 8),
                       "starts at byte 4"));
}

TEST(Safetensors, UnstorableTensorsAndDoubledNamesAreRefused) {
  const TempFolder folder;
  const auto file = folder.path() / "a";
  EXPECT_THROW(io::write_safetensors(file, {{"x", torch::ones({1}, torch::kComplexFloat)}}), Error);
  EXPECT_THROW(io::write_safetensors(file, {{"x", torch::ones({1})}, {"x", torch::ones({1})}}),
               Error);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(HfWeights, ShardsAreJoinedByTheIndexAndItsMistakesAreNamed) {
  const TempFolder folder;
  const auto read = [&] { return io::read_hf_weights(folder.path()); };
  EXPECT_TRUE(contains(message_of<DataError>(read), "neither model.safetensors nor"));
  io::write_safetensors(folder.path() / "s1", {{"a", torch::ones({2})}});
  io::write_safetensors(folder.path() / "s2", {{"b", torch::zeros({3})}});
  const std::string index = "model.safetensors.index.json";
  folder.write(index, R"({"weight_map":{"a":"s1","b":"s2"}})");
  EXPECT_EQ(read().at("b").size(0), 3);
  folder.write(index, R"({"weight_map":{"a":"s2"}})");
  EXPECT_TRUE(contains(message_of<DataError>(read), "s2 holds no tensor a"));
  folder.write(index, R"({"weight_map":{"a":"../s1"}})");
  EXPECT_TRUE(contains(message_of<DataError>(read), "in the same folder"));
  io::write_safetensors(folder.path() / "model.safetensors", {{"c", torch::ones({2})}});
  EXPECT_TRUE(read().contains("c"));
}

}  // namespace
}  // namespace tsrec
