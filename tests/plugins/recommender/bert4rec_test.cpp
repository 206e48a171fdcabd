// BERT4Rec against its formula, masks that are drawn included.
#include "../../../plugins/recommender/sequential/masking.hpp"
#include "plugins/recommender/sequential_world.hpp"
#include "tsrec/train/row_order.hpp"

namespace tsrec::test {
namespace {

using sequential::Sequences;

constexpr int64_t kMask = -1;

torch::Tensor exact_gelu(const torch::Tensor& x) {
  return x * 0.5 * (1 + torch::erf(x / std::sqrt(2.0)));
}

// A block over a whole sequence, [n, D] -> [n, D]: every token over all.
torch::Tensor bert_block(const Values& p, const std::string& name, const torch::Tensor& x_nD,
                         int64_t heads) {
  const int64_t of_head = x_nD.size(1) / heads;
  const torch::Tensor q = linear(p, name + ".query", x_nD), k = linear(p, name + ".key", x_nD),
                      v = linear(p, name + ".value", x_nD);
  std::vector<torch::Tensor> attended;
  for (int64_t h = 0; h < heads; ++h) {
    const auto head = [&](const torch::Tensor& y) {
      return y.slice(1, h * of_head, (h + 1) * of_head);
    };
    const torch::Tensor score =
        torch::matmul(head(q), head(k).t()) / std::sqrt(static_cast<double>(of_head));
    attended.push_back(torch::matmul(torch::softmax(score, 1), head(v)));
  }
  const torch::Tensor y = layer_norm(p, name + ".behind_attention",
                                     x_nD + linear(p, name + ".joined", torch::cat(attended, 1)));
  return layer_norm(p, name + ".behind_layers",
                    y + linear(p, name + ".outer", exact_gelu(linear(p, name + ".inner", y))));
}

// [N] float64: the scores at a place of a sequence of items and masks.
torch::Tensor scores_at(const Values& p, const std::vector<int64_t>& sequence, int64_t place,
                        int64_t blocks, int64_t heads, const torch::Tensor& x_ND) {
  const torch::Tensor items = item_table(p, x_ND);
  std::vector<torch::Tensor> rows;
  for (const int64_t item : sequence) rows.push_back(item == kMask ? p.at("mask") : items[item]);
  // Places count from the end.
  torch::Tensor x =
      torch::stack(rows) + p.at("positions").slice(0, 0, std::ssize(sequence)).flip(0);
  for (int64_t b = 0; b < blocks; ++b) x = bert_block(p, c10::str("block.", b), x, heads);
  const torch::Tensor h_D = exact_gelu(linear(p, "last", x[place]));
  return torch::mv(p.contains("outputs.weight") ? p.at("outputs.weight") : items, h_D) +
         p.at("outputs.bias");
}

// Behind a row's history stands a mask.
Formula bert4rec(int64_t blocks, int64_t heads, const torch::Tensor& x_ND) {
  return [=](const Values& p, const Row& row) {
    std::vector<int64_t> sequence = row.history;
    sequence.push_back(kMask);
    return scores_at(p, sequence, std::ssize(row.history), blocks, heads, x_ND);
  };
}

std::vector<Case> bert4rec_cases(const torch::Tensor& x_ND) {
  return {{"bert4rec",
           {{"width", "8"}, {"variant", "minionerec"}, {"max_length", "3"}},
           bert4rec(2, 2, x_ND),
           /*max_length=*/3},
          {"bert4rec",
           {{"width", "6"},
            {"variant", "minionerec"},
            {"outputs", "tied"},
            {"blocks", "1"},
            {"heads", "1"},
            {"item_vectors", "add"}},
           bert4rec(1, 1, x_ND)}};
}

TEST(Bert4Rec, ListsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/5);
  std::vector<Case> cases = bert4rec_cases(world.x_ND);
  cases.push_back({"bert4rec", {{"width", "8"}}, bert4rec(2, 2, world.x_ND)});
  for (const Case& of : cases) expect_lists(world, of);
}

// Where a row is a sample nothing is drawn: its target alone is masked.
TEST(Bert4Rec, LossAndGradientOfRowsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/5);
  for (const Case& of : bert4rec_cases(world.x_ND)) expect_loss_and_gradient(world, of);
}

TEST(Bert4Rec, LossAndGradientOfMaskedSequencesAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/5, /*longest=*/9, /*seed=*/5);
  TestContext context;
  for (const int64_t max_length : {2, 50}) {
    // In the order in which the first step has them, one batch of all.
    const Sequences whole = sequential::whole_sequences(world.data.train, max_length);
    train::RowOrder order({.num_rows = whole.size(), .batch_rows = 1000});
    const Sequences cloze =
        with_masks(sequential::chosen_of(whole, order.rows(0, context)),
                   {.share = 0.8, .last_share = 0.3}, kMask, context.generator("to_learn", 0));
    const auto loss_at = [&](const Values& values) {
      double sum = 0;
      int64_t labels = 0;
      for (int64_t s = 0; s < cloze.size(); ++s) {
        const auto begin = cloze.item.begin() + cloze.offset[static_cast<size_t>(s)];
        const std::vector<int64_t> sequence(begin, begin + cloze.length(s));
        for (int64_t place = 0; place < cloze.length(s); ++place) {
          if (sequence[static_cast<size_t>(place)] != kMask) continue;
          const int64_t label =
              cloze.label[static_cast<size_t>(cloze.offset[static_cast<size_t>(s)] + place)];
          sum += softmax_loss(scores_at(values, sequence, place, 1, 2, world.x_ND), label, 0);
          ++labels;
        }
      }
      EXPECT_GT(labels, cloze.size());
      return sum / static_cast<double>(labels);
    };
    expect_first_step(world,
                      {.part = "bert4rec",
                       .options = {{"width", "6"},
                                   {"blocks", "1"},
                                   {"max_length", std::to_string(max_length)},
                                   {"mask_share", "0.8"},
                                   {"mask_last_share", "0.3"}}},
                      loss_at);
  }
}

// --- which items are masked

// `count` sequences of the items 0 .. length, of which the labels are 1 .. length.
Sequences equal_sequences(int64_t count, int64_t length) {
  SamplesBuilder rows;
  std::vector<int64_t> history;
  for (int64_t user = 0; user < count; ++user) {
    history.clear();
    for (int64_t item = 0; item < length; ++item) {
      history.push_back(item);
      rows.add(user, history, item + 1, 0);
    }
  }
  return sequential::whole_sequences(rows.build(), length);
}

TEST(Masks, StandWhereTheLabelsStoodAndNowhereElse) {
  TestContext context;
  const Sequences sequences = equal_sequences(/*count=*/200, /*length=*/7);
  const Sequences cloze = with_masks(sequences, {.share = 0.4, .last_share = 0.2}, kMask,
                                     context.generator("masks", 0));
  ASSERT_EQ(cloze.size(), 200);
  for (int64_t s = 0; s < cloze.size(); ++s) {
    ASSERT_EQ(cloze.length(s), 8);
    for (int64_t place = 0; place < 8; ++place) {
      const auto token = static_cast<size_t>(8 * s + place);
      const bool is_masked = cloze.item[token] == kMask;
      EXPECT_EQ(is_masked ? cloze.label[token] : cloze.item[token], place);
      EXPECT_EQ(cloze.label[token] >= 0, is_masked);
      EXPECT_TRUE(place > 0 || !is_masked);
    }
  }
}

// How many of each sequence, each as often as the others, and others at another draw.
TEST(Masks, AreDrawnByTheirShares) {
  TestContext context;
  constexpr int64_t kSequences = 4000;
  const Sequences sequences = equal_sequences(kSequences, /*length=*/7);
  const auto drawn = [&](double share, double last_share, int64_t index) {
    return with_masks(sequences, {.share = share, .last_share = last_share}, kMask,
                      context.generator("masks", index));
  };
  const auto masks_SP = [](const Sequences& cloze) {
    return (torch::tensor(cloze.item).view({-1, 8}) == kMask).to(torch::kFloat64);
  };
  const torch::Tensor some_SP = masks_SP(drawn(0.4, 0, 0));
  EXPECT_TRUE((some_SP.sum(1) == 3).all().item<bool>());  // .4 of 7 labels is 2.8
  for (int64_t place = 1; place < 8; ++place)
    EXPECT_NEAR(some_SP.mean(0)[place].item<double>(), 3.0 / 7, 0.04) << place;
  EXPECT_TRUE((masks_SP(drawn(0, 0, 0)).sum(1) == 1).all().item<bool>());
  EXPECT_TRUE((masks_SP(drawn(1, 0, 0)).sum(1) == 7).all().item<bool>());
  const torch::Tensor last_SP = masks_SP(drawn(1, 0.25, 0)), alone_S = last_SP.sum(1) == 1;
  EXPECT_NEAR(alone_S.to(torch::kFloat64).mean().item<double>(), 0.25, 0.04);
  EXPECT_TRUE((last_SP.select(1, 7) == 1).all().item<bool>());
  EXPECT_EQ(drawn(0.4, 0.1, 3).item, drawn(0.4, 0.1, 3).item);
  EXPECT_NE(drawn(0.4, 0.1, 3).item, drawn(0.4, 0.1, 4).item);
}

}  // namespace
}  // namespace tsrec::test
