#include "t5_weights.hpp"

#include <cmath>

#include "tsrec/error.hpp"

namespace tsrec::tiger {
namespace {

std::string with(std::string text, const std::string& inserted) {
  const size_t at = text.find("{}");
  return at == std::string::npos ? text : text.replace(at, 2, inserted);
}

}  // namespace

std::string name_in_memory(const T5Weights::Entry& entry) {
  std::string joined;
  for (const Share& share : entry.shares) joined += share.name;
  return with(entry.name, joined);
}

std::string name_on_disk(const T5Weights::Entry& entry, const Share& share) {
  return with(entry.name, share.name);
}

// Deviations are those of T5: attention is not scaled, so its queries begin smaller by the root of
// the head width.
void T5Weights::visit(const T5Shape& s, const std::function<void(const Entry&)>& see) {
  const int64_t D = s.width, I = s.inner(), F = s.mlp_width;
  const double of_width = 1 / std::sqrt(static_cast<double>(D)),
               of_inner = 1 / std::sqrt(static_cast<double>(I)),
               of_mlp = 1 / std::sqrt(static_cast<double>(F)),
               of_query = 1 / std::sqrt(static_cast<double>(D * s.head_width));
  const Share query{"q", I, of_query}, key{"k", I, of_width}, value{"v", I, of_width};
  encoder.resize(static_cast<size_t>(s.layers));
  decoder.resize(static_cast<size_t>(s.layers));

  const auto see_norm = [&](const std::string& name, torch::Tensor& norm_D) {
    see({name + ".weight", norm_D, {{"", D, 0}}, /*columns=*/0, /*decays=*/false});
  };
  const auto see_self = [&](const std::string& layer, SelfAttention& self, torch::Tensor* bias_BH) {
    see({layer + "SelfAttention.{}.weight", self.qkv_OD, {query, key, value}, D, true});
    see({layer + "SelfAttention.o.weight", self.out_DI, {{"", D, of_inner}}, I, true});
    if (bias_BH != nullptr)
      see({layer + "SelfAttention.relative_attention_bias.weight",
           *bias_BH,
           {{"", s.buckets, of_width}},
           s.heads,
           false});
    see_norm(layer + "layer_norm", self.norm_D);
  };
  const auto see_mlp = [&](const std::string& layer, FeedForward& mlp) {
    see({layer + "DenseReluDense.wi.weight", mlp.in_FD, {{"", F, of_width}}, D, true});
    see({layer + "DenseReluDense.wo.weight", mlp.out_DF, {{"", D, of_mlp}}, F, true});
    see_norm(layer + "layer_norm", mlp.norm_D);
  };

  see({"shared.weight", embedding_VD, {{"", s.vocabulary, 1}}, D, true});
  for (size_t i = 0; i < encoder.size(); ++i) {
    const std::string block = c10::str("encoder.block.", i, ".layer.");
    see_self(block + "0.", encoder[i].self, i == 0 ? &encoder_bias_BH : nullptr);
    see_mlp(block + "1.", encoder[i].mlp);
  }
  see_norm("encoder.final_layer_norm", encoder_norm_D);
  for (size_t i = 0; i < decoder.size(); ++i) {
    const std::string block = c10::str("decoder.block.", i, ".layer.");
    see_self(block + "0.", decoder[i].self, i == 0 ? &decoder_bias_BH : nullptr);
    CrossAttention& cross = decoder[i].cross;
    see({block + "1.EncDecAttention.q.weight", cross.q_ID, {{"", I, of_query}}, D, true});
    see({block + "1.EncDecAttention.{}.weight", cross.kv_OD, {key, value}, D, true});
    see({block + "1.EncDecAttention.o.weight", cross.out_DI, {{"", D, of_inner}}, I, true});
    see_norm(block + "1.layer_norm", cross.norm_D);
    see_mlp(block + "2.", decoder[i].mlp);
  }
  see_norm("decoder.final_layer_norm", decoder_norm_D);
  if (!s.tied) see({"lm_head.weight", head_VD, {{"", s.vocabulary, 1}}, D, true});
}

}  // namespace tsrec::tiger
