#include <gtest/gtest.h>

#include "tsrec/parts/initializer.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

TEST(KeywordRows, AreTheMeansOfTheKeywordsWords) {
  tsrec::kit::ToyWorld world;
  const auto initializer = tsrec::kit::make_part<tsrec::Initializer>(
      TSREC_TESTED_PLUGIN, "keyword_rows", world.context, {{"noise", "0"}});
  std::vector<tsrec::TokenNote> notes = {world.notes.front()};
  notes.front().keywords = {"hinge"};

  const tsrec::NewRows rows = initializer->rows({.tokens = world.vocabulary,
                                                 .notes = notes,
                                                 .tokenizer = world.plain->tokenizer(),
                                                 .rows = world.plain->vocabulary_rows(),
                                                 .sids = world.sids},
                                                world.context);

  const torch::Tensor word_VD = world.plain->embedding().detach();
  torch::Tensor sum_D = torch::zeros({word_VD.size(1)});
  const auto ids = world.plain->tokenizer().encode("hinge");
  for (const int32_t id : ids) sum_D += word_VD[id];
  for (size_t e = 0; e < world.vocabulary.tokens().size(); ++e) {
    const bool is_noted = world.vocabulary.tokens()[e].text == notes.front().token;
    const torch::Tensor expected_D =
        is_noted ? sum_D / static_cast<double>(ids.size()) : word_VD.mean(0);
    EXPECT_TRUE(torch::allclose(rows.input_ED[static_cast<int64_t>(e)], expected_D));
  }
}
