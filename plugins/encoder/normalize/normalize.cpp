// Centres, reduces, whitens and scales the vectors of another encoder.
#include "tsrec/parts/encoder.hpp"
#include "tsrec/unit_rows.hpp"

namespace {

using namespace tsrec;

struct Settings {
  PartSlot<Encoder> of;
  bool center = false, whiten = false, l2 = true;
  int64_t dimensions = 0;

  void declare(Options& o) {
    o.add_part("of", of).required().help("the encoder whose vectors these are");
    o.add("center", center).help("subtract the mean of all items; whiten and dimensions do so too");
    o.add("dimensions", dimensions)
        .range(0, 1 << 20)
        .help("keep that many principal components, the largest first; 0: the vectors' own axes");
    o.add("whiten", whiten)
        .help(
            "scale the principal components to variance 1: directions that all items share count "
            "as little as any other");
    o.add("l2", l2).help("scale every vector to length 1 in the end");
  }
};

// The leading eigenvectors of the covariance (divided by N) of centred rows, and their variances,
// largest first. The sign of an eigenvector is free: its largest entry is made positive.
struct PrincipalAxes {
  torch::Tensor axis_DK, variance_K;  // float64
};
PrincipalAxes principal_axes(const torch::Tensor& centred_ND, int64_t count) {
  const auto items = static_cast<double>(centred_ND.size(0));
  const auto [value_D, vector_DD] =
      torch::linalg_eigh(torch::mm(centred_ND.t(), centred_ND) / items);
  const torch::Tensor axis_DK = vector_DD.flip({1}).slice(1, 0, count).contiguous();
  const torch::Tensor largest_K = axis_DK.abs().argmax(/*dim=*/0, /*keepdim=*/true);
  return {axis_DK * torch::sign(axis_DK.gather(0, largest_K)),
          value_D.flip({0}).slice(0, 0, count).clamp_min(0)};
}

class Normalize final : public Encoder {
 public:
  Normalize(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    torch::Tensor x_ND = settings_.of.make(context)->encode(inputs, context).to(torch::kFloat64);
    if (x_ND.size(0) == 0) return x_ND.to(torch::kFloat32);
    const bool turns = settings_.dimensions > 0 || settings_.whiten;
    if (settings_.center || turns) x_ND = centred(x_ND);
    if (turns) x_ND = on_principal_axes(x_ND, context);
    if (settings_.l2) x_ND = unit_rows(x_ND);
    return x_ND.to(torch::kFloat32);
  }

 private:
  static torch::Tensor centred(const torch::Tensor& x_ND) {
    const torch::Tensor centred_ND = x_ND - x_ND.mean(/*dim=*/0, /*keepdim=*/true);
    const auto size = [](const torch::Tensor& rows) { return rows.abs().max().item<double>(); };
    if (size(centred_ND) <= 1e-12 * size(x_ND)) {
      throw DataError(
          "encoder 'normalize': the vectors of ", x_ND.size(0),
          " items are all the same, and nothing is left of them when their mean is "
          "taken away; use neither center nor dimensions nor whiten, or another encoder");
    }
    return centred_ND;
  }

  torch::Tensor on_principal_axes(const torch::Tensor& centred_ND, Context& context) const {
    const int64_t items = centred_ND.size(0), width = centred_ND.size(1);
    const int64_t most = std::min(width, items - 1);  // N centred rows span no more directions
    const int64_t wanted = settings_.dimensions > 0 ? settings_.dimensions : most;
    const PrincipalAxes axes = principal_axes(centred_ND, std::min(wanted, most));
    // A component that is rounding only is none.
    const torch::Tensor is_component_K = axes.variance_K > axes.variance_K.max() * 1e-12;
    const int64_t rank = is_component_K.sum().item<int64_t>();
    if (rank < wanted) {
      context.log(Level::warning,
                  c10::str("normalize: ", items, " vectors of width ", width, " have only ", rank,
                           " principal components, not ", wanted));
    }
    const torch::Tensor axis_DK = axes.axis_DK.slice(/*dim=*/1, 0, rank),
                        variance_K = axes.variance_K.slice(/*dim=*/0, 0, rank);
    const torch::Tensor turned_NK = torch::mm(centred_ND, axis_DK);
    return settings_.whiten ? turned_NK * variance_K.rsqrt() : turned_NK;
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.normalize", "0.1.0",
             tsrec::part<tsrec::Encoder, Normalize, Settings>(
                 "normalize", /*revision=*/2,
                 "Another encoder's vectors, centred, reduced, whitened or scaled"))
