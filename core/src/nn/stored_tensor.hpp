// A tensor of a checkpoint, which must be there and have the shape that config.json asks for.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

using StoredTensors = std::map<std::string, torch::Tensor>;

inline torch::Tensor stored_tensor(const StoredTensors& stored, const std::string& name,
                                   at::IntArrayRef sizes, const std::filesystem::path& folder) {
  const auto found = stored.find(name);
  if (found == stored.end())
    throw DataError("the checkpoint '", folder.string(), "' lacks the tensor '", name, "'");
  if (found->second.sizes() != sizes) {
    throw DataError("the checkpoint '", folder.string(), "': tensor '", name, "' has the shape ",
                    found->second.sizes(), "; config.json asks for ", sizes);
  }
  return found->second;
}

}  // namespace tsrec::nn
