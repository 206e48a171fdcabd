// A quantizer without faults, for plugins that are wrong elsewhere: every item gets code 0.
#pragma once

#include "tsrec/parts/quantizer.hpp"

namespace tsrec::bad {

class PlainQuantizer : public Quantizer {
 public:
  PlainQuantizer(const NoSettings&, Context&) {}
  void fit(const torch::Tensor&, Context&) override {}
  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    return torch::zeros({x_ND.size(0), 1}, torch::kInt64);
  }
  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    return torch::zeros({code_NL.size(0), 1});
  }
  std::vector<int64_t> sizes() const override { return {1}; }
  void save(ArtifactWriter&) const override {}
  void load(const ArtifactReader&) override {}
};

constexpr PartInfo plain_quantizer(const char* name, const char* needs = nullptr) {
  PartInfo info = part<Quantizer, PlainQuantizer, NoSettings>(name, 1, "Every item gets code 0");
  if (needs != nullptr) info.needs = needs;
  return info;
}

}  // namespace tsrec::bad
