// An encoder turns item texts into vectors.
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

class TSREC_API Encoder : public Part {
 public:
  static constexpr const char* kKind = "encoder";
  static constexpr int kContract = 1;
  ~Encoder() override;
  virtual torch::Tensor encode(const Items& items, Context& context) = 0;  // [N, D] float32, finite
};

}  // namespace tsrec
