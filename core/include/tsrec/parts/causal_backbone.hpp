// A Backbone over the core's CausalLm and Tokenizer: what decoder-only backbones share. How weights
// and tokenizer come to be is left to prepare(), which ends with set().
#pragma once

#include "tsrec/parts/backbone.hpp"

namespace tsrec {

class TSREC_API CausalBackbone : public Backbone {
 public:
  explicit CausalBackbone(const Context& context)
      : precision_(context.precision()), device_(context.device()) {}

  const text::Tokenizer& tokenizer() const override;
  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override;
  nn::Head head() const override;
  torch::Tensor embedding() const override;
  bool tied() const override;
  double initializer_range() const override;
  double flops_per_token() const override;
  double backward_flops_per_token() const override;
  std::optional<nn::ModelMemory> memory() const override;
  void pack_weights() override;
  void learn_rows_from(int64_t first_id) override;
  void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
              const torch::Tensor& output_ED) override;
  std::vector<nn::Parameter> parameters() override;
  std::unique_ptr<nn::TrainableModel> clone() const override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;

 protected:
  CausalBackbone(torch::ScalarType precision, torch::Device device)
      : precision_(precision), device_(device) {}
  void set(text::Tokenizer tokenizer, nn::CausalLm model);
  nn::CausalLm& model();
  const nn::CausalLm& model() const;
  torch::ScalarType precision() const { return precision_; }
  torch::Device device() const { return device_; }

 private:
  torch::ScalarType precision_;
  torch::Device device_;
  std::optional<text::Tokenizer> tokenizer_;
  std::optional<nn::CausalLm> model_;
};

}  // namespace tsrec
