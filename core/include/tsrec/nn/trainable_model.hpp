// A language model as a trainer sees it: weights that move, and copies of it.
#pragma once

#include "tsrec/nn/language_model.hpp"
#include "tsrec/nn/parameter.hpp"
#include "tsrec/nn/training_memory.hpp"

namespace tsrec::nn {

class TSREC_API TrainableModel : public LanguageModel {
 public:
  ~TrainableModel() override;
  virtual std::vector<Parameter> parameters() = 0;  // stable order and names; what learns
  // What training it takes, for a prediction; none: nothing is predicted.
  virtual std::optional<ModelMemory> memory() const { return std::nullopt; }
  virtual std::unique_ptr<TrainableModel> clone() const = 0;  // own storage, no graph
  virtual void save(const std::filesystem::path& folder) const = 0;
  virtual void load(const std::filesystem::path& folder) = 0;  // what save() wrote
};

}  // namespace tsrec::nn
