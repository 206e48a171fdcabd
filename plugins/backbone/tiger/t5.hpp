// A T5: an encoder reads the prompt, a decoder answers.
#pragma once

#include "decoder_plan.hpp"
#include "t5_weights.hpp"
#include "tsrec/nn/dropout.hpp"
#include "tsrec/nn/trainable_model.hpp"

namespace tsrec::tiger {

class T5 final : public nn::TrainableModel {
 public:
  T5(const T5Shape& shape, torch::ScalarType precision, torch::Device device);  // without weights
  ~T5() override;
  T5(T5&&) noexcept;
  T5& operator=(T5&&) noexcept;

  void init_random(at::Generator generator);  // as T5 does; norms 1
  T5 copy() const;                            // own storage, no graph
  // Rows of the vocabulary from first_id on; the matrices grow where they must.
  void set_rows(int64_t first_id, const torch::Tensor& input_ED, const torch::Tensor& output_ED);
  const T5Shape& shape() const { return shape_; }
  torch::Tensor embedding() const { return weights_.embedding_VD; }

  // [T, D] of the decoder, behind what prefill() gave.
  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override;
  torch::Tensor label_hidden(const nn::PackedBatch& batch,
                             const nn::ForwardOptions& options) const override;
  nn::Head head() const override;
  double flops_per_token() const override;
  nn::State begin(std::span<const int32_t> tokens, Context& context) const override;  // null
  nn::Prefilled prefill(std::span<const std::vector<int32_t>> prompts, const nn::State& begun,
                        Context& context, bool checkpoint = false) const override;

  std::vector<nn::Parameter> parameters() override;
  std::unique_ptr<nn::TrainableModel> clone() const override;
  void save(const std::filesystem::path& folder) const override;  // model.safetensors
  void load(const std::filesystem::path& folder) override;

 private:
  class Memory;
  using Prompts = std::span<const std::vector<int32_t>>;

  // `order`: the prompts, short ones first, as the memory numbers them.
  Memory encode(Prompts prompts, const std::vector<size_t>& order,
                const nn::Dropout& dropout) const;
  torch::Tensor decode(const nn::PackedBatch& batch, Memory& memory,
                       const nn::Dropout& dropout) const;
  torch::Tensor leaf(const torch::Tensor& value) const;

  T5Shape shape_;
  torch::ScalarType precision_;
  torch::Device device_;
  T5Weights weights_;
};

}  // namespace tsrec::tiger
