// A backbone is a causal language model with its tokenizer.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/plugin.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec {

class TSREC_API Backbone : public Part {
 public:
  static constexpr const char* kKind = "backbone";
  static constexpr int kContract = 1;
  ~Backbone() override;
  // Once, before anything else but load(): reads the checkpoint, or trains tokenizer and weights on
  // the item texts. Long training is Stepwise, and made ready here.
  virtual void prepare(const Items& items, Context& context) = 0;
  virtual const text::Tokenizer& tokenizer() const = 0;
  virtual torch::Tensor hidden(const nn::PackedBatch& batch,
                               const nn::ForwardOptions& options) const = 0;  // [T, D]
  virtual nn::Head head() const = 0;  // weight [V, D], tied or not
  virtual torch::Tensor embedding()
      const = 0;  // [V, D]; V counts matrix rows and may exceed the tokenizer
  virtual bool tied() const = 0;
  virtual double initializer_range() const = 0;  // standard deviation of fresh rows in this family
  virtual double flops_per_token() const = 0;    // forward, one token, without the head
  // Many forwards without gradients follow: weights may be laid out anew for them, at the cost of a
  // copy. Whatever trains, saves or changes the model undoes it.
  virtual void pack_weights() {}
  // Adds tokens to the tokenizer; their ids follow tokenizer().size(). Padding rows of the matrix
  // are overwritten, then rows appended. output_ED is undefined when tied.
  virtual void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
                      const torch::Tensor& output_ED) = 0;
  virtual std::vector<nn::Parameter> parameters() = 0;  // stable order and names
  virtual std::unique_ptr<Backbone> clone() const = 0;  // reference model; own storage, no graph
  virtual void save(
      const std::filesystem::path& folder) const = 0;  // Hugging Face layout, tokenizer included
  virtual void load(const std::filesystem::path& folder) = 0;  // what save() wrote
};

}  // namespace tsrec
