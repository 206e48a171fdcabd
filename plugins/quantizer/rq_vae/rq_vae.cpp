// Residual-quantized autoencoder (Lee et al., 2022; as used by TIGER, LC-Rec and MiniOneRec).
#include <set>

#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/product.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t levels = 3, codes = 256, latent = 32, epochs = 400, batch = 1024, evaluate_every = 20;
  std::vector<int64_t> hidden = {512, 256, 128, 64};
  double commitment = 0.25, quantization = 1, sinkhorn = 0;
  int64_t sinkhorn_iterations = 50;
  train::UpdaterOptions updater = {.learning_rate = 1e-3, .schedule = "constant"};

  void declare(Options& o) {
    o.add("levels", levels).range(1, 26).help("number of codes in a SID");
    o.add("codes", codes).range(2, 65536).help("codes of every level; at most the number of items");
    o.add("latent", latent).range(1, 4096).help("width of the quantized vector");
    o.add("hidden", hidden)
        .range(1, 65536)
        .help("widths of the encoder's layers; the decoder mirrors them");
    o.add("epochs", epochs).range(1, 1'000'000).help("passes over the items");
    o.add("batch", batch)
        .range(2, 1 << 20)
        .unit("items")
        .help("items of one update; the first batch starts the codebooks");
    o.add("evaluate_every", evaluate_every)
        .at_least(1)
        .unit("epochs")
        .help("how often the share of distinct SIDs is measured; the best state is kept");
    updater.declare(o);
    o.add("commitment", commitment)
        .range(0, 100)
        .help("weight of pulling the encoder towards the codes");
    o.add("quantization", quantization)
        .range(0, 100)
        .help("weight of the quantization loss beside the reconstruction");
    o.add("sinkhorn", sinkhorn)
        .range(0, 10)
        .help("entropy of a balanced assignment of the last level in training; 0: nearest code");
    o.add("sinkhorn_iterations", sinkhorn_iterations)
        .range(1, 10000)
        .help("normalisations of the balanced assignment");
  }
};

struct Linear {
  torch::Tensor weight, bias;
};

torch::Tensor forward(const std::vector<Linear>& layers, torch::Tensor x) {
  for (size_t i = 0; i < layers.size(); ++i) {
    x = linear_product(x, layers[i].weight, layers[i].bias);
    if (i + 1 < layers.size()) x = torch::relu(x);
  }
  return x;
}

// Q = exp(-d / eps), rows and columns scaled in turn until each code gets the same share; returns
// the argmax of a row.
torch::Tensor balanced_codes(const torch::Tensor& distance_BK, double epsilon, int64_t iterations) {
  const torch::Tensor d = distance_BK.to(torch::kFloat64);
  const double high = d.max().item<double>(), low = d.min().item<double>();
  const double middle = (high + low) / 2, amplitude = high - middle + 1e-5;
  torch::Tensor q = torch::exp(-((d - middle) / amplitude) / epsilon);
  q = q / q.sum();
  for (int64_t i = 0; i < iterations; ++i) {
    q = q / q.sum(1, true) / static_cast<double>(q.size(0));
    q = q / q.sum(0, true) / static_cast<double>(q.size(1));
  }
  return q.argmax(1);
}

class RqVae final : public Quantizer, public HasDistances, public Stepwise {
 public:
  RqVae(const Settings& settings, Context&) : settings_(settings) {}

  void fit(const torch::Tensor& x_ND, Context& context) override {
    if (settings_.codes > x_ND.size(0)) {
      throw DataError("quantizer 'rq_vae': codes = ", settings_.codes, ", but there are only ",
                      x_ND.size(0), " items to start the codebooks from; use ",
                      x_ND.size(0) < 2 ? "another quantizer, such as rq_kmeans with codes = 1"
                                       : "at most that many codes");
    }
    if (settings_.codes > settings_.batch) {
      throw DataError("quantizer 'rq_vae': codes = ", settings_.codes,
                      ", but the first batch, which starts the codebooks, has only ",
                      settings_.batch, " items; use fewer codes or a larger batch");
    }
    if (!x_ND.isfinite().all().item<bool>()) {
      throw DataError(
          "quantizer 'rq_vae': the vectors hold NaN or infinite values; check the encoder's "
          "output");
    }
    x_ND_ = x_ND;
    order_.emplace(train::RowOrderOptions{
        .num_rows = x_ND.size(0), .batch_rows = settings_.batch, .epochs = settings_.epochs});
    make_layers(x_ND.size(1), context);
    start_codebooks(vectors_of(order_->rows(0, context)), context);
    updater_ =
        std::make_unique<train::Updater>(parameters(), settings_.updater, num_steps(), context);
  }

  int64_t num_steps() const override { return order_->num_steps(); }
  int64_t validate_every() const override {
    return settings_.evaluate_every * order_->steps_per_epoch();
  }

  void step(int64_t index, Context& context) override {
    const std::span<const int64_t> rows = order_->rows(index, context);
    const torch::Tensor loss = loss_of(vectors_of(rows));
    updater_->backward(loss);
    updater_->update(index, loss.item<double>(), rows, context);
    context.number("train.loss", loss.item<double>(), index);
    updater_->report(index, context);
  }

  // The share of the items whose SID another item had before them.
  Numbers validate(Context&) override {
    const auto items = static_cast<double>(x_ND_.size(0));
    return {{"loss", (items - static_cast<double>(num_distinct())) / items, {}}};
  }

  void finish(Context& context) override {
    context.log(Level::info, c10::str("rq_vae: ", num_distinct(), " distinct SIDs of ",
                                      x_ND_.size(0), " items"));
    updater_.reset();
    x_ND_ = torch::Tensor();
  }

  void save_state(ArtifactWriter& writer) const override { updater_->save(writer); }
  void load_state(const ArtifactReader& reader) override { updater_->load(reader); }

  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    const torch::NoGradGuard no_grad;
    torch::Tensor residual = forward(encoder_, x_ND.to(torch::kFloat32));
    std::vector<torch::Tensor> codes;
    for (const torch::Tensor& codebook_KD : codebooks_) {
      codes.push_back(cluster::nearest(residual, codebook_KD).first);
      residual = residual - codebook_KD.index_select(0, codes.back());
    }
    return torch::stack(codes, 1);
  }

  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    const torch::NoGradGuard no_grad;
    torch::Tensor latent = torch::zeros({code_NL.size(0), settings_.latent});
    for (size_t level = 0; level < codebooks_.size(); ++level) {
      latent = latent +
               codebooks_[level].index_select(0, code_NL.select(1, static_cast<int64_t>(level)));
    }
    return forward(decoder_, latent);
  }

  // In the latent space.
  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override {
    const torch::NoGradGuard no_grad;
    torch::Tensor residual = forward(encoder_, x_ND.to(torch::kFloat32));
    for (int64_t above = 0; above < level; ++above) {
      residual = residual -
                 codebooks_[static_cast<size_t>(above)].index_select(0, code_NL.select(1, above));
    }
    return torch::cdist(residual, codebooks_[static_cast<size_t>(level)], 2, /*compute_mode=*/2)
        .square();
  }

  std::vector<int64_t> sizes() const override {
    return std::vector<int64_t>(codebooks_.size(), settings_.codes);
  }

  void save(ArtifactWriter& writer) const override {
    nn::save_values(parameters_, writer);
    writer.number("width", static_cast<double>(width_));
  }
  void load(const ArtifactReader& reader) override {
    shape_layers(static_cast<int64_t>(reader.number("width")));
    nn::load_values(parameters_, reader);
  }
  std::vector<nn::Parameter> parameters() override { return parameters_; }

 private:
  // Encoder width -> hidden -> latent, decoder in reverse, codebooks [codes, latent].
  void shape_layers(int64_t width) {
    width_ = width;
    std::vector<int64_t> widths = {width};
    widths.insert(widths.end(), settings_.hidden.begin(), settings_.hidden.end());
    widths.push_back(settings_.latent);
    parameters_.clear();
    encoder_ = layers_of("encoder", widths);
    decoder_ = layers_of("decoder", {widths.rbegin(), widths.rend()});
    codebooks_.clear();
    for (int64_t level = 0; level < settings_.levels; ++level) {
      codebooks_.push_back(
          parameter(c10::str("codebook.", level), {settings_.codes, settings_.latent}));
    }
  }

  std::vector<Linear> layers_of(const std::string& name, const std::vector<int64_t>& widths) {
    std::vector<Linear> layers;
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      layers.push_back({parameter(c10::str(name, ".", i, ".weight"), {widths[i + 1], widths[i]}),
                        parameter(c10::str(name, ".", i, ".bias"), {widths[i + 1]})});
    }
    return layers;
  }

  torch::Tensor parameter(std::string name, at::IntArrayRef shape) {
    const torch::Tensor value = torch::zeros(shape).requires_grad_();
    parameters_.push_back({std::move(name), value, /*decays=*/shape.size() > 1});
    return value;
  }

  // Xavier-normal weights, zero biases.
  void make_layers(int64_t width, Context& context) {
    shape_layers(width);
    const torch::NoGradGuard no_grad;
    int64_t index = 0;
    for (std::vector<Linear>* layers : {&encoder_, &decoder_}) {
      for (Linear& layer : *layers) {
        const double deviation =
            std::sqrt(2.0 / static_cast<double>(layer.weight.size(0) + layer.weight.size(1)));
        layer.weight.copy_(
            deviation * torch::randn(layer.weight.sizes(), context.generator("weights", index++)));
      }
    }
  }

  void start_codebooks(const torch::Tensor& x_BD, Context& context) {
    const torch::NoGradGuard no_grad;
    torch::Tensor residual = forward(encoder_, x_BD);
    for (size_t level = 0; level < codebooks_.size(); ++level) {
      const cluster::KMeans found =
          cluster::kmeans(residual, {.clusters = settings_.codes, .iterations = 100, .restarts = 1},
                          context.generator("codebook", static_cast<int64_t>(level)));
      codebooks_[level].copy_(found.center_KD);
      residual = residual - found.center_KD.index_select(0, found.label_N);
    }
  }

  torch::Tensor vectors_of(std::span<const int64_t> items) const {
    return x_ND_.index_select(
        0, torch::tensor(std::vector<int64_t>(items.begin(), items.end()), torch::kInt64));
  }

  // reconstruction + quantization * mean over levels of |c - sg r|^2 + commitment |sg c - r|^2
  // (element means).
  torch::Tensor loss_of(const torch::Tensor& x_BD) const {
    const torch::Tensor latent = forward(encoder_, x_BD);
    torch::Tensor residual = latent, quantized = torch::zeros_like(latent),
                  quantization_loss = torch::zeros({});
    for (size_t level = 0; level < codebooks_.size(); ++level) {
      const torch::Tensor code = codebooks_[level].index_select(0, training_codes(residual, level));
      quantization_loss = quantization_loss + (code - residual.detach()).square().mean() +
                          settings_.commitment * (code.detach() - residual).square().mean();
      const torch::Tensor through = residual + (code - residual).detach();  // straight-through
      residual = residual - through;
      quantized = quantized + through;
    }
    const torch::Tensor reconstruction = (forward(decoder_, quantized) - x_BD).square().mean();
    return reconstruction +
           settings_.quantization * quantization_loss / static_cast<double>(codebooks_.size());
  }

  torch::Tensor training_codes(const torch::Tensor& residual, size_t level) const {
    const torch::NoGradGuard no_grad;
    const torch::Tensor& codebook = codebooks_[level];
    if (settings_.sinkhorn == 0 || level + 1 < codebooks_.size())
      return cluster::nearest(residual, codebook).first;
    return balanced_codes(torch::cdist(residual, codebook, 2, /*compute_mode=*/2).square(),
                          settings_.sinkhorn, settings_.sinkhorn_iterations);
  }

  int64_t num_distinct() const {
    const torch::Tensor code_NL = encode(x_ND_);
    std::set<std::vector<int64_t>> distinct;
    for (int64_t n = 0; n < code_NL.size(0); ++n) {
      const int64_t* code = code_NL.const_data_ptr<int64_t>() + n * code_NL.size(1);
      distinct.emplace(code, code + code_NL.size(1));
    }
    return static_cast<int64_t>(distinct.size());
  }

  Settings settings_;
  int64_t width_ = 0;
  std::vector<nn::Parameter> parameters_;  // of the layers and codebooks that follow
  std::vector<Linear> encoder_, decoder_;
  std::vector<torch::Tensor> codebooks_;
  // From fit() to finish().
  torch::Tensor x_ND_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::Updater> updater_;
};

}  // namespace

TSREC_PLUGIN("tsrec.rq_vae", "0.1.0",
             tsrec::part<tsrec::Quantizer, RqVae, Settings>(
                 "rq_vae", /*revision=*/3, "Codes of a residual-quantized autoencoder"))
