#include "bert4rec.hpp"

#include "self_attention.hpp"

namespace tsrec::sequential {
namespace {

struct BertBlock {
  BertBlock(Parameters& parameters, const std::string& name, int64_t width, int64_t heads)
      : attention(parameters, name, width, heads),
        joined(parameters, name + ".joined", width, width),
        behind_attention(parameters, name + ".behind_attention", width),
        inner(parameters, name + ".inner", width, 4 * width),
        outer(parameters, name + ".outer", 4 * width, width),
        behind_layers(parameters, name + ".behind_layers", width) {}
  SelfAttention attention;
  Linear joined;
  LayerNorm behind_attention;
  Linear inner, outer;
  LayerNorm behind_layers;
};

// How many tokens stand behind each in its sequence: a mask behind a history of any length has the
// place 0, which most sequences teach.
torch::Tensor places_from_the_end(const Batch& batch) {
  torch::Tensor place_T = torch::zeros_like(batch.position_T);
  int64_t* place = place_T.mutable_data_ptr<int64_t>();
  for (size_t b = 0; b + 1 < batch.offset_B1.size(); ++b) {
    const int64_t end = batch.offset_B1[b + 1];
    for (int64_t token = batch.offset_B1[b]; token < end; ++token) place[token] = end - 1 - token;
  }
  return place_T;
}

class Bert4RecModel final : public SequenceModel {
 public:
  Bert4RecModel(const Bert4RecSettings& settings, Parameters& parameters,
                const Catalogue& catalogue)
      : masks_(settings.masks),
        mask_(catalogue.num_items),
        items_(parameters, settings.item_table(), catalogue),
        mask_D_(parameters.normal("mask", {settings.width}, settings.deviation())),
        // Of the history, and of the mask behind it.
        position_LD_(parameters.normal("positions", {settings.max_length + 1, settings.width},
                                       settings.deviation())),
        last_(parameters, "last", settings.width, settings.width),
        outputs_(parameters, settings.is_tied() ? &items_ : nullptr, settings.width,
                 catalogue.num_items, /*tied_with_bias=*/true) {
    for (int64_t b = 0; b < settings.blocks; ++b)
      blocks_.emplace_back(parameters, c10::str("block.", b), settings.width, settings.heads);
    parameters_ = parameters.all();
  }

  const std::vector<nn::Parameter>& parameters() const override { return parameters_; }

  Sequences to_learn(Sequences sequences, at::Generator generator) const override {
    return with_masks(sequences, masks_, mask_, std::move(generator));
  }
  Sequences to_ask(Sequences sequences) const override {
    return with_last_masked(sequences, mask_);
  }

  torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const override {
    torch::Tensor x_TD =
        dropout(tokens(batch.item_T) + at::embedding(position_LD_, places_from_the_end(batch)));
    for (const BertBlock& block : blocks_) x_TD = behind(block, x_TD, batch.offset_B1, dropout);
    return outputs_.states(at::gelu(last_(x_TD.index_select(0, batch.at_R))));
  }

  torch::Tensor outputs() const override { return outputs_.all(); }
  torch::Tensor outputs(const torch::Tensor& item) const override { return outputs_.rows(item); }

 private:
  torch::Tensor tokens(const torch::Tensor& item_T) const {
    const torch::Tensor is_mask_T = item_T == mask_;
    return at::where(is_mask_T.unsqueeze(1), mask_D_,
                     items_.rows(item_T.masked_fill(is_mask_T, 0)));
  }

  // Norms stand behind the sums, not before the branches.
  torch::Tensor behind(const BertBlock& block, const torch::Tensor& x_TD,
                       const std::vector<int64_t>& offset_B1, const nn::Dropout& dropout) const {
    const torch::Tensor attended_TD =
        block.joined(block.attention(x_TD, x_TD, offset_B1, /*is_causal=*/false, dropout));
    const torch::Tensor y_TD = block.behind_attention(x_TD + dropout(attended_TD));
    const torch::Tensor z_TD = block.outer(at::gelu(block.inner(y_TD)));
    return block.behind_layers(y_TD + dropout(z_TD));
  }

  MaskOptions masks_;
  int64_t mask_;  // the item that a masked token is said to be
  ItemTable items_;
  torch::Tensor mask_D_, position_LD_;
  Linear last_;
  Outputs outputs_;
  std::vector<BertBlock> blocks_;
  std::vector<nn::Parameter> parameters_;
};

}  // namespace

void Bert4RecSettings::declare(Options& o) {
  Settings::declare(o);
  declare_outputs(o);
  o.add("blocks", blocks).range(1, 64).help("blocks of attention and two layers");
  declare_heads(o, heads);
  o.add("mask_share", masks.share)
      .range(0, 1)
      .help("of a sequence's items that are masked and learnt in a step, at least one");
  o.add("mask_last_share", masks.last_share)
      .range(0, 1)
      .help(
          "of the sequences of a step: the last item alone is masked, as when a list is asked for");
}

std::unique_ptr<SequenceModel> Bert4Rec::make_model(Parameters& parameters,
                                                    const Catalogue& catalogue) const {
  return std::make_unique<Bert4RecModel>(settings_, parameters, catalogue);
}

}  // namespace tsrec::sequential
