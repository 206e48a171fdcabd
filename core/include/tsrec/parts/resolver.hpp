// A resolver decides what happens to items that were given the same codes.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/parts/quantizer.hpp"

namespace tsrec {

struct ResolverInputs {
  const torch::Tensor& code_NL;
  const torch::Tensor& x_ND;
  const Quantizer& quantizer;
};
class TSREC_API Resolver : public Part {
 public:
  static constexpr const char* kKind = "resolver";
  static constexpr int kContract = 1;
  ~Resolver() override;
  virtual SidTable resolve(const ResolverInputs& inputs,
                           Context& context) = 0;  // every item has a SID
};

}  // namespace tsrec
