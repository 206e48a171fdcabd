// What a model learns: named leaves, and their values kept, put back, saved and loaded.
#pragma once

#include "tsrec/artifact.hpp"

namespace tsrec::nn {

struct Parameter {
  // Of a language model: the Hugging Face name; fused matrices are qkv_proj and gate_up_proj.
  std::string name;
  torch::Tensor value;  // a leaf that requires grad
  bool decays = false;  // weight decay applies (matrices, not norms and biases)
};

// Copies of the values, in the parameters' order.
TSREC_API std::vector<torch::Tensor> values_of(const std::vector<Parameter>& parameters);
// The way back, in place: whoever shares the parameters' memory sees it. Other counts or shapes are
// an Error.
TSREC_API void set_values(const std::vector<Parameter>& parameters,
                          const std::vector<torch::Tensor>& values);
// The same by way of the disk, each value under its parameter's name. A parameter that is missing
// there, or has another shape, is a DataError.
TSREC_API void save_values(const std::vector<Parameter>& parameters, ArtifactWriter& writer);
TSREC_API void load_values(const std::vector<Parameter>& parameters, const ArtifactReader& reader);

}  // namespace tsrec::nn
