// Free text behind many prompts, greedily: the most likely token, again and again.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/nn/language_model.hpp"

namespace tsrec::decode {

// What is decided beside the model, behind a token of a text.
struct Steer {
  bool is_done = false;                // the text ends with that token
  std::vector<int32_t> continue_with;  // the next tokens, whatever the model would say
};

struct GenerateOptions {
  int64_t max_new_tokens = 128;
  int64_t num_tokens = 0;     // ids below only, as a matrix may have rows that belong to no token
  std::vector<int32_t> ends;  // tokens that end a text, and are no part of it
  // Asked behind every token that the model chose, with the tokens of the text so far; `prompt` is
  // the place of its first prompt among those given. From several threads. May be empty.
  std::function<Steer(size_t prompt, std::span<const int32_t> tokens)> steer;
  int64_t texts_at_once = 32;  // of one worker: the weights are read once for a token of all
  int64_t max_tokens = 8192;   // of the prompts of one forward
};

struct GeneratedText {
  std::vector<int32_t> tokens;
  bool is_complete = false;  // it ended by itself; false: at max_new_tokens
};

// One text for each prompt; identical prompts are answered once. Equal logits: the smaller id.
//
// What all prompts begin with is computed once, further common beginnings once for each portion of
// texts_at_once. A portion goes on as one batch of a token for each text, which those that end
// leave; portions are shared out among the workers of a CPU. A prompt of P tokens of its own and an
// answer of T cost about (P + T) x flops_per_token, T x 2 x num_tokens x width for the head, and
// T x (what it sees) x 4 x layers x heads x head width for attention; keys and values of a portion
// stay until its last text has ended. No gradients. Throws Error for an empty prompt, DataError
// where the model's scores are not finite, Interrupted.
TSREC_API std::vector<GeneratedText> generate(const nn::LanguageModel& model,
                                              std::span<const std::vector<int32_t>> prompts,
                                              const GenerateOptions& options, Context& context);

}  // namespace tsrec::decode
