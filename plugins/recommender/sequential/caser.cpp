#include "caser.hpp"

#include <algorithm>
#include <set>

#include "convolution.hpp"

namespace tsrec::sequential {
namespace {

// Filters of one height. The weight of each is its rows behind each other.
struct Horizontal {
  Horizontal(Parameters& parameters, int64_t rows, int64_t width, int64_t filters, double bias)
      : height(rows), filter(parameters, c10::str("horizontal.", rows), rows * width, filters) {
    filter.bias.detach().fill_(bias);
  }
  // The first rows of all filters, then their second rows, ...: [height * filters, D].
  torch::Tensor rows() const {
    const int64_t filters = filter.weight.size(0);
    return filter.weight.view({filters, height, -1})
        .transpose(0, 1)
        .reshape({height * filters, -1});
  }
  int64_t height;
  Linear filter;
};

class CaserModel final : public SequenceModel {
 public:
  CaserModel(const CaserSettings& settings, Parameters& parameters, const Catalogue& catalogue)
      : is_original_(settings.is_original()),
        window_(settings.window),
        heights_(settings.used_heights()),
        items_(parameters, settings.item_table(), catalogue),
        vertical_(parameters, "vertical", settings.window, settings.vertical) {
    for (const int64_t height : heights_)
      horizontal_.emplace_back(parameters, height, settings.width, settings.horizontal,
                               /*bias=*/is_original_ ? 0 : 0.1);
    int64_t width =
        std::ssize(horizontal_) * settings.horizontal + settings.vertical * settings.width;
    if (is_original_) {
      joined_.emplace(parameters, "joined", width, settings.width);
      width = settings.width;
    }
    outputs_.emplace(parameters, settings.is_tied() ? &items_ : nullptr, width,
                     catalogue.num_items);
    parameters_ = parameters.all();
  }

  const std::vector<nn::Parameter>& parameters() const override { return parameters_; }

  torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const override {
    const auto windows = std::make_shared<Windows>(batch, window_, /*newest_at_end=*/is_original_);
    const torch::Tensor feature_RF =
        convolved(items_.rows(windows->item_S), windows, heights_, filters());
    // MiniOneRec's has a relu behind its vertical filters too; maxima are never below 0.
    const torch::Tensor found_RF = dropout(is_original_ ? feature_RF : at::relu(feature_RF));
    const torch::Tensor h_RD = joined_ ? at::relu((*joined_)(found_RF)) : found_RF;
    return outputs_->states(h_RD.narrow(0, 0, batch.at_R.size(0)));
  }

  torch::Tensor outputs() const override { return outputs_->all(); }
  torch::Tensor outputs(const torch::Tensor& item) const override { return outputs_->rows(item); }

 private:
  FilterWeights filters() const {
    std::vector<torch::Tensor> rows, biases;
    for (const Horizontal& horizontal : horizontal_) {
      rows.push_back(horizontal.rows());
      biases.push_back(horizontal.filter.bias);
    }
    return {.horizontal_KD = at::cat(rows),
            .horizontal_bias = at::cat(biases),
            .vertical_VL = vertical_.weight,
            .vertical_bias = vertical_.bias};
  }

  bool is_original_;
  int64_t window_;
  std::vector<int64_t> heights_;
  ItemTable items_;
  Linear vertical_;
  std::vector<Horizontal> horizontal_;
  std::optional<Linear> joined_;
  std::optional<Outputs> outputs_;
  std::vector<nn::Parameter> parameters_;
};

}  // namespace

std::vector<int64_t> CaserSettings::used_heights() const {
  if (!heights.empty()) return heights;
  std::vector<int64_t> all(static_cast<size_t>(window));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

void CaserSettings::declare(Options& o) {
  Settings::declare(o);
  declare_outputs(o);
  o.find("outputs")->check([this] {
    return is_original() || outputs != "tied"
               ? std::string()
               : std::string(
                     "outputs = \"tied\" needs states as wide as items, which only the original's "
                     "last layer gives; use variant = \"original\"");
  });
  o.add("window", window).range(1, 4096).unit("items").help("newest items that are looked at");
  o.add("heights", heights)
      .range(1, 4096)
      .help("rows of the window that horizontal filters see; empty: 1 .. window")
      .check([this]() -> std::string {
        const auto used = used_heights();
        if (*std::max_element(used.begin(), used.end()) > window)
          return c10::str("a filter of heights is higher than window = ", window);
        return std::set<int64_t>(used.begin(), used.end()).size() == used.size()
                   ? ""
                   : "heights names a height twice; raise `horizontal` for more filters";
      });
  o.add("horizontal", horizontal).range(1, 4096).help("horizontal filters of every height");
  o.add("vertical", vertical).range(1, 4096).help("vertical filters");
}

std::unique_ptr<SequenceModel> Caser::make_model(Parameters& parameters,
                                                 const Catalogue& catalogue) const {
  return std::make_unique<CaserModel>(settings_, parameters, catalogue);
}

}  // namespace tsrec::sequential
