#include "gru4rec.hpp"

#include <algorithm>

#include "tsrec/nn/gru.hpp"

namespace tsrec::sequential {
namespace {

// The tokens of a batch as a recurrent network takes them: all first ones, then all second ones, of
// the sequences from the longest to the shortest.
struct TimeMajor {
  explicit TimeMajor(const std::vector<int64_t>& offset_B1) {
    std::vector<size_t> longest_first(offset_B1.size() - 1);
    std::iota(longest_first.begin(), longest_first.end(), size_t{0});
    const auto length = [&](size_t b) { return offset_B1[b + 1] - offset_B1[b]; };
    std::stable_sort(longest_first.begin(), longest_first.end(),
                     [&](size_t a, size_t b) { return length(a) > length(b); });
    std::vector<int64_t> from, place(static_cast<size_t>(offset_B1.back()));
    for (int64_t time = 0; time < length(longest_first.front()); ++time) {
      running_L.push_back(0);
      for (const size_t b : longest_first) {
        if (length(b) <= time) break;
        place[static_cast<size_t>(offset_B1[b] + time)] = std::ssize(from);
        from.push_back(offset_B1[b] + time);
        ++running_L.back();
      }
    }
    from_T = torch::tensor(from, torch::kInt64);
    place_T = torch::tensor(place, torch::kInt64);
  }
  torch::Tensor from_T;            // of each place: its token in the batch
  torch::Tensor place_T;           // of each token: its place
  std::vector<int64_t> running_L;  // sequences that have a token at this time
};

struct GruLayer {
  GruLayer(Parameters& parameters, const std::string& name, int64_t width)
      : input(parameters, name + ".input", width, 3 * width),
        hidden(parameters, name + ".hidden", width, 3 * width) {}
  Linear input, hidden;  // reset, update and new gate behind each other
};

class Gru4RecModel final : public SequenceModel {
 public:
  Gru4RecModel(const Gru4RecSettings& settings, Parameters& parameters, const Catalogue& catalogue)
      : items_(parameters, settings.item_table(), catalogue),
        outputs_(parameters, settings.is_tied() ? &items_ : nullptr, settings.width,
                 catalogue.num_items) {
    for (int64_t n = 0; n < settings.layers; ++n)
      layers_.emplace_back(parameters, c10::str("layer.", n), settings.width);
    parameters_ = parameters.all();
  }

  const std::vector<nn::Parameter>& parameters() const override { return parameters_; }

  torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const override {
    const TimeMajor order(batch.offset_B1);
    torch::Tensor x_TD = items_.rows(batch.item_T.index_select(0, order.from_T));
    for (const GruLayer& layer : layers_)
      x_TD = nn::gru(layer.input(dropout(x_TD)), layer.hidden.weight, layer.hidden.bias,
                     order.running_L);
    const torch::Tensor place_R = order.place_T.index_select(0, batch.at_R);
    return outputs_.states(dropout(x_TD.index_select(0, place_R)));
  }

  torch::Tensor outputs() const override { return outputs_.all(); }
  torch::Tensor outputs(const torch::Tensor& item) const override { return outputs_.rows(item); }

 private:
  ItemTable items_;
  Outputs outputs_;
  std::vector<GruLayer> layers_;
  std::vector<nn::Parameter> parameters_;
};

}  // namespace

void Gru4RecSettings::declare(Options& o) {
  Settings::declare(o);
  declare_outputs(o);
  o.add("layers", layers).range(1, 16).help("recurrent layers of gated units");
}

std::unique_ptr<SequenceModel> Gru4Rec::make_model(Parameters& parameters,
                                                   const Catalogue& catalogue) const {
  return std::make_unique<Gru4RecModel>(settings_, parameters, catalogue);
}

}  // namespace tsrec::sequential
