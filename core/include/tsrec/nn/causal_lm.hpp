// The building block behind every decoder-only backbone: RMSNorm, rotary positions, grouped-query
// attention, SwiGLU.
#pragma once

#include "tsrec/nn/lora.hpp"
#include "tsrec/nn/trainable_model.hpp"

namespace tsrec::nn {

// Slower rotations for positions beyond those of pre-training. kind: "" (none), "linear" (every
// frequency divided by factor; Chen et al., 2023), or "llama3" (long wavelengths divided, short
// ones kept, a smooth step between; Llama 3.1).
struct RopeScaling {
  std::string kind;
  double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4;
  int64_t original_positions = 8192;
};

struct LmShape {
  std::string family = "qwen2";  // as config.json calls it: qwen2, qwen3, llama, mistral
  int64_t vocabulary = 0, width = 0, layers = 0, heads = 0, kv_heads = 0, head_width = 0,
          mlp_width = 0;
  double rope_theta = 1e6, norm_eps = 1e-6, initializer_range = 0.02;
  bool tied = true, qkv_bias = true;
  bool qk_norm = false;  // RMSNorm over each head's query and key (Qwen3)
  RopeScaling rope_scaling;
  // Handed on to whoever reads what is saved, as config.json says them.
  int64_t max_positions = 32768;
  std::optional<int32_t> bos_id;
  std::vector<int32_t> eos_ids;
};

// Reads a Hugging Face config.json of the Qwen2 (and Qwen2.5), Qwen3, Llama or Mistral family. Null
// and a missing key mean the family's default. Other families, and what of them is not computed
// here (other scalings, biases, sliding windows, quantized weights), are a DataError with key and
// value.
TSREC_API LmShape read_hf_config(const std::filesystem::path& folder);
// eos_id joins those that the shape has.
TSREC_API void write_hf_config(const LmShape& shape, int32_t eos_id,
                               const std::filesystem::path& folder);

// What training such a model takes (training_memory.hpp). lora: where it is adapted; new_rows: rows
// of the vocabulary that learn then.
TSREC_API ModelMemory model_memory(const LmShape& shape, torch::ScalarType precision,
                                   const std::optional<Lora>& lora, int64_t new_rows);

// fused qkv and gate-up matrices in memory, Hugging Face names and shapes on disk. A checkpoint
// narrower than `precision` is widened when it is first trained, saved or changed; until then
// inference reads it as it is stored, and head() then holds those numbers.
class TSREC_API CausalLm final : public TrainableModel {
 public:
  CausalLm(const LmShape& shape, torch::ScalarType precision,
           torch::Device device);  // weights undefined until init or load
  ~CausalLm() override;
  CausalLm(CausalLm&&) noexcept;
  CausalLm& operator=(CausalLm&&) noexcept;

  void init_random(at::Generator generator);  // N(0, initializer_range), norms 1, biases 0
  // model.safetensors or shards with an index; throws DataError. Where the shape is tied and the
  // checkpoint has a head that is not the embedding, that head is used: the shape is untied then.
  void load(const std::filesystem::path& folder) override;
  // model.safetensors, float32 or bfloat16 as held; byte-stable
  void save(const std::filesystem::path& folder) const override;
  CausalLm copy() const;  // own storage of what learns, no graph
  std::unique_ptr<TrainableModel> clone() const override;
  // For forwards without gradients on the processor: the body's matrices once more, in the layout
  // of oneDNN's kernels. Where MKL computes float32 products (product.hpp) they serve forwards of
  // few tokens in float32, else all; in bfloat16 nothing happens where the processor has no
  // instructions for it. Training, saving or changing the model drops them.
  void pack_weights();

  // [T, D] after the last norm. A state of another model is an Error.
  torch::Tensor hidden(const PackedBatch& batch, const ForwardOptions& options) const override;
  Head head() const override;       // weight [V, D], tied or not
  torch::Tensor embedding() const;  // [V, D] input rows
  // Writes rows: ids from first_id on get input_ED (and output_ED if untied); the matrices grow
  // when ids exceed V. Under adapt() these rows learn; where they are the first that do, those of
  // the checkpoint from first_id on, which belong to no token, are dropped.
  void set_rows(int64_t first_id, const torch::Tensor& input_ED, const torch::Tensor& output_ED);
  std::vector<Parameter> parameters() override;  // stable order and names; only what learns
  const LmShape& shape() const;
  double flops_per_token() const override;  // 2 * body weights
  double backward_flops_per_token() const override;
  std::optional<ModelMemory> memory() const override;

  // Low-rank adaptation: all weights are frozen as they are, and from here on the adapters learn,
  // and rows that set_rows() adds. A is drawn from U(-1, 1) / sqrt(in), B is 0, so that the model
  // still computes what it did. save() writes adapters.json and adapters.safetensors beside the
  // weights, and load() reads them. ConfigError: a target that there is not; Error: it is adapted.
  void adapt(const Lora& lora, at::Generator generator);
  const std::optional<Lora>& lora() const;
  // Under adapt(), before set_rows(): rows of the vocabulary from first_id to end learn, too; those
  // behind, which belong to no token, are dropped. Elsewhere nothing happens.
  void learn_rows(int64_t first_id, int64_t end);
  // adapt() undone: the adapters become part of the weights (W + alpha / rank B A, summed in
  // float64), and all of them learn again.
  void merge_adapters();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec::nn
