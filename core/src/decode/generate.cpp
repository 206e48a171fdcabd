#include "tsrec/decode/generate.hpp"

#include <algorithm>
#include <atomic>
#include <deque>

#include "decode/extension.hpp"
#include "decode/prompt_ranges.hpp"
#include "nn/weight.hpp"
#include "tsrec/nn/replicas.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/product.hpp"

namespace tsrec::decode {
namespace {

using Prompt = std::vector<int32_t>;

// The rows of the vocabulary that a text may have, laid out for a few hidden states at a time.
nn::Weight head_of(const nn::LanguageModel& model, const GenerateOptions& options,
                   const Context& context) {
  const torch::Tensor weight_VD = model.head().whole().detach();
  if (options.num_tokens < 1 || options.num_tokens > weight_VD.size(0)) {
    throw Error("texts of ", options.num_tokens, " tokens were asked of a model whose head has ",
                weight_VD.size(0), " rows");
  }
  const torch::Tensor written_VD = weight_VD.slice(0, 0, options.num_tokens);
  if (!context.device().is_cpu()) return nn::Weight(written_VD);
  nn::Weight head = nn::Weight::as_stored({written_VD});
  if (can_pack(context.precision())) head.pack(context.precision());
  return head;
}

// Texts of one portion of prompts, a token at a time.
class GrowingTexts {
 public:
  // prompt_B: the numbers by which `steer` knows them.
  GrowingTexts(const nn::LanguageModel& model, const nn::Weight& head, nn::Prefilled prompts,
               std::vector<size_t> prompt_B, const GenerateOptions& options)
      : model_(model),
        head_(head),
        options_(options),
        state_(std::move(prompts.state)),
        hidden_OD_(std::move(prompts.last_BD)),
        text_B_(prompt_B.size()) {
    for (size_t b = 0; b < prompt_B.size(); ++b)
      open_.push_back({b, prompt_B[b], prompts.segment_B[b], {}});
  }

  // One token more for every open text; false when none is left open. The last token of a text is
  // never computed.
  bool step(Context& context) {
    const std::vector<int32_t> token_O = next_tokens(context);
    const auto first = static_cast<int32_t>(state_->segments().size());
    std::vector<Extension> extensions;
    std::vector<Open> still_open;
    for (size_t i = 0; i < open_.size(); ++i) {
      Open& open = open_[i];
      if (!grows(open, token_O[i])) continue;
      extensions.push_back({open.segment, {text_B_[open.text].tokens.back()}});
      open.segment = first + static_cast<int32_t>(still_open.size());
      still_open.push_back(std::move(open));
    }
    open_ = std::move(still_open);
    if (open_.empty()) return false;
    hidden_OD_ = model_.append(batch_of(extensions, *state_), state_, context);
    return true;
  }

  std::vector<GeneratedText> take() { return std::move(text_B_); }

 private:
  struct Open {
    size_t text, prompt;
    int32_t segment;
    std::deque<int32_t> coming;  // tokens that are written whatever the model says
  };

  // Of every open text, what the model would write.
  std::vector<int32_t> next_tokens(Context& context) const {
    nn::count_work(model_, /*tokens=*/0, hidden_OD_.size(0), options_.num_tokens, context);
    const torch::Tensor logit_OV = head_.product(hidden_OD_);
    const auto [largest_O, token_O] = logit_OV.max(1);  // the first of equals
    if (!logit_OV.isfinite().all().item<bool>())
      throw DataError("the model's scores are not finite, so it cannot write; its weights are bad");
    const torch::Tensor token = token_O.cpu().contiguous();
    return {token.const_data_ptr<int64_t>(), token.const_data_ptr<int64_t>() + token.numel()};
  }

  // Writes a token; false when the text has ended.
  bool grows(Open& open, int32_t token) {
    GeneratedText& text = text_B_[open.text];
    if (!open.coming.empty()) {
      text.tokens.push_back(open.coming.front());
      open.coming.pop_front();
    } else {
      text.is_complete =
          std::find(options_.ends.begin(), options_.ends.end(), token) != options_.ends.end();
      if (text.is_complete) return false;
      text.tokens.push_back(token);
      if (options_.steer) {
        Steer steer = options_.steer(open.prompt, text.tokens);
        text.is_complete = steer.is_done;
        open.coming.assign(steer.continue_with.begin(), steer.continue_with.end());
      }
    }
    return !text.is_complete && std::ssize(text.tokens) < options_.max_new_tokens;
  }

  const nn::LanguageModel& model_;
  const nn::Weight& head_;
  const GenerateOptions& options_;
  nn::State state_;
  torch::Tensor hidden_OD_;  // of the open texts' ends
  std::vector<Open> open_;
  std::vector<GeneratedText> text_B_;
};

// No more than texts_at_once, and no fewer portions than workers where there are prompts enough.
int64_t portion_of(size_t num_prompts, int64_t workers, const GenerateOptions& options) {
  const int64_t each = (static_cast<int64_t>(num_prompts) + workers - 1) / workers;
  return std::clamp<int64_t>(each, 1, options.texts_at_once);
}

}  // namespace

std::vector<GeneratedText> generate(const nn::LanguageModel& model, std::span<const Prompt> prompts,
                                    const GenerateOptions& options, Context& context) {
  const torch::NoGradGuard no_grad;
  if (options.max_new_tokens < 1 || options.texts_at_once < 1)
    throw Error("generate() needs room for a token, and for a text");
  const DistinctPrompts distinct(prompts);
  const std::vector<Prompt>& asked = distinct.prompts();
  if (asked.empty()) return {};
  std::vector<size_t> first_row(asked.size());
  for (size_t row = prompts.size(); row-- > 0;) first_row[distinct.of(row)] = row;

  const nn::Weight head = head_of(model, options, context);
  nn::State begun;
  if (const size_t common = common_length(asked); common > 0)
    begun = model.begin(std::span(asked.front()).first(common), context);
  const auto known = static_cast<size_t>(begun ? begun->num_tokens() : 0);
  const int64_t all_workers = nn::num_workers(context.device());
  const std::vector<PromptRange> ranges = prompt_ranges(
      asked, known,
      {.tokens = options.max_tokens, .prompts = portion_of(asked.size(), all_workers, options)});

  std::vector<GeneratedText> text_P(asked.size());
  std::atomic<int64_t> done = 0;
  std::atomic<size_t> next = 0;  // whoever is free takes the next portion
  const int64_t workers = std::min(all_workers, static_cast<int64_t>(ranges.size()));
  nn::run_workers(workers, [&](int64_t) {
    const auto check_stop = [&] {
      if (context.stopping()) throw Interrupted("writing was stopped; it starts again next time");
    };
    for (size_t r = next++; r < ranges.size(); r = next++) {
      check_stop();
      const auto [begin, end] = ranges[r];
      GrowingTexts texts(
          model, head, model.prefill(std::span(asked).subspan(begin, end - begin), begun, context),
          {first_row.begin() + static_cast<std::ptrdiff_t>(begin),
           first_row.begin() + static_cast<std::ptrdiff_t>(end)},
          options);
      while (texts.step(context)) check_stop();
      std::vector<GeneratedText> written = texts.take();
      std::move(written.begin(), written.end(),
                text_P.begin() + static_cast<std::ptrdiff_t>(begin));
      done += static_cast<int64_t>(end - begin);
      context.progress("writing", done, static_cast<int64_t>(asked.size()));
    }
  });
  std::vector<GeneratedText> texts;
  for (size_t row = 0; row < prompts.size(); ++row) texts.push_back(text_P[distinct.of(row)]);
  return texts;
}

}  // namespace tsrec::decode
