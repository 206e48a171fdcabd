// A quantizer turns an item's embedding into a short sequence of codes, so that a language model
// can "say" the item.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

class TSREC_API Quantizer : public Part {
 public:
  static constexpr const char* kKind = "quantizer";
  static constexpr int kContract = 1;
  static constexpr const char* kNeeds = "encoder resolver";
  ~Quantizer() override;
  // Once; afterwards encode() and decode() are pure. May be slow: polls stopping(), or is Stepwise
  // and makes itself ready here. x: [N, D] float32; no rows, or an entry that is NaN or infinite,
  // is a DataError.
  virtual void fit(const torch::Tensor& x_ND, Context& context) = 0;
  virtual torch::Tensor encode(
      const torch::Tensor& x_ND) const = 0;  // [N, L] int64, row by row; N may be 0
  virtual torch::Tensor decode(const torch::Tensor& code_NL) const = 0;  // [N, D]
  virtual std::vector<int64_t> sizes() const = 0;                        // K_1 .. K_L
  virtual void save(ArtifactWriter& writer) const = 0;
  virtual void load(const ArtifactReader& reader) = 0;
};

// Residual quantizers; some resolvers need it.
class TSREC_API HasDistances {
 public:
  virtual ~HasDistances();
  // [N, K] squared distances at `level` given the codes above it (code_NL's columns before
  // `level`).
  virtual torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                                  int64_t level) const = 0;
};

}  // namespace tsrec
