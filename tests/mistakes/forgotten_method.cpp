// encode() takes one argument too many, and so it is not the method of the interface.
#include "tsrec/parts/quantizer.hpp"

namespace {

using namespace tsrec;

class Forgetful final : public Quantizer {
 public:
  Forgetful(const NoSettings&, Context&) {}
  void fit(const torch::Tensor&, Context&) override {}
  torch::Tensor encode(const torch::Tensor& x_ND, Context&) const { return x_ND; }
  torch::Tensor decode(const torch::Tensor& code_NL) const override { return code_NL; }
  std::vector<int64_t> sizes() const override { return {1}; }
  void save(ArtifactWriter&) const override {}
  void load(const ArtifactReader&) override {}
};

}  // namespace

TSREC_PLUGIN("acme.forgetful", "0.1.0",
             tsrec::part<tsrec::Quantizer, Forgetful, tsrec::NoSettings>("forgetful", 1,
                                                                         "Forgets a method"))
