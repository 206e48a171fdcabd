// The one decoder of evaluation, rollouts and `recommend`: beam search that can only say SIDs of
// the catalogue, unless it is told to look at single codes alone.
//
// A prompt is computed once and shared by its beams; only legal children are scored.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/nn/language_model.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::decode {

// full: log softmax over the whole vocabulary, not renormalised (comparable with other stacks).
// legal: softmax over the children of the trie node; leaf probabilities sum to 1 and forced tokens
// cost nothing.
enum class Scoring { full, legal };
// beam: the best `beams` partial SIDs of every level. sample: independent constrained draws of the
// policy (rollouts only). exact: the `beams` best SIDs of the whole catalogue, by best-first
// search: log-probabilities are not positive, so that a partial score bounds every SID below it.
enum class Search { beam, sample, exact };

// What may follow a partial SID. trie: codes that make one of the catalogue's SIDs of it.
// level: every code that some SID has at that level, as LC-Rec decodes; an answer may then be the
// SID of no item. It needs SIDs of one length, and the score of a SID is the same in both, except
// for `legal`, which is over what may follow.
enum class Constraint { trie, level };

struct DecodeOptions {
  Scoring scoring = Scoring::full;
  Search search = Search::beam;
  Constraint constraint = Constraint::trie;
  int64_t beams = 20;                // SIDs of an answer; more than the trie has is a ConfigError
  double temperature = 1;            // of sample
  std::vector<int32_t> suffix = {};  // forced ids after the SID whose log-probabilities are added
                                     // in `full` (may be empty)
  int64_t max_tokens = 8192;  // of one forward: those of the prompts, and those of their beams
};

// Free text: ids below num_tokens only, as a checkpoint's matrix may have padding rows behind those
// of the tokenizer.
struct TextOptions {
  int64_t max_new_tokens = 64;
  int32_t eos = -1;  // ends a text
  int64_t num_tokens = 0;
};

class TSREC_API Decoder {
 public:
  Decoder(const nn::LanguageModel& model, const Trie& trie, DecodeOptions options);
  ~Decoder();

  // With gradients when grad mode is on.
  nn::Prefilled prefill(std::span<const std::vector<int32_t>> prompts, Context& context) const;
  // [B] prompts -> G = beams completions each, best first; on a detached state, without gradients.
  // Beam search says for free how much of its list is proven (Rollouts::certified_B).
  Rollouts roll_out(const nn::Prefilled& prompts, std::optional<at::Generator> generator,
                    Context& context) const;
  // Teacher-forced completions (+ suffix) behind the prompts, as trees (shared completion prefixes
  // once). A completion's first label is predicted by its prompt's last hidden state: its at_R is
  // the batch's num_tokens + b. row_R: the completion, b * G + g.
  nn::PackedBatch tree(const nn::Prefilled& prompts, const Rollouts& rollouts) const;
  // Ranks the whole catalogue's SIDs for every prompt: beams expanded to their items. Identical
  // prompts once.
  Rankings rank(std::span<const std::vector<int32_t>> prompts, Context& context) const;
  // Free text by beam search (SID to title), until its end or max_new_tokens: `beams` texts a
  // prompt, best first.
  std::vector<std::vector<std::vector<int32_t>>> write(
      std::span<const std::vector<int32_t>> prompts, const TextOptions& options,
      Context& context) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec::decode
