// Residual quantization by k-means (paper Eq. 1-3): every level clusters what the levels before
// left over.
#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/parts/quantizer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t levels = 3, codes = 256, iterations = 100, restarts = 3;
  double tolerance = 1e-6;

  void declare(Options& o) {
    o.add("levels", levels).range(1, 26).help("number of codes in a SID");
    o.add("codes", codes)
        .range(1, 65536)
        .help("clusters of every level; at most the number of items");
    o.add("iterations", iterations).range(1, 100000).help("Lloyd steps of one k-means at most");
    o.add("restarts", restarts)
        .range(1, 1000)
        .help("k-means++ starts of every level; the best result is kept");
    o.add("tolerance", tolerance)
        .range(0, 1)
        .help("a k-means ends when a step improves it by less than this share");
  }
};

class RqKMeans final : public Quantizer, public HasDistances {
 public:
  RqKMeans(const Settings& settings, Context&) : settings_(settings) {}

  void fit(const torch::Tensor& x_ND, Context& context) override {
    if (settings_.codes > x_ND.size(0)) {
      throw DataError("quantizer 'rq_kmeans': codes = ", settings_.codes, ", but there are only ",
                      x_ND.size(0), " items to cluster; use at most that many codes");
    }
    torch::Tensor residual_ND = x_ND.clone();
    center_LKD_.clear();
    context.log(Level::info, c10::str("rq_kmeans: residual energy ", energy(residual_ND)));
    for (int64_t level = 0; level < settings_.levels; ++level) {
      if (context.stopping())
        throw Interrupted("fitting the quantizer was stopped; it starts again next time");
      const cluster::KMeans found = cluster::kmeans(residual_ND,
                                                    {.clusters = settings_.codes,
                                                     .iterations = settings_.iterations,
                                                     .restarts = settings_.restarts,
                                                     .tolerance = settings_.tolerance},
                                                    context.generator("k-means", level));
      center_LKD_.push_back(found.center_KD);
      residual_ND = residual_ND - found.center_KD.index_select(0, found.label_N);  // Eq. 2
      context.log(Level::info, c10::str("rq_kmeans: level ", level + 1, " leaves ",
                                        energy(residual_ND), ", ", found.iterations, " steps, ",
                                        found.repaired, " empty clusters refilled"));
      context.progress("quantizing", level + 1, settings_.levels);
    }
  }

  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    torch::Tensor residual_ND = x_ND.to(torch::kFloat32);
    std::vector<torch::Tensor> codes;
    for (const torch::Tensor& center_KD : center_LKD_) {
      codes.push_back(cluster::nearest(residual_ND, center_KD).first);  // Eq. 1
      residual_ND = residual_ND - center_KD.index_select(0, codes.back());
    }
    return torch::stack(codes, 1);
  }

  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    torch::Tensor x_ND = torch::zeros({code_NL.size(0), center_LKD_.front().size(1)});
    for (size_t level = 0; level < center_LKD_.size(); ++level) {
      x_ND =
          x_ND + center_LKD_[level].index_select(0, code_NL.select(1, static_cast<int64_t>(level)));
    }
    return x_ND;
  }

  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override {
    torch::Tensor residual_ND = x_ND.to(torch::kFloat32);
    for (int64_t above = 0; above < level; ++above) {
      residual_ND = residual_ND - center_LKD_[static_cast<size_t>(above)].index_select(
                                      0, code_NL.select(1, above));
    }
    return torch::cdist(residual_ND, center_LKD_[static_cast<size_t>(level)], 2, /*compute_mode=*/2)
        .square();
  }

  std::vector<int64_t> sizes() const override {
    std::vector<int64_t> sizes;
    for (const torch::Tensor& center_KD : center_LKD_) sizes.push_back(center_KD.size(0));
    return sizes;
  }

  void save(ArtifactWriter& writer) const override {
    writer.tensor("center_LKD", torch::stack(center_LKD_));
  }
  void load(const ArtifactReader& reader) override {
    center_LKD_ = reader.tensor("center_LKD").unbind(0);
  }

 private:
  static double energy(const torch::Tensor& residual_ND) {
    return residual_ND.square().sum(torch::kFloat64).item<double>() /
           static_cast<double>(residual_ND.size(0));
  }

  Settings settings_;
  std::vector<torch::Tensor> center_LKD_;
};

}  // namespace

TSREC_PLUGIN("tsrec.rq_kmeans", "0.1.0",
             tsrec::part<tsrec::Quantizer, RqKMeans, Settings>(
                 "rq_kmeans", /*revision=*/2, "Residual quantization by k-means on every level"))
