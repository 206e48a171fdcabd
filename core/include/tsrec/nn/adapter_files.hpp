// Stored models with adapters (CausalLm::adapt()), written for others.
#pragma once

#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::nn {

// Of a folder that CausalLm::save() wrote.
TSREC_API bool has_adapters(const std::filesystem::path& folder);

// A plain Hugging Face folder: the adapters merged into the weights (W + alpha / rank B A, summed
// in float64), in float32, and all other files of `from`. DataError: there are no adapters.
TSREC_API void write_merged(const std::filesystem::path& from, const std::filesystem::path& to);

// An adapter folder of `peft`: adapter_config.json, adapter_model.safetensors with the thin
// matrices and, as trainable tokens, the rows that were added, and the tokenizer. base: the model
// that they stand beside, by its name on the hub or its folder; before it loads them it must have
// as many rows as the tokenizer has tokens (resize_token_embeddings; AutoPeftModelForCausalLM does
// that itself). DataError: there are no adapters.
TSREC_API void write_peft(const std::filesystem::path& from, const std::string& base,
                          const std::filesystem::path& to);

}  // namespace tsrec::nn
