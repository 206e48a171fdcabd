#include <set>

#include "rules.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/initializer.hpp"

namespace tsrec::kit {
namespace backbone_rule {  // rules of other kinds have the same names

std::shared_ptr<Backbone> prepared(const Subject& subject) {
  TestContext context;
  auto backbone = subject.make_as<Backbone>(context);
  prepare(*backbone, toy_items(), context);
  if (!backbone->tokenizer().reads_text()) {  // it reads nothing before it has tokens
    std::vector<std::string> tokens;
    for (int64_t code = 0; code < 16; ++code) tokens.push_back(SidSpelling().token(25, code));
    const NewRows rows = fresh_rows(backbone->vocabulary_rows(), 16, context);
    backbone->extend(tokens, rows.input_ED, rows.output_ED);
  }
  return backbone;
}

const std::vector<int32_t> kPrompt = {2, 7, 4};

nn::Prefilled read(const nn::LanguageModel& backbone, Context& context) {
  return backbone.prefill(std::span(&kPrompt, 1), /*begun=*/nullptr, context);
}

// Tokens in segments behind a prompt that was read; a segment's parent counts from the first of
// them, -1 is the prompt, and its position from the prompt's end.
nn::PackedBatch behind(const nn::Prefilled& prompt, const std::vector<int64_t>& ids,
                       std::vector<nn::Segment> segments) {
  const auto first = static_cast<int32_t>(prompt.state->segments().size());
  const int32_t end = prompt.segment_B.front();
  const nn::Segment& last = prompt.state->segments()[static_cast<size_t>(end)];
  nn::PackedBatch batch;
  batch.token_T = torch::tensor(ids, torch::kInt64);
  std::vector<torch::Tensor> positions;
  for (nn::Segment& segment : segments) {
    segment.parent = segment.parent < 0 ? end : first + segment.parent;
    segment.position += last.position + last.length;
    positions.push_back(torch::arange(segment.position, segment.position + segment.length));
  }
  batch.position_T = torch::cat(positions);
  batch.segments = std::move(segments);
  return batch;
}

torch::Tensor hidden_of(const nn::LanguageModel& backbone, const std::vector<int64_t>& ids,
                        const std::vector<nn::Segment>& segments) {
  const torch::NoGradGuard no_grad;
  TestContext context;
  nn::Prefilled prompt = read(backbone, context);
  return backbone.append(behind(prompt, ids, segments), prompt.state, context);
}

// One row behind the prompt.
torch::Tensor hidden_of(const nn::LanguageModel& backbone, const std::vector<int64_t>& ids) {
  return hidden_of(backbone, ids, {{0, static_cast<int32_t>(ids.size()), -1, 0}});
}

bool is_near(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && torch::allclose(a.to(torch::kFloat32), b.to(torch::kFloat32),
                                                   /*rtol=*/1e-4, /*atol=*/1e-4);
}

const std::vector<int64_t> kRow = {3, 1, 4, 1, 5, 9, 2, 6};

void matrices_fit_together(const Subject& subject) {
  const auto backbone = prepared(subject);
  const torch::Tensor embedding_VD = backbone->embedding(), head_VD = backbone->head().whole();
  require(backbone->tokenizer().size() > 8, "the tokenizer has ", backbone->tokenizer().size(),
          " tokens");
  boundary::check_model(*backbone, "prepare()");
  require(!backbone->tied() || same(embedding_VD.detach(), head_VD.detach()),
          "it calls itself tied, but head and embedding differ");
  const torch::Tensor hidden_TD = hidden_of(*backbone, kRow);
  require(hidden_TD.sizes() ==
                  at::IntArrayRef({static_cast<int64_t>(kRow.size()), embedding_VD.size(1)}) &&
              hidden_TD.isfinite().all().item<bool>(),
          "hidden() gives ", boundary::described(hidden_TD), ", or not finite");
}

void a_token_sees_its_own_past_only(const Subject& subject) {
  const auto backbone = prepared(subject);
  const torch::Tensor hidden_TD = hidden_of(*backbone, kRow);
  std::vector<int64_t> changed = kRow;
  changed[5] = 7;
  const torch::Tensor other_TD = hidden_of(*backbone, changed);
  require(is_near(hidden_TD.slice(0, 0, 5), other_TD.slice(0, 0, 5)),
          "a later token changes an earlier hidden state");
  require(!is_near(hidden_TD.slice(0, 5), other_TD.slice(0, 5)),
          "a token does not change the hidden states behind it");
}

void rows_of_a_batch_are_strangers(const Subject& subject) {
  const auto backbone = prepared(subject);
  const std::vector<int64_t> second = {2, 7, 1};
  std::vector<int64_t> both = kRow;
  both.insert(both.end(), second.begin(), second.end());
  const auto length = static_cast<int32_t>(kRow.size());
  const torch::Tensor hidden_TD =
      hidden_of(*backbone, both, {{0, length, -1, 0}, {length, 3, -1, 0}});
  require(is_near(hidden_TD.slice(0, 0, length), hidden_of(*backbone, kRow)) &&
              is_near(hidden_TD.slice(0, length), hidden_of(*backbone, second)),
          "a row packed beside another has other hidden states than alone");
}

void a_shared_prefix_is_exact(const Subject& subject) {
  const auto backbone = prepared(subject);
  // Rows 3 1 4 1 5 and 3 1 4 7 7 whose first three tokens are computed once.
  const torch::Tensor hidden_TD =
      hidden_of(*backbone, {3, 1, 4, 1, 5, 7, 7}, {{0, 3, -1, 0}, {3, 2, 0, 3}, {5, 2, 0, 3}});
  const torch::Tensor one = hidden_of(*backbone, {3, 1, 4, 1, 5}),
                      other = hidden_of(*backbone, {3, 1, 4, 7, 7});
  require(
      is_near(hidden_TD.slice(0, 0, 5), one) && is_near(hidden_TD.slice(0, 5), other.slice(0, 3)),
      "a child segment does not see its parent as a plain row sees its own beginning");
  // The same in two calls.
  const torch::NoGradGuard no_grad;
  TestContext context;
  nn::Prefilled prompt = read(*backbone, context);
  const nn::PackedBatch begin = behind(prompt, {3, 1, 4}, {{0, 3, -1, 0}}),
                        rest = behind(prompt, {7, 7}, {{0, 2, 0, 3}});
  backbone->append(begin, prompt.state, context);
  require(is_near(backbone->append(rest, prompt.state, context), other.slice(0, 3)),
          "behind a state the hidden states differ");
}

// Rows whose prompts and targets begin alike, and end in each other.
const std::vector<std::vector<int32_t>> kPrompts = {{2, 7, 4}, {2, 7, 4, 1}, {5, 3}, {2, 7, 4}},
                                        kTargets = {{1, 5, 9}, {5, 6}, {8}, {1, 5, 6}};

nn::PackedBatch packed_rows() {
  std::vector<nn::TokenRow> rows;
  for (size_t row = 0; row < kPrompts.size(); ++row) rows.push_back({kPrompts[row], kTargets[row]});
  return nn::pack(std::span<const nn::TokenRow>(rows), {}).front();
}

void labels_are_predicted_behind_their_prompts(const Subject& subject) {
  const auto backbone = prepared(subject);
  const torch::NoGradGuard no_grad;
  const torch::Tensor hidden_RD = backbone->label_hidden(packed_rows(), {});
  TestContext context;
  std::vector<torch::Tensor> wanted;
  for (size_t row = 0; row < kPrompts.size(); ++row) {
    nn::Prefilled prompt =
        backbone->prefill(std::span(&kPrompts[row], 1), /*begun=*/nullptr, context);
    wanted.push_back(prompt.last_BD);
    const std::vector<int64_t> ids(kTargets[row].begin(), kTargets[row].end() - 1);
    if (ids.empty()) continue;
    const auto length = static_cast<int32_t>(ids.size());
    wanted.push_back(
        backbone->append(behind(prompt, ids, {{0, length, -1, 0}}), prompt.state, context));
  }
  require(is_near(hidden_RD, torch::cat(wanted)),
          "label_hidden() of packed rows is not what prefill() and append() give row by row");
}

void every_parameter_learns(const Subject& subject) {
  const auto backbone = prepared(subject);
  const auto parameters = backbone->parameters(), again = backbone->parameters();
  require(!parameters.empty() && parameters.size() == again.size(),
          "parameters() changes its size");
  std::set<std::string> names;
  for (size_t i = 0; i < parameters.size(); ++i) {
    require(names.insert(parameters[i].name).second && parameters[i].name == again[i].name,
            "the name '", parameters[i].name, "' is not stable and distinct");
    require(parameters[i].value.is_leaf() && parameters[i].value.requires_grad(),
            parameters[i].name, " is no leaf that requires a gradient");
  }
  TestContext context;
  const torch::Tensor loss = -nn::label_log_probs(*backbone, packed_rows(), {}, context).sum();
  std::vector<torch::Tensor> leaves;
  for (const nn::Parameter& parameter : parameters) leaves.push_back(parameter.value);
  const auto gradients =
      torch::autograd::grad({loss}, leaves, {}, false, false, /*allow_unused=*/true);
  for (size_t i = 0; i < gradients.size(); ++i)
    require(gradients[i].defined() && gradients[i].isfinite().all().item<bool>(),
            parameters[i].name, " gets no gradient, or one that is not finite");
}

void new_tokens_get_their_rows(const Subject& subject) {
  const auto backbone = prepared(subject);
  const int64_t first = backbone->tokenizer().size(), width = backbone->embedding().size(1);
  const torch::Tensor before_VD = backbone->embedding().detach().clone().slice(0, 0, first);
  TestContext context;
  const torch::Tensor input_ED = torch::randn({3, width}, context.generator("rows", 0));
  const torch::Tensor output_ED =
      backbone->tied() ? torch::Tensor() : torch::randn({3, width}, context.generator("rows", 1));
  const std::vector<std::string> tokens = {"<a_0>", "<a_1>", "<b_0>"};
  backbone->extend(tokens, input_ED, output_ED);
  boundary::check_extended(*backbone, first, tokens);
  const torch::Tensor embedding_VD = backbone->embedding().detach();
  require(is_near(embedding_VD.slice(0, first, first + 3), input_ED),
          "embedding() does not hold the new rows");
  require(same(embedding_VD.slice(0, 0, first), before_VD), "extend() changes old rows");
  require(backbone->tied() ||
              is_near(backbone->head().whole().detach().slice(0, first, first + 3), output_ED),
          "head() does not hold the new rows");
  require(hidden_of(*backbone, {first, 1, first + 2}).isfinite().all().item<bool>(),
          "the new tokens have hidden states that are not finite");
}

void a_clone_stands_alone(const Subject& subject) {
  const auto backbone = prepared(subject);
  const auto clone = backbone->clone();
  const torch::Tensor before_TD = hidden_of(*backbone, kRow);
  require(is_near(before_TD, hidden_of(*clone, kRow)), "the clone has other hidden states");
  {
    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : backbone->parameters()) parameter.value.add_(0.5);
  }
  require(is_near(before_TD, hidden_of(*clone, kRow)), "changing the original changes its clone");
}

void packing_shows_in_nothing(const Subject& subject) {
  const auto backbone = prepared(subject);
  const torch::Tensor before_TD = hidden_of(*backbone, kRow);
  backbone->pack_weights();
  require(is_near(before_TD, hidden_of(*backbone, kRow)), "packed, it has other hidden states");
  {
    const torch::NoGradGuard no_grad;
    for (const nn::Parameter& parameter : backbone->parameters()) parameter.value.add_(0.5);
  }
  require(!is_near(before_TD, hidden_of(*backbone, kRow)),
          "changed after pack_weights(), it still computes with the weights of before");
}

void saved_and_loaded(const Subject& subject) {
  const auto backbone = prepared(subject);
  TestContext context;
  const auto again = subject.make_as<Backbone>(context);
  const TempFolder folder;
  backbone->save(folder.path() / "model");
  again->load(folder.path() / "model");
  require(same(hidden_of(*backbone, kRow), hidden_of(*again, kRow)),
          "the loaded model has other hidden states");
  const text::Tokenizer& tokenizer = backbone->tokenizer();
  const std::string text = tokenizer.reads_text()
                               ? "steel bolt, Café ☕"
                               : SidSpelling().token(25, 3) + SidSpelling().token(25, 1);
  require(tokenizer.encode(text) == again->tokenizer().encode(text),
          "the loaded tokenizer gives other ids");
}

void the_seed_decides(const Subject& subject) {
  require(same(prepared(subject)->embedding().detach(), prepared(subject)->embedding().detach()),
          "two models of one seed differ");
}

void tiny_catalogues(const Subject& subject) {
  for (const int64_t count : {0, 1}) {
    TestContext context;
    const auto backbone = subject.make_as<Backbone>(context);
    works_or_says_why([&] { prepare(*backbone, toy_items(count), context); });
  }
}

}  // namespace backbone_rule

std::vector<Rule> backbone_rules() {
  using namespace backbone_rule;
  std::vector<Rule> rules = {
      {"tokenizer, embedding, head and hidden states fit together", matrices_fit_together},
      {"a token sees itself and what is before it", a_token_sees_its_own_past_only},
      {"rows packed into one batch do not see each other", rows_of_a_batch_are_strangers},
      {"a shared prefix, in the batch or kept, gives what plain rows give",
       a_shared_prefix_is_exact},
      {"a row's labels are predicted behind its prompt, whatever is packed beside it",
       labels_are_predicted_behind_their_prompts},
      {"parameters have stable names, and a loss gives each a gradient", every_parameter_learns},
      {"extend() gives new tokens their ids and rows and leaves the old ones",
       new_tokens_get_their_rows},
      {"a clone is equal and has storage of its own", a_clone_stands_alone},
      {"packed it gives the same hidden states, until its weights change",
       packing_shows_in_nothing},
      {"saved and loaded it is the same model and tokenizer", saved_and_loaded},
      {"equal items and seed give equal weights", the_seed_decides},
      {"no items, one item: a model, or a sentence", tiny_catalogues}};
  append(rules, long_work_rules([](const Subject& subject, Context& context) {
           prepare(*subject.make_as<Backbone>(context), toy_items(), context);
         }));
  append(rules, stepwise_rules([](const Subject& subject, Context& context) {
           const auto items = std::make_shared<Items>(toy_items());
           const auto backbone = subject.make_as<Backbone>(context);
           backbone->prepare(*items, context);
           return ReadyPart{items, backbone};
         }));
  return rules;
}

}  // namespace tsrec::kit
