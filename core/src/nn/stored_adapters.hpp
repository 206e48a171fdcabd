// The adapters of a model (LoRA) in the folder of its weights: adapters.json says what they are,
// adapters.safetensors holds the thin matrices, each under the Hugging Face name of the matrix that
// it stands beside.
#pragma once

#include "nn/low_rank.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec::nn {

struct StoredAdapters {
  Lora lora;
  int64_t first_new_row = 0;  // of the vocabulary: from here on rows learn
  std::map<std::string, torch::Tensor> tensors;
  std::filesystem::path folder;
  // DataError: there is none of this name and these sizes.
  const torch::Tensor& tensor(const std::string& name, at::IntArrayRef sizes) const;
};

// None where the folder has no adapters.json.
std::optional<StoredAdapters> read_adapters(const std::filesystem::path& folder);
void write_adapters(const Lora& lora, int64_t first_new_row, const io::NamedTensors& tensors,
                    const std::filesystem::path& folder);

// "model.layers.0.self_attn.qkv_proj" and its part "q_proj" -> "model.layers.0.self_attn.q_proj".
std::string name_of_part(const std::string& joined, const JoinedPart& part);

}  // namespace tsrec::nn
