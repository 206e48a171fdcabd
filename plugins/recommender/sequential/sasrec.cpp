#include "sasrec.hpp"

#include <cmath>

#include "self_attention.hpp"

namespace tsrec::sequential {
namespace {

struct SasRecBlock {
  SasRecBlock(Parameters& parameters, const std::string& name, int64_t width, int64_t heads)
      : before_attention(parameters, name + ".before_attention", width),
        attention(parameters, name, width, heads),
        before_layers(parameters, name + ".before_layers", width),
        inner(parameters, name + ".inner", width, width),
        outer(parameters, name + ".outer", width, width) {}
  LayerNorm before_attention;
  SelfAttention attention;
  LayerNorm before_layers;
  Linear inner, outer;
  std::optional<LayerNorm> behind_layers;  // MiniOneRec's has one more
};

class SasRecModel final : public SequenceModel {
 public:
  SasRecModel(const SasRecSettings& settings, Parameters& parameters, const Catalogue& catalogue)
      : item_scale_(settings.is_original() ? std::sqrt(static_cast<double>(settings.width)) : 1),
        items_(parameters, settings.item_table(), catalogue),
        position_LD_(parameters.normal("positions", {settings.max_length, settings.width},
                                       settings.deviation())),
        last_(parameters, "last", settings.width),
        outputs_(parameters, settings.is_tied() ? &items_ : nullptr, settings.width,
                 catalogue.num_items) {
    for (int64_t b = 0; b < settings.blocks; ++b) {
      const std::string name = c10::str("block.", b);
      blocks_.emplace_back(parameters, name, settings.width, settings.heads);
      if (!settings.is_original())
        blocks_.back().behind_layers.emplace(parameters, name + ".behind_layers", settings.width);
    }
    parameters_ = parameters.all();
  }

  const std::vector<nn::Parameter>& parameters() const override { return parameters_; }

  torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const override {
    torch::Tensor x_TD = dropout(item_scale_ * items_.rows(batch.item_T) +
                                 at::embedding(position_LD_, batch.position_T));
    for (const SasRecBlock& block : blocks_) x_TD = behind(block, x_TD, batch, dropout);
    return outputs_.states(last_(x_TD.index_select(0, batch.at_R)));
  }

  torch::Tensor outputs() const override { return outputs_.all(); }
  torch::Tensor outputs(const torch::Tensor& item) const override { return outputs_.rows(item); }

 private:
  // Only the query is normalised, and the residual is added to it.
  torch::Tensor behind(const SasRecBlock& block, const torch::Tensor& x_TD, const Batch& batch,
                       const nn::Dropout& dropout) const {
    const torch::Tensor query_TD = block.before_attention(x_TD);
    const torch::Tensor attended_TD =
        query_TD + block.attention(query_TD, x_TD, batch.offset_B1, /*is_causal=*/true, dropout);
    const torch::Tensor y_TD = block.before_layers(attended_TD);
    const torch::Tensor inner_TD = dropout(at::relu(block.inner(y_TD)));
    const torch::Tensor z_TD = y_TD + dropout(block.outer(inner_TD));
    return block.behind_layers ? (*block.behind_layers)(z_TD) : z_TD;
  }

  double item_scale_;
  ItemTable items_;
  torch::Tensor position_LD_;
  LayerNorm last_;
  Outputs outputs_;
  std::vector<SasRecBlock> blocks_;
  std::vector<nn::Parameter> parameters_;
};

}  // namespace

void SasRecSettings::declare(Options& o) {
  Settings::declare(o);
  declare_outputs(o);
  o.add("blocks", blocks).range(1, 64).help("blocks of attention and two layers");
  declare_heads(o, heads);
}

std::unique_ptr<SequenceModel> SasRec::make_model(Parameters& parameters,
                                                  const Catalogue& catalogue) const {
  return std::make_unique<SasRecModel>(settings_, parameters, catalogue);
}

}  // namespace tsrec::sequential
