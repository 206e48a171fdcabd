// A backbone is a language model with its tokenizer: what the host makes, extends and stores.
//
// Nobody else is given a whole one. Searches and metrics see an nn::LanguageModel, trainers an
// nn::TrainableModel, initializers the VocabularyRows. What save() writes has the layout of Hugging
// Face and holds the tokenizer as well. From which threads it may be asked, LanguageModel says.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/plugin.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec {

// The matrices of a model that have a row for every token.
struct VocabularyRows {
  torch::Tensor input_VD, output_VD;  // embedding and head; output undefined when tied
  int64_t num_tokens = 0;             // rows of tokens; those behind them are padding
  double initializer_range = 0.02;    // standard deviation of fresh rows in this family
  bool tied() const { return !output_VD.defined(); }
};

class TSREC_API Backbone : public Part, public nn::TrainableModel {
 public:
  static constexpr const char* kKind = "backbone";
  static constexpr int kContract = 1;
  // A model that starts from noise says kNeeds = "": an experiment may then go without an
  // [initializer], and the SID tokens get rows of N(0, initializer_range()^2).
  static constexpr const char* kNeeds = "initializer";
  ~Backbone() override;
  // Once, before anything else but load(): reads the checkpoint, or trains tokenizer and weights on
  // the item texts. Long training is Stepwise, and made ready here.
  virtual void prepare(const Items& items, Context& context) = 0;
  virtual const text::Tokenizer& tokenizer() const = 0;
  virtual torch::Tensor embedding()
      const = 0;  // [V, D]; V counts matrix rows and may exceed the tokenizer
  virtual bool tied() const = 0;
  virtual double initializer_range() const = 0;  // standard deviation of fresh rows in this family
  VocabularyRows vocabulary_rows() const;
  // Many forwards without gradients follow: weights may be laid out anew for them, at the cost of a
  // copy. Whatever trains, saves or changes the model undoes it.
  virtual void pack_weights() {}
  // The tokens from first_id on are SIDs' that the tokenizer knows already. A model of which the
  // rows of new tokens alone learn lets those learn, too. Before extend().
  virtual void learn_rows_from(int64_t /*first_id*/) {}
  // Adds tokens to the tokenizer; their ids follow tokenizer().size(). Padding rows of the matrix
  // are overwritten, then rows appended. output_ED is undefined when tied.
  virtual void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
                      const torch::Tensor& output_ED) = 0;
};

}  // namespace tsrec
