#include "caser.hpp"

#include <algorithm>
#include <set>

#include "tsrec/product.hpp"

namespace tsrec::sequential {
namespace {

// Which token of the batch stands in each row of each label's window; -1: none.
torch::Tensor windows(const Batch& batch, int64_t height, bool newest_at_end) {
  const int64_t count = batch.at_R.size(0);
  torch::Tensor token_RL = torch::full({count, height}, -1, torch::kInt64);
  auto* token = token_RL.mutable_data_ptr<int64_t>();
  for (int64_t r = 0; r < count; ++r) {
    const int64_t last = batch.at_R.const_data_ptr<int64_t>()[r],
                  length = std::min(height, batch.position_T.const_data_ptr<int64_t>()[last] + 1);
    const int64_t first_row = newest_at_end ? height - length : 0;
    for (int64_t n = 0; n < length; ++n) token[r * height + first_row + n] = last - length + 1 + n;
  }
  return token_RL;
}

struct Horizontal {
  Horizontal(Parameters& parameters, int64_t rows, int64_t width, int64_t filters, double bias)
      : height(rows), filter(parameters, c10::str("horizontal.", rows), rows * width, filters) {
    filter.bias.detach().fill_(bias);
  }
  int64_t height;
  Linear filter;  // over so many rows of the window behind each other
};

class CaserModel final : public SequenceModel {
 public:
  CaserModel(const CaserSettings& settings, Parameters& parameters, const Catalogue& catalogue)
      : is_original_(settings.is_original()),
        window_(settings.window),
        items_(parameters, settings.item_table(), catalogue),
        vertical_(parameters, "vertical", settings.window, settings.vertical) {
    for (const int64_t height : settings.used_heights())
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

  torch::Tensor states(const Batch& batch, const Noise& noise) const override {
    const torch::Tensor image_RLD = images(batch);
    std::vector<torch::Tensor> features;
    for (const Horizontal& horizontal : horizontal_)
      features.push_back(over_time(horizontal, image_RLD));
    features.push_back(over_rows(image_RLD));
    const torch::Tensor found_RF = noise(at::cat(features, 1));
    return outputs_->states(joined_ ? at::relu((*joined_)(found_RF)) : found_RF);
  }

  torch::Tensor outputs() const override { return outputs_->all(); }
  torch::Tensor outputs(const torch::Tensor& item) const override { return outputs_->rows(item); }

 private:
  // The items of every window, [R, L, D], and zeros where there is none.
  torch::Tensor images(const Batch& batch) const {
    const torch::Tensor token_RL = windows(batch, window_, /*newest_at_end=*/is_original_);
    const torch::Tensor item_RL =
        batch.item_T.index_select(0, token_RL.clamp_min(0).flatten()).view(token_RL.sizes());
    return items_.rows(item_RL) * (token_RL >= 0).unsqueeze(2);
  }

  // The largest value of every filter over all places of the window, [R, filters].
  static torch::Tensor over_time(const Horizontal& horizontal, const torch::Tensor& image_RLD) {
    const int64_t rows = image_RLD.size(0), places = image_RLD.size(1) - horizontal.height + 1;
    const torch::Tensor patch =  // [R, places, height, D]
        image_RLD.unfold(1, horizontal.height, 1).transpose(2, 3);
    const torch::Tensor value = horizontal.filter(patch.reshape({rows * places, -1}));
    return at::relu(value).view({rows, places, -1}).amax(1);
  }

  // Weighted sums of the window's rows, [R, filters * D].
  torch::Tensor over_rows(const torch::Tensor& image_RLD) const {
    const int64_t rows = image_RLD.size(0), width = image_RLD.size(2);
    const torch::Tensor sum_RFD =
        vertical_(image_RLD.transpose(1, 2).reshape({rows * width, window_}))
            .view({rows, width, -1})
            .transpose(1, 2);
    const torch::Tensor flat_RF = sum_RFD.reshape({rows, -1});
    return is_original_ ? flat_RF : at::relu(flat_RF);
  }

  bool is_original_;
  int64_t window_;
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
