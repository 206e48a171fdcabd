// What backbones, initializers, tasks, rewards and whatever trains give.
#include "boundary/tensors.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::boundary {

// --- backbone ------------------------------------------------------------------------------------
void check_model(const Backbone& backbone, const char* method) {
  const int64_t tokens = backbone.tokenizer().size();
  const torch::Tensor embedding_VD = backbone.embedding(), head_VD = backbone.head().whole();
  if (!embedding_VD.defined() || embedding_VD.dim() != 2 || embedding_VD.size(0) < tokens)
    throw BrokenPart(method, " left an embedding() of ", described(embedding_VD),
                     "; expected [V, D] with a row for each of the tokenizer's ", tokens,
                     " tokens");
  if (!head_VD.defined() || head_VD.sizes() != embedding_VD.sizes())
    throw BrokenPart(method, " left a head() of ", described(head_VD),
                     "; expected the shape of embedding(), ", embedding_VD.sizes());
  const double range = backbone.initializer_range(), flops = backbone.flops_per_token();
  if (!std::isfinite(range) || range <= 0)
    throw BrokenPart(method, " left an initializer_range() of ", range,
                     "; expected a finite number above 0");
  if (!std::isfinite(flops) || flops <= 0)
    throw BrokenPart(method, " left flops_per_token() at ", flops,
                     "; expected a finite number above 0");
}

void check_extended(const Backbone& backbone, int64_t first,
                    const std::vector<std::string>& tokens) {
  check_model(backbone, "extend()");
  const text::Tokenizer& tokenizer = backbone.tokenizer();
  const int64_t size = first + static_cast<int64_t>(tokens.size());
  if (tokenizer.size() != size)
    throw BrokenPart("extend() left a tokenizer of ", tokenizer.size(), " tokens; expected ", size,
                     ", ", tokens.size(), " more than before");
  for (size_t i = 0; i < tokens.size(); ++i) {
    const int64_t expected = first + static_cast<int64_t>(i);
    const std::optional<int32_t> id = tokenizer.find(tokens[i]);
    if (!id || *id != expected)
      throw BrokenPart("extend() gave the token ", tokens[i], " ",
                       id ? c10::str("the id ", *id) : std::string("no id"), "; expected ",
                       expected, ": ids follow the tokenizer's size");
  }
}

// --- initializer ---------------------------------------------------------------------------------
void check_rows(const NewRows& rows, const VocabularyRows& known, int64_t num_tokens) {
  const std::array<int64_t, 2> shape = {num_tokens, known.input_VD.size(1)};
  check_floats(rows.input_ED, shape, "rows()", "input_ED: a row for every SID token");
  if (!known.tied()) {
    check_floats(rows.output_ED, shape, "rows()", "output_ED: a row for every SID token");
  } else if (rows.output_ED.defined()) {
    throw BrokenPart("rows() gave ", described(rows.output_ED),
                     " as output_ED; expected nothing for a model whose head is its embedding");
  }
}

// --- task ----------------------------------------------------------------------------------------
void check_size(int64_t size, Split split) {
  if (size < 0)
    throw BrokenPart("size() gave ", size, " for the ", name(split),
                     " split; expected 0 examples or more");
}

ExampleBounds::ExampleBounds(const Task& task, const TaskInputs& inputs)
    : form_(task.form()),
      answers_with_item_(task.answers_with_item()),
      num_items_(inputs.data.items.size()),
      num_rows_{inputs.data.train.size(), inputs.data.valid.size(), inputs.data.test.size()},
      sizes_(inputs.sids.sizes) {}

void ExampleBounds::check(const Example& example, Split split, int64_t index) const {
  const auto refuse = [&](const auto&... what) {
    throw BrokenPart("at() gave ", name(split), " example ", index, " ", what...);
  };
  if (example.form != form_ || example.form.empty())
    refuse("the form '", example.form, "'; expected '", form_, "', as form() says");
  if (!std::isfinite(example.weight) || example.weight < 0)
    refuse("the weight ", example.weight, "; expected a finite number of 0 or more");
  if (example.slots.empty()) refuse("no slot; expected pieces for those of its form");
  if (const int64_t rows = num_rows_[static_cast<size_t>(split)];
      example.sample < -1 || example.sample >= rows)
    refuse("the sample ", example.sample, "; expected a row of the split, 0 .. ", rows - 1,
           ", or -1");
  if (example.target_item < -1 || example.target_item >= num_items_ ||
      (answers_with_item_ && example.target_item < 0))
    refuse("the target_item ", example.target_item, "; expected an item, 0 .. ", num_items_ - 1,
           answers_with_item_ ? ", because answers_with_item()" : ", or -1");
  bool is_answered = false;
  for (const auto& [slot, pieces] : example.slots) {
    for (const Piece& piece : pieces) {
      if (piece.kind == Piece::Kind::sid && (piece.item < 0 || piece.item >= num_items_))
        refuse("the SID of item ", piece.item, " in the slot '", slot, "'; expected an item, 0 .. ",
               num_items_ - 1);
      if (piece.kind != Piece::Kind::token) continue;
      const auto levels = static_cast<int64_t>(sizes_.size());
      if (piece.level < 0 || piece.level >= levels || piece.code < 0 ||
          piece.code >= sizes_[static_cast<size_t>(piece.level)])
        refuse("the code ", piece.code, " of level ", piece.level, " in the slot '", slot,
               "'; expected a code that the SIDs have");
    }
    is_answered = is_answered || (pieces.size() == 1 && pieces[0].kind == Piece::Kind::sid &&
                                  pieces[0].item == example.target_item);
  }
  if (answers_with_item_ && !is_answered)
    refuse("no slot that is exactly the SID of its target_item ", example.target_item,
           "; expected one, because answers_with_item()");
}

// --- observer ------------------------------------------------------------------------------------
void check_reason(const std::optional<std::string>& reason) {
  if (reason && reason->empty())
    throw BrokenPart(
        "look() gave an empty reason; expected a sentence that says why the training ends, or none "
        "to go on");
}

// --- whatever is done in steps -------------------------------------------------------------------
void check_num_steps(int64_t num_steps) {
  if (num_steps < 0) throw BrokenPart("num_steps() gave ", num_steps, "; expected 0 or more");
}

void check_validate_every(int64_t steps) {
  if (steps < 0)
    throw BrokenPart("validate_every() gave ", steps,
                     "; expected a number of steps, or 0 for the end alone");
}

void check_patience(int64_t validations) {
  if (validations < 0)
    throw BrokenPart("patience() gave ", validations,
                     "; expected a number of validations, or 0 to do all steps");
}

void check_parameters(const std::vector<nn::Parameter>& parameters) {
  std::set<std::string_view> seen;
  for (const nn::Parameter& parameter : parameters) {
    if (!seen.insert(parameter.name).second)
      throw BrokenPart("parameters() gave two of the name '", parameter.name,
                       "'; expected a name of its own for each, or a checkpoint could not tell "
                       "them apart");
    if (!parameter.value.defined())
      throw BrokenPart("parameters() gave nothing as the value of '", parameter.name,
                       "'; expected a tensor");
  }
}

// --- reward --------------------------------------------------------------------------------------
void check_scores(const torch::Tensor& score_BG, const Rollouts& rollouts) {
  check_floats(score_BG, rollouts.item_BG.sizes(), "score()",
               "a row for every prompt and a score for each of its completions");
}

}  // namespace tsrec::boundary
