#include "tsrec/nn/parameter.hpp"

namespace tsrec::nn {

std::vector<torch::Tensor> values_of(const std::vector<Parameter>& parameters) {
  std::vector<torch::Tensor> values;
  for (const Parameter& parameter : parameters) values.push_back(parameter.value.detach().clone());
  return values;
}

void set_values(const std::vector<Parameter>& parameters,
                const std::vector<torch::Tensor>& values) {
  const torch::NoGradGuard no_grad;
  if (values.size() != parameters.size()) {
    throw Error(values.size(), " values cannot be put into ", parameters.size(), " parameters");
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].sizes() != parameters[i].value.sizes()) {
      throw Error("'", parameters[i].name, "' has the shape ", parameters[i].value.sizes(),
                  "; a value of shape ", values[i].sizes(), " cannot be put into it");
    }
    parameters[i].value.copy_(values[i]);
  }
}

void save_values(const std::vector<Parameter>& parameters, ArtifactWriter& writer) {
  for (const Parameter& parameter : parameters) writer.view(parameter.name, parameter.value);
}

void load_values(const std::vector<Parameter>& parameters, const ArtifactReader& reader) {
  const torch::NoGradGuard no_grad;
  for (const Parameter& parameter : parameters) {
    const torch::Tensor value = reader.tensor(parameter.name);
    if (value.sizes() != parameter.value.sizes()) {
      throw DataError("the saved '", parameter.name, "' has the shape ", value.sizes(),
                      "; this model's has ", parameter.value.sizes());
    }
    parameter.value.copy_(value);
  }
}

}  // namespace tsrec::nn
