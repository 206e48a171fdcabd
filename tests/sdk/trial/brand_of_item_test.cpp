#include <gtest/gtest.h>

#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

TEST(BrandOfItem, AsksForTheBrandOfEveryItemThatHasOne) {
  tsrec::kit::TestContext context;
  const auto task =
      tsrec::kit::make_part<tsrec::Task>(TSREC_TESTED_PLUGIN, "brand_of_item", context);
  const tsrec::Dataset data = tsrec::kit::toy_data();
  const tsrec::SidTable sids = tsrec::kit::toy_sids();
  const std::vector<tsrec::TokenNote> notes;
  task->prepare({.data = data, .sids = sids, .notes = notes}, context);

  ASSERT_EQ(task->size(tsrec::Split::train), data.items.size() - 1);  // one has no texts
  for (int64_t row = 0; row < task->size(tsrec::Split::train); ++row) {
    const tsrec::Example example = task->at(tsrec::Split::train, row, /*draw=*/0);
    const int64_t item = example.slots.at("item").front().item;
    EXPECT_EQ(example.slots.at("brand").front().text_value, data.items.text("brand", item));
  }
}

// The same, brand by brand and row by row.
TEST(BrandAccuracy, CountsItemsWhoseBrandIsTheLikeliest) {
  const tsrec::kit::Subject subject =
      tsrec::kit::part_of(TSREC_TESTED_PLUGIN, "metric", "brand_accuracy");
  tsrec::kit::ToyWorld world(/*tied=*/true, subject.wordings());
  const auto metric = subject.make_as<tsrec::Metric>(world.context);
  const tsrec::Numbers numbers = dynamic_cast<const tsrec::NeedsDecoder&>(*metric).measure_with(
      *world.backbone, {world.data, world.sids, world.notes}, *world.compiler, world.trie,
      world.context);

  const torch::NoGradGuard no_grad;
  double hits = 0, asked = 0;
  for (int64_t item = 0; item < world.data.items.size(); ++item) {
    const std::string own(world.data.items.text("brand", item));
    if (own.empty()) continue;
    std::string likeliest;
    double best = -std::numeric_limits<double>::infinity();
    for (const std::string brand : {"Norvik", "Astera", "Ballon"}) {
      tsrec::Example example;
      example.form = "brand_of_item";
      example.slots = {{"item", {tsrec::Piece::sid(item)}}, {"brand", {tsrec::Piece::text(brand)}}};
      const std::vector<tsrec::CompiledExample> row = {world.compiler->compile(example)};
      const double value = tsrec::nn::label_log_probs(
                               *world.backbone, tsrec::nn::pack(row, {}).front(), {}, world.context)
                               .sum()
                               .item<double>();
      if (value > best) likeliest = brand;
      best = std::max(best, value);
    }
    hits += likeliest == own;
    ++asked;
  }
  EXPECT_DOUBLE_EQ(numbers.at(0).value, hits / asked);
}
