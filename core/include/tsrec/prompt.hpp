// Tasks speak in pieces (text, an item's SID, one SID token); only the prompt compiler makes token
// ids. SFT, RL, evaluation and `recommend` use the same compiled forms.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec {

struct TSREC_API Piece {
  enum class Kind : uint8_t { text, sid, token } kind = Kind::text;
  std::string text_value;         // text
  int64_t item = -1;              // sid: the item's whole SID
  int64_t level = -1, code = -1;  // token: one SID token
  static Piece text(std::string value);
  static Piece sid(int64_t item);
  static Piece token(int64_t level, int64_t code);
};

// A slot with several SIDs (a history) is joined by [prompt] separator.
struct Example {
  std::string form;  // the wording [prompt.<form>]; slots fill its {braces}
  std::map<std::string, std::vector<Piece>>
      slots;  // a slot of `target` may not occur in the prompt
  double weight = 1;
  int64_t sample = -1, target_item = -1;
};

struct CompiledExample {
  std::vector<int32_t> prompt, target;  // the label mask is exactly `target`
  double weight = 1;
  int32_t task = 0;  // index of the task in its ExampleSet
  int64_t sample = -1, target_item = -1;
};

// The wording as data: `frame` holds placeholders such as {instruction} and {input}; each form
// gives their texts and a `target`. The literal text after the frame's last placeholder is the
// response marker; without one a history and its answer are one sequence, and the rows of a user
// share all of their tokens. "{eos}" in a target is the tokenizer's end-of-text token.
struct PromptWording {
  std::string frame;
  std::string separator = ", ";  // between the pieces of one slot
  // What every prompt begins with, before the frame: "auto" (what the tokenizer puts before a text,
  // as models of it were trained to see), "none", or an added token's spelling.
  std::string begin = "auto";
  std::map<std::string, std::string> shared;  // {preamble} and other texts of [prompt] itself
  std::map<std::string, std::map<std::string, std::string>> forms;
};

class TSREC_API PromptCompiler {
 public:
  // Throws ConfigError: unknown placeholder, a target slot that the prompt contains, a `begin` that
  // the tokenizer has not.
  PromptCompiler(PromptWording wording, const text::Tokenizer& tokenizer, const SidTable& sids,
                 const Vocabulary& vocabulary);
  ~PromptCompiler();
  CompiledExample compile(const Example& example) const;  // thread-safe
  // Token ids that every target of the form has after its last slot ("\n", {eos}): forced tokens in
  // decoding.
  const std::vector<int32_t>& suffix(const std::string& form) const;
  const text::Tokenizer& tokenizer() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The enabled tasks of one stage, concatenated; random access, no state. Which rows an epoch holds
// may differ between epochs, not how many.
class TSREC_API ExampleSet {
 public:
  virtual ~ExampleSet();
  virtual int64_t size(Split split) const = 0;
  virtual CompiledExample at(Split split, int64_t index, int64_t epoch) const = 0;  // thread-safe
  // Rows with one group are rows of one user (or a group of their own): a trainer that shares
  // prefixes keeps them together.
  virtual int64_t group(Split split, int64_t index, int64_t epoch) const = 0;
  virtual const std::vector<std::string>& task_names() const = 0;
  virtual const PromptCompiler& compiler() const = 0;
  virtual const std::vector<int32_t>& suffix(
      int32_t task) const = 0;  // forced ids after the answer of this task
};

}  // namespace tsrec
