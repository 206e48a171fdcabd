// A catalogue of a dozen items, a tiny model that knows its SIDs, and examples that record who
// asked for them.
#pragma once

#include "support/support.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::test {

// Rows are given; at() remembers the order in which they were asked for.
class ToyExamples : public ExampleSet {
 public:
  ToyExamples(std::vector<CompiledExample> rows, std::vector<int64_t> groups,
              std::vector<std::string> tasks)
      : rows_(std::move(rows)), groups_(std::move(groups)), tasks_(std::move(tasks)) {}
  int64_t size(Split) const override { return static_cast<int64_t>(rows_.size()); }
  CompiledExample at(Split, int64_t index, int64_t) const override {
    const std::lock_guard lock(mutex_);
    asked.push_back(index);
    return rows_[static_cast<size_t>(index)];
  }
  int64_t group(Split, int64_t index, int64_t) const override {
    return groups_[static_cast<size_t>(index)];
  }
  const std::vector<std::string>& task_names() const override { return tasks_; }
  const PromptCompiler& compiler() const override {
    throw Error("toy examples have no prompt compiler");
  }
  const std::vector<int32_t>& suffix(int32_t) const override { return suffix_; }
  const std::vector<CompiledExample>& rows() const { return rows_; }

  mutable std::vector<int64_t> asked;

 private:
  mutable std::mutex mutex_;
  std::vector<CompiledExample> rows_;
  std::vector<int64_t> groups_;
  std::vector<std::string> tasks_;
  std::vector<int32_t> suffix_;
};

struct ToyWorld {
  TestContext context;
  Items items;
  Dataset data;  // the items alone
  std::vector<TokenNote> notes;
  SidTable sids;
  Vocabulary vocabulary;
  Trie trie;
  std::shared_ptr<Backbone> backbone;

  // A dozen items of three first codes.
  ToyWorld() : ToyWorld(grid(3, 4)) {}
  explicit ToyWorld(SidTable table) : sids(std::move(table)) {
    std::vector<std::string> keys, titles;
    for (int64_t item = 0; item < sids.num_items(); ++item) {
      keys.push_back(c10::str("item", item));
      titles.push_back(
          c10::str("steel bolt number ", item, item % 2 ? " with a red cap" : " and a washer"));
    }
    items = Items(keys);
    items.set("title", titles);
    items.set("description", titles);
    data.items = items;
    backbone = make_backbone();
    trie = Trie::build(sids, vocabulary);
  }

  // For a trainer that trains and validates on the same examples.
  TrainInputs inputs(Backbone& model, const ExampleSet& examples) const {
    return {.policy = model,
            .examples = examples,
            .validation = examples,
            .sids = sids,
            .trie = trie,
            .data = data,
            .notes = notes};
  }

  // Two levels, and an item for every pair of codes.
  static SidTable grid(int64_t first, int64_t second) {
    SidTable table;
    table.sizes = {first, second};
    table.code_NL = torch::empty({first * second, 2}, torch::kInt64);
    for (int64_t item = 0; item < first * second; ++item) {
      table.code_NL[item][0] = item % first;
      table.code_NL[item][1] = item / first;
    }
    return table;
  }

  // The same weights every time.
  std::shared_ptr<Backbone> make_backbone() {
    auto made = std::make_shared<kit::ToyBackbone>(context);
    made->prepare(items, context);
    vocabulary = Vocabulary(sids, static_cast<int32_t>(made->tokenizer().size()));
    std::vector<std::string> tokens;
    for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
    made->extend(
        tokens,
        0.3 * torch::randn({static_cast<int64_t>(tokens.size()), 16}, context.generator("rows", 0)),
        {});
    // Far from the tiny initial weights, so that a wrong gradient shows.
    const torch::NoGradGuard no_grad;
    int64_t index = 0;
    for (const nn::Parameter& parameter : made->parameters()) {
      parameter.value.add_(
          0.1 * torch::randn(parameter.value.sizes(), context.generator("weights", index++)));
    }
    return made;
  }

  // Rows of a few users whose histories grow, so that prefixes are shared, and a second task of
  // longer text answers.
  ToyExamples make_examples(bool with_text_task = true) const {
    std::vector<CompiledExample> rows;
    std::vector<int64_t> groups;
    for (int64_t user = 0; user < 5; ++user) {
      std::vector<int32_t> history = {1, 2};
      for (int64_t length = 1; length <= 3; ++length) {
        const auto add = vocabulary.ids(sids, (user * 5 + length) % items.size());
        history.insert(history.end(), add.begin(), add.end());
        CompiledExample row;
        row.prompt = history;
        row.prompt.push_back(7);
        row.target_item = (user * 5 + length + 1) % items.size();
        row.target = vocabulary.ids(sids, row.target_item);
        row.weight = 2;
        rows.push_back(row);
        groups.push_back(user);
      }
    }
    for (int64_t item = 0; with_text_task && item < 4; ++item) {
      CompiledExample row;
      row.prompt = {1, 3};
      const auto sid = vocabulary.ids(sids, item);
      row.prompt.insert(row.prompt.end(), sid.begin(), sid.end());
      for (int64_t t = 0; t < 4 + item; ++t)
        row.target.push_back(static_cast<int32_t>(20 + 3 * item + t));
      row.task = 1;
      rows.push_back(row);
      groups.push_back(100 + item);
    }
    return {rows, groups,
            with_text_task ? std::vector<std::string>{"next_item", "sid_to_title"}
                           : std::vector<std::string>{"next_item"}};
  }
};

// [target length]: log p of each target token of one row, by one plain forward of that row alone
// and the whole softmax.
inline torch::Tensor row_log_probs(const nn::LanguageModel& model,
                                   const std::vector<int32_t>& prompt,
                                   const std::vector<int32_t>& target) {
  std::vector<int32_t> ids = prompt;
  ids.insert(ids.end(), target.begin(), target.end());
  const torch::Tensor hidden_TD = model.hidden(one_row(ids), {});
  const torch::Tensor log_prob_TV =
      torch::log_softmax(torch::matmul(hidden_TD, model.head().weight_VD.t()), 1);
  std::vector<torch::Tensor> picked;
  for (size_t t = 0; t < target.size(); ++t) {
    picked.push_back(log_prob_TV[static_cast<int64_t>(prompt.size() + t) - 1][target[t]]);
  }
  return torch::stack(picked);
}

inline std::vector<torch::Tensor> gradients(const torch::Tensor& loss, Backbone& model) {
  std::vector<torch::Tensor> leaves;
  for (const nn::Parameter& parameter : model.parameters()) leaves.push_back(parameter.value);
  return torch::autograd::grad({loss}, leaves, /*grad_outputs=*/{}, /*retain_graph=*/false,
                               /*create_graph=*/false,
                               /*allow_unused=*/true);
}

// Largest difference over all parameters, relative to the largest gradient of all.
inline double gradient_difference(Backbone& model, const std::vector<torch::Tensor>& expected) {
  double largest = 0, difference = 0;
  const auto parameters = model.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const torch::Tensor wanted =
        expected[i].defined() ? expected[i] : torch::zeros_like(parameters[i].value);
    largest = std::max(largest, wanted.abs().max().item<double>());
    difference =
        std::max(difference, (parameters[i].value.grad() - wanted).abs().max().item<double>());
  }
  return difference / std::max(largest, 1e-30);
}

inline bool same_bytes(Backbone& left, Backbone& right) {
  const auto a = left.parameters(), b = right.parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].value, b[i].value)) return false;
  }
  return a.size() == b.size();
}

// `steps` updates, then save, load into a fresh trainer and model, and go on: must be the bytes of
// the straight run.
template <class World, class Start>
void expect_exact_resume(World& world, const Start& start, int64_t before, int64_t after) {
  auto straight = world.make_backbone();
  auto trainer = start(*straight);
  for (int64_t i = 0; i < before + after; ++i) trainer->step(i, world.context);

  const TempFolder folder;
  std::vector<torch::Tensor> values;
  {
    auto first = world.make_backbone();
    auto half = start(*first);
    for (int64_t i = 0; i < before; ++i) half->step(i, world.context);
    ArtifactWriter writer(folder.path());
    half->save_state(writer);
    writer.close();
    values = nn::values_of(half->parameters());
  }
  // As the host does it (stepwise.hpp): the model of before, then the values, then the state.
  auto resumed = world.make_backbone();
  auto rest = start(*resumed);
  nn::set_values(rest->parameters(), values);
  rest->load_state(ArtifactReader(folder.path()));
  for (int64_t i = before; i < before + after; ++i) rest->step(i, world.context);
  EXPECT_TRUE(same_bytes(*straight, *resumed));
}

}  // namespace tsrec::test
