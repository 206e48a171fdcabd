#include "tsrec/nn/bert_encoder.hpp"

#include <cmath>

#include "nn/equal_rows.hpp"
#include "nn/stored_tensor.hpp"
#include "nn/weight.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// What a family calls its tensors, each followed by ".weight" or ".bias".
struct BertNames {
  const char* prefix;  // where the model stands below a head
  const char* layers;
  const char *query, *key, *value, *out, *attention_norm, *up, *down, *output_norm;
};

constexpr BertNames kBert = {"bert.",
                             "encoder.layer.",
                             "attention.self.query",
                             "attention.self.key",
                             "attention.self.value",
                             "attention.output.dense",
                             "attention.output.LayerNorm",
                             "intermediate.dense",
                             "output.dense",
                             "output.LayerNorm"};

BertNames names_of(const std::string& family) {
  BertNames names = kBert;
  if (family == "roberta" || family == "xlm-roberta") names.prefix = "roberta.";
  if (family == "mpnet") {
    names.prefix = "mpnet.";
    names.query = "attention.attn.q";
    names.key = "attention.attn.k";
    names.value = "attention.attn.v";
    names.out = "attention.attn.o";
    names.attention_norm = "attention.LayerNorm";
  }
  if (family == "distilbert") {
    return {"distilbert.",     "transformer.layer.", "attention.q_lin", "attention.k_lin",
            "attention.v_lin", "attention.out_lin",  "sa_layer_norm",   "ffn.lin1",
            "ffn.lin2",        "output_layer_norm"};
  }
  return names;
}

struct Linear {
  Weight weight;
  torch::Tensor bias;
  torch::Tensor operator()(const torch::Tensor& x_TD) const { return weight.product(x_TD, bias); }
};

struct Norm {
  torch::Tensor scale_D, shift_D;
};

struct BertLayer {
  Linear qkv, out, up, down;
  Norm attention_norm, output_norm;
};

// Which row of the bias a distance has: half of them for tokens behind, half for tokens before; of
// those the nearer half one by one, the others in logarithmic steps up to 128 (Raffel et al.,
// 2020).
torch::Tensor distance_bucket(int64_t length, int64_t buckets) {
  constexpr double kFarthest = 128;
  const int64_t half = buckets / 2, exact = half / 2;
  const torch::Tensor at_L = torch::arange(length);
  const torch::Tensor distance_LL = at_L.unsqueeze(1) - at_L.unsqueeze(0);
  const torch::Tensor far_LL = distance_LL.abs();
  const torch::Tensor step_LL =
      (far_LL.to(torch::kFloat32) / static_cast<double>(exact)).clamp_min(1).log() /
      std::log(kFarthest / static_cast<double>(exact)) * static_cast<double>(half - exact);
  const torch::Tensor bucket_LL =
      torch::where(far_LL < exact, far_LL, (step_LL.to(torch::kInt64) + exact).clamp_max(half - 1));
  return bucket_LL + (distance_LL < 0).to(torch::kInt64) * half;
}

}  // namespace

struct BertEncoder::Impl {
  BertShape shape;
  torch::ScalarType precision;
  torch::Device device;
  torch::Tensor word_VD, position_PD;  // rows of positions with that of the first type added
  torch::Tensor distance_bias_BH;      // undefined where the family has none
  Norm embedding_norm;
  std::vector<BertLayer> layers;

  torch::Tensor held(const torch::Tensor& stored) const {
    return stored.to(device, precision).contiguous();
  }
  torch::Tensor normed(const torch::Tensor& x_TD, const Norm& norm) const {
    return at::layer_norm(x_TD, {shape.width}, norm.scale_D, norm.shift_D, shape.norm_eps);
  }

  // [1, H, L, L], or nothing.
  std::optional<torch::Tensor> distance_bias(int64_t length) const {
    if (!distance_bias_BH.defined()) return std::nullopt;
    const torch::Tensor bucket_LL = distance_bucket(length, shape.distance_buckets).to(device);
    return at::embedding(distance_bias_BH, bucket_LL).permute({2, 0, 1}).unsqueeze(0).contiguous();
  }

  // Rows of one length and the bias between their tokens.
  struct Group {
    EqualRows rows;
    std::optional<torch::Tensor> bias;
  };

  // qkv [T, 3 D] -> [T, D]: softmax(q k' / sqrt(d) + bias) v within every text.
  torch::Tensor mixed(const torch::Tensor& qkv_TD, const std::vector<Group>& groups) const {
    const int64_t head_width = shape.width / shape.heads;
    torch::Tensor out_TD = torch::empty({qkv_TD.size(0), shape.width}, qkv_TD.options());
    for (const auto& [rows, bias] : groups) {
      const torch::Tensor qkv_3RHLd =
          qkv_TD.slice(0, rows.begin, rows.end())
              .view({rows.rows, rows.length, 3, shape.heads, head_width})
              .permute({2, 0, 3, 1, 4});
      const torch::Tensor out_RHLd =
          at::scaled_dot_product_attention(qkv_3RHLd[0], qkv_3RHLd[1], qkv_3RHLd[2], bias);
      out_TD.slice(0, rows.begin, rows.end())
          .view({rows.rows, rows.length, shape.heads, head_width})
          .copy_(out_RHLd.transpose(1, 2));
    }
    return out_TD;
  }
};

BertEncoder::BertEncoder(const BertShape& shape, torch::ScalarType precision, torch::Device device)
    : impl_(std::make_unique<Impl>(Impl{shape, precision, device, {}, {}, {}, {}, {}})) {}
BertEncoder::~BertEncoder() = default;
BertEncoder::BertEncoder(BertEncoder&&) noexcept = default;

void BertEncoder::load(const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  Impl& m = *impl_;
  const BertShape& s = m.shape;
  const BertNames names = names_of(s.family);
  const StoredTensors stored = io::read_hf_weights(folder);
  const std::string below_head = names.prefix;
  const std::string prefix =
      stored.contains(below_head + "embeddings.word_embeddings.weight") ? below_head : "";
  const auto get = [&](const std::string& name, at::IntArrayRef sizes) {
    return stored_tensor(stored, prefix + name, sizes, folder);
  };
  const auto norm = [&](const std::string& name) {
    // The first checkpoints call them gamma and beta.
    const bool is_old = stored.contains(prefix + name + ".gamma");
    return Norm{m.held(get(name + (is_old ? ".gamma" : ".weight"), {s.width})),
                m.held(get(name + (is_old ? ".beta" : ".bias"), {s.width}))};
  };
  // Packing pays off where oneDNN computes products of many rows.
  const bool packs =
      m.device.is_cpu() && can_pack(m.precision) &&
      (m.precision == torch::kBFloat16 || product_library() == ProductLibrary::onednn);
  const auto linear = [&](const std::vector<std::string>& parts, int64_t rows, int64_t columns) {
    std::vector<torch::Tensor> weights, biases;
    for (const std::string& part : parts) {
      weights.push_back(m.held(get(part + ".weight", {rows, columns})));
      biases.push_back(m.held(get(part + ".bias", {rows})));
    }
    Linear made{Weight(torch::cat(weights)), torch::cat(biases)};
    if (packs) made.weight.pack(m.precision);
    return made;
  };

  m.word_VD = m.held(get("embeddings.word_embeddings.weight", {s.vocabulary, s.width}));
  m.position_PD = get("embeddings.position_embeddings.weight", {s.positions, s.width});
  if (s.has_types) {
    // Their number differs within families (1 of RoBERTa, 2 of BERT); only the first is used.
    const std::string types = "embeddings.token_type_embeddings.weight";
    const auto found = stored.find(prefix + types);
    const int64_t count = found == stored.end() ? 1 : std::max<int64_t>(found->second.size(0), 1);
    m.position_PD = m.position_PD.to(torch::kFloat32) +
                    get(types, {count, s.width}).slice(0, 0, 1).to(torch::kFloat32);
  }
  m.position_PD = m.held(m.position_PD);
  if (s.distance_buckets > 0)
    m.distance_bias_BH =
        m.held(get("encoder.relative_attention_bias.weight", {s.distance_buckets, s.heads}));
  m.embedding_norm = norm("embeddings.LayerNorm");
  m.layers.clear();
  for (int64_t i = 0; i < s.layers; ++i) {
    const std::string p = c10::str(names.layers, i, ".");
    m.layers.push_back(
        {.qkv = linear({p + names.query, p + names.key, p + names.value}, s.width, s.width),
         .out = linear({p + names.out}, s.width, s.width),
         .up = linear({p + names.up}, s.mlp_width, s.width),
         .down = linear({p + names.down}, s.width, s.mlp_width),
         .attention_norm = norm(p + names.attention_norm),
         .output_norm = norm(p + names.output_norm)});
  }
}

torch::Tensor BertEncoder::hidden(const PackedBatch& batch) const {
  const torch::NoGradGuard no_grad;
  const Impl& m = *impl_;
  std::vector<Impl::Group> groups;
  for (const EqualRows& rows : equal_rows(batch.segments))
    groups.push_back({rows, m.distance_bias(rows.length)});
  for (const Segment& segment : batch.segments) {
    if (segment.parent >= 0)
      throw Error("an encoder reads texts whole; a segment of this batch hangs off another");
    if (segment.length > m.shape.max_tokens())
      throw Error("a text of ", segment.length, " tokens is longer than the ", m.shape.max_tokens(),
                  " positions of the encoder");
  }
  torch::Tensor x_TD = at::embedding(m.word_VD, batch.token_T);
  x_TD += at::embedding(m.position_PD, batch.position_T + m.shape.first_position);
  x_TD = m.normed(x_TD, m.embedding_norm);
  for (const BertLayer& layer : m.layers) {
    const torch::Tensor attended_TD = layer.out(m.mixed(layer.qkv(x_TD), groups));
    x_TD = m.normed(x_TD.add_(attended_TD), layer.attention_norm);
    torch::Tensor inner_TF = layer.up(x_TD);
    at::gelu_(inner_TF);
    x_TD = m.normed(x_TD.add_(layer.down(inner_TF)), layer.output_norm);
  }
  return x_TD;
}

const BertShape& BertEncoder::shape() const { return impl_->shape; }

double BertEncoder::flops_per_token() const {
  const BertShape& s = impl_->shape;
  return 2 * static_cast<double>(s.layers * (4 * s.width * s.width + 2 * s.width * s.mlp_width));
}

}  // namespace tsrec::nn
