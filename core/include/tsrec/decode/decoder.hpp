// The one decoder of evaluation, rollouts and `recommend`: beam search that can only say SIDs of
// the catalogue.
//
// The prompt's keys and values are computed once and shared by its beams; only legal children are
// scored.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/parts/backbone.hpp"
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

struct DecodeOptions {
  Scoring scoring = Scoring::full;
  Search search = Search::beam;
  int64_t beams = 20;           // SIDs of an answer; more than the trie has is a ConfigError
  double temperature = 1;       // of sample
  std::vector<int32_t> suffix;  // forced ids after the SID whose log-probabilities are added in
                                // `full` (may be empty)
  int64_t max_tokens = 8192;    // of one forward: those of the prompts, and those of their beams
};

// Prompts computed: hidden state at each prompt's end, and the segment where it ends.
struct Prefilled {
  nn::KvPrefix prefix;
  torch::Tensor last_BD;
  std::vector<int32_t> segment_B;
};

class TSREC_API Decoder {
 public:
  Decoder(const Backbone& backbone, const Trie& trie, DecodeOptions options);
  ~Decoder();

  // With gradients when grad mode is on.
  Prefilled prefill(std::span<const std::vector<int32_t>> prompts, Context& context) const;
  // [B] prompts -> G = beams completions each, best first; on detached keys and values, without
  // gradients. Beam search says for free how much of its list is proven (Rollouts::certified_B).
  Rollouts roll_out(const Prefilled& prompts, std::optional<at::Generator> generator,
                    Context& context) const;
  // Teacher-forced completions (+ suffix) behind the same keys and values, as trees (shared
  // completion prefixes once). A completion's first label is predicted by its prompt's last hidden
  // state: its at_R is the batch's num_tokens + b. row_R: the completion, b * G + g.
  nn::PackedBatch tree(const Prefilled& prompts, const Rollouts& rollouts) const;
  // Ranks the whole catalogue's SIDs for every prompt: beams expanded to their items. Identical
  // prompts once.
  Rankings rank(std::span<const std::vector<int32_t>> prompts, Context& context) const;
  // Free text by beam search (SID to title), until eos or max_new_tokens: `beams` texts a prompt,
  // best first.
  std::vector<std::vector<std::vector<int32_t>>> write(
      std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens,
      Context& context) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec::decode
