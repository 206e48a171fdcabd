// New rows without any meaning: plain noise, or noise with the mean and covariance of the
// pre-trained rows.
#include "tsrec/nn/row_moments.hpp"
#include "tsrec/parts/initializer.hpp"

namespace {

using namespace tsrec;

// Paper 5.3.2, "default initialization".
class Random final : public Initializer {
 public:
  Random(const NoSettings&, Context&) {}

  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    return fresh_rows(inputs.rows, static_cast<int64_t>(inputs.tokens.tokens().size()), context);
  }
};

// N(mu, Sigma) of the tokenizer's rows (paper 3.2.2). Padding rows behind the tokenizer were never
// trained and stay out.
class Gaussian final : public Initializer {
 public:
  Gaussian(const NoSettings&, Context&) {}

  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    const auto count = static_cast<int64_t>(inputs.tokens.tokens().size());
    const int64_t known = inputs.rows.num_tokens;
    const auto draw = [&](const torch::Tensor& matrix_VD, int64_t index) {
      return nn::sample_rows(nn::row_moments(matrix_VD.slice(0, 0, known)), count,
                             context.generator("gaussian rows", index));
    };
    return {draw(inputs.rows.input_VD, 0),
            inputs.rows.tied() ? torch::Tensor() : draw(inputs.rows.output_VD, 1)};
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.moments", "0.1.0",
             tsrec::part<tsrec::Initializer, Random, tsrec::NoSettings>(
                 "random", /*revision=*/1, "Normal noise of the model's initializer range"),
             tsrec::part<tsrec::Initializer, Gaussian, tsrec::NoSettings>(
                 "gaussian", /*revision=*/1,
                 "Noise with the mean and covariance of the pre-trained rows"))
