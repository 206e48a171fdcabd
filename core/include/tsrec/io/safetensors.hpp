// safetensors: a JSON header and raw bytes; memory-mapped when read, byte-stable when written.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
// Written to a temporary name, flushed to disk, renamed.
TSREC_API void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors);
// Views of a read-only mapping that lives as long as any of them; copy before writing. Throws
// DataError.
TSREC_API std::map<std::string, torch::Tensor> read_safetensors(const std::filesystem::path& file);
// model.safetensors, or the shards that model.safetensors.index.json names.
TSREC_API std::map<std::string, torch::Tensor> read_hf_weights(const std::filesystem::path& folder);

}  // namespace tsrec::io
