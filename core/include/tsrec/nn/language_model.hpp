// A language model as whoever asks it sees it: searches, losses and metrics use nothing else.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/nn/head.hpp"
#include "tsrec/nn/model_state.hpp"

namespace tsrec::nn {

// past: the state behind which the batch stands; keep: receives past + this batch. dropout:
// probability on the residual branches while training (0: none); needs the generator. checkpoint:
// activation checkpointing (Chen et al., 2016): of each block only the input is kept, with keys and
// values where others stand behind them, and the block is computed again in backward; the same
// result.
struct ForwardOptions {
  State past;
  State* keep = nullptr;
  double dropout = 0;
  std::optional<at::Generator> generator;
  bool checkpoint = false;
};

// Prompts computed. What completes prompt b attaches to segment_B[b] of the state; its first token
// is predicted by last_BD[b].
struct Prefilled {
  State state;
  torch::Tensor last_BD;
  std::vector<int32_t> segment_B;
};

// A decoder-only model gives hidden(), head() and flops_per_token(), and the rest follows. A model
// with an encoder overrides begin(), prefill() and label_hidden(): prefill() runs the encoder once
// over each prompt and the decoder over its start token, which is the segment of that prompt; the
// state keeps the encoder's output beside the decoder's keys and values, and hidden() finds it by
// the root above a segment. Its hidden() is asked behind prompts only.
//
// Threads: the const methods may be called from several at once, all of them with gradients or all
// without, while nobody changes the model (a step of an optimizer, pack_weights(), extend(),
// load()). backward() adds to the gradients of the one model and is called from one thread; whoever
// trains side by side gives every worker a clone (ModelWorkers).
class TSREC_API LanguageModel {
 public:
  virtual ~LanguageModel();
  virtual torch::Tensor hidden(const PackedBatch& batch,
                               const ForwardOptions& options) const = 0;  // [T, D]
  // [R, D]: what predicts the labels of whole rows, as pack() makes them. Where a row's prompt ends
  // is the token that predicts its first label: there a model with an encoder begins to answer. A
  // decoder-only model computes all tokens of the batch, shared ones once.
  virtual torch::Tensor label_hidden(const PackedBatch& batch, const ForwardOptions& options) const;
  virtual Head head() const = 0;               // weight [V, D], tied or not
  virtual double flops_per_token() const = 0;  // forward, one token, without the head
  // The same of the backward pass. Half of it are the gradients of the weights, which a model that
  // keeps them frozen leaves out.
  virtual double backward_flops_per_token() const { return 2 * flops_per_token(); }

  // The tokens that all prompts to come begin with, computed once. Null where prompts can only be
  // read whole, as by an encoder.
  virtual State begin(std::span<const int32_t> tokens, Context& context) const;
  // The prompts, whole; `begun` is null, or begin() of what all of them begin with and none of them
  // is. With gradients when grad mode is on. checkpoint: as in ForwardOptions.
  virtual Prefilled prefill(std::span<const std::vector<int32_t>> prompts, const State& begun,
                            Context& context, bool checkpoint = false) const;

  // hidden() behind a state, which becomes that behind the batch. On the context's device, and the
  // work is counted.
  torch::Tensor append(const PackedBatch& batch, State& state, Context& context,
                       bool checkpoint = false) const;
};

}  // namespace tsrec::nn
