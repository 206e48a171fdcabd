#include "tsrec/nn/bert_encoder.hpp"

#include <ATen/Parallel.h>

#include <cmath>

#include "nn/element_type.hpp"
#include "nn/encoder_kernel.hpp"
#include "nn/equal_rows.hpp"
#include "nn/panel_weight.hpp"
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
  std::optional<PanelWeight> panels;  // instead of both
  torch::Tensor operator()(const torch::Tensor& x_TD) const {
    return panels ? panels->product(x_TD) : weight.product(x_TD, bias);
  }
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

// A CPU computes few rows at once, so that what one step wrote is in its caches for the next: all
// layers for texts of about so many tokens,
constexpr int64_t kRunTokens = 1024;
// and what follows attention in a layer for as many tokens as have so many bytes between its last
// two products.
constexpr int64_t kBlockBytes = 3 << 18;

// The batch in runs of neighbouring texts: at most that many tokens, or one longer text.
std::vector<PackedBatch> runs_of(const PackedBatch& batch, int64_t run_tokens) {
  std::vector<PackedBatch> runs;
  const auto close = [&](size_t first, size_t last) {
    const int64_t begin = batch.segments[first].begin;
    const int64_t end = batch.segments[last].begin + batch.segments[last].length;
    PackedBatch run;
    run.token_T = batch.token_T.slice(0, begin, end);
    run.position_T = batch.position_T.slice(0, begin, end);
    for (size_t s = first; s <= last; ++s) {
      run.segments.push_back(batch.segments[s]);
      run.segments.back().begin -= static_cast<int32_t>(begin);
    }
    runs.push_back(std::move(run));
  };
  size_t first = 0;
  for (size_t s = 0; s < batch.segments.size(); ++s) {
    const Segment& segment = batch.segments[s];
    const int64_t tokens = segment.begin + segment.length - batch.segments[first].begin;
    if (s > first && tokens > run_tokens) {
      close(first, s - 1);
      first = s;
    }
  }
  if (!batch.segments.empty()) close(first, batch.segments.size() - 1);
  return runs;
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

  // Between its products a CPU computes a block by our kernels, everything else by operators.
  bool has_kernels() const {
    return device.is_cpu() && (precision == torch::kFloat32 || precision == torch::kBFloat16);
  }
  bool has_attention_kernel() const { return has_kernels() && has_avx512(); }

  torch::Tensor held(const torch::Tensor& stored) const {
    return stored.to(device, precision).contiguous();
  }

  // The norm of x + branch, where x was if there are kernels.
  torch::Tensor normed_sum(torch::Tensor x_TD, const torch::Tensor& branch_TD,
                           const Norm& norm) const {
    if (!has_kernels())
      return at::layer_norm(x_TD.add_(branch_TD), {shape.width}, norm.scale_D, norm.shift_D,
                            shape.norm_eps);
    typed(x_TD, [&]<class T>(T) {
      norm_of_sum(out<T>(x_TD), in<T>(branch_TD), in(norm.scale_D), in(norm.shift_D), x_TD.size(0),
                  shape.width, static_cast<float>(shape.norm_eps));
    });
    return x_TD;
  }

  void activate(torch::Tensor& x_TF) const {
    if (!has_kernels()) {
      at::gelu_(x_TF);
      return;
    }
    typed(x_TF, [&]<class T>(T) { gelu(out<T>(x_TF), x_TF.numel()); });
  }

  // [H, L, L]; undefined where the family has none.
  torch::Tensor distance_bias(int64_t length) const {
    if (!distance_bias_BH.defined()) return {};
    const torch::Tensor bucket_LL = distance_bucket(length, shape.distance_buckets).to(device);
    return at::embedding(distance_bias_BH, bucket_LL).permute({2, 0, 1}).contiguous();
  }

  // Rows of one length and the bias between their tokens.
  struct Group {
    EqualRows rows;
    torch::Tensor bias_HLL;
  };

  // qkv [T, 3 D] -> [T, D]: softmax(q k' / sqrt(d) + bias) v within every text.
  torch::Tensor mixed(const torch::Tensor& qkv_TD, const std::vector<Group>& groups) const {
    torch::Tensor out_TD = torch::empty({qkv_TD.size(0), shape.width}, qkv_TD.options());
    for (const Group& group : groups) {
      torch::Tensor group_TD = out_TD.slice(0, group.rows.begin, group.rows.end());
      const torch::Tensor group_qkv_TD = qkv_TD.slice(0, group.rows.begin, group.rows.end());
      if (has_attention_kernel())
        mix_by_kernel(group_qkv_TD, group, group_TD);
      else
        mix_by_operators(group_qkv_TD, group, group_TD);
    }
    return out_TD;
  }

  void mix_by_kernel(const torch::Tensor& qkv_TD, const Group& group, torch::Tensor& out_TD) const {
    const TextAttention text{group.rows.length, shape.heads, shape.width / shape.heads};
    const auto scratch =
        std::make_unique_for_overwrite<float[]>(static_cast<size_t>(text.scratch_floats()));
    const float* bias = group.bias_HLL.defined() ? in(group.bias_HLL) : nullptr;
    typed(qkv_TD, [&]<class T>(T) {
      for (int64_t token = 0; token < qkv_TD.size(0); token += text.length)
        attend_text(in<T>(qkv_TD) + token * 3 * shape.width, text, bias,
                    out<T>(out_TD) + token * shape.width, scratch.get());
    });
  }

  void mix_by_operators(const torch::Tensor& qkv_TD, const Group& group,
                        torch::Tensor& out_TD) const {
    const int64_t rows = group.rows.rows, length = group.rows.length,
                  head_width = shape.width / shape.heads;
    const torch::Tensor qkv_3RHLd =
        qkv_TD.view({rows, length, 3, shape.heads, head_width}).permute({2, 0, 3, 1, 4});
    const auto bias =
        group.bias_HLL.defined() ? std::optional(group.bias_HLL.unsqueeze(0)) : std::nullopt;
    const torch::Tensor out_RHLd =
        at::scaled_dot_product_attention(qkv_3RHLd[0], qkv_3RHLd[1], qkv_3RHLd[2], bias);
    out_TD.view({rows, length, shape.heads, head_width}).copy_(out_RHLd.transpose(1, 2));
  }

  // What follows attention in a layer, of any tokens: where x was if there are kernels.
  torch::Tensor behind_attention(const BertLayer& layer, const torch::Tensor& x_TD,
                                 const torch::Tensor& mixed_TD) const {
    const torch::Tensor y_TD = normed_sum(x_TD, layer.out(mixed_TD), layer.attention_norm);
    torch::Tensor inner_TF = layer.up(y_TD);
    activate(inner_TF);
    return normed_sum(y_TD, layer.down(inner_TF), layer.output_norm);
  }

  torch::Tensor states(const PackedBatch& batch) const {
    std::vector<Group> groups;
    for (const EqualRows& rows : equal_rows(batch.segments)) {
      torch::Tensor bias_HLL = distance_bias(rows.length);
      if (bias_HLL.defined() && has_attention_kernel()) bias_HLL = bias_HLL.to(torch::kFloat32);
      groups.push_back({rows, bias_HLL});
    }
    torch::Tensor x_TD = normed_sum(
        at::embedding(word_VD, batch.token_T),
        at::embedding(position_PD, batch.position_T + shape.first_position), embedding_norm);
    const int64_t block =
        std::max<int64_t>(kBlockBytes / (shape.mlp_width * x_TD.element_size()), 1);
    for (const BertLayer& layer : layers) {
      const torch::Tensor mixed_TD = mixed(layer.qkv(x_TD), groups);
      if (!has_kernels()) {
        x_TD = behind_attention(layer, x_TD, mixed_TD);
        continue;
      }
      for (int64_t begin = 0; begin < x_TD.size(0); begin += block)
        behind_attention(layer, x_TD.slice(0, begin, begin + block),
                         mixed_TD.slice(0, begin, begin + block));
    }
    return x_TD;
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
    const torch::ScalarType type = m.has_kernels() ? torch::kFloat32 : m.precision;
    return Norm{get(name + (is_old ? ".gamma" : ".weight"), {s.width}).to(m.device, type),
                get(name + (is_old ? ".beta" : ".bias"), {s.width}).to(m.device, type)};
  };
  // In float32 packing does not pay off where MKL computes products of many rows.
  const bool packs =
      m.device.is_cpu() && can_pack(m.precision) &&
      (m.precision == torch::kBFloat16 || product_library() == ProductLibrary::onednn);
  const auto linear = [&](const std::vector<std::string>& parts, int64_t rows, int64_t columns) {
    std::vector<torch::Tensor> weights, biases;
    for (const std::string& part : parts) {
      weights.push_back(m.held(get(part + ".weight", {rows, columns})));
      biases.push_back(m.held(get(part + ".bias", {rows})));
    }
    const torch::Tensor weight = torch::cat(weights), bias = torch::cat(biases);
    Linear made;
    if (PanelWeight::pays_off(m.precision, m.device)) {
      made.panels.emplace(weight, bias);
      return made;
    }
    made.weight = Weight(weight);
    made.bias = bias;
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
  for (const Segment& segment : batch.segments) {
    if (segment.parent >= 0)
      throw Error("an encoder reads texts whole; a segment of this batch hangs off another");
    if (segment.length > m.shape.max_tokens())
      throw Error("a text of ", segment.length, " tokens is longer than the ", m.shape.max_tokens(),
                  " positions of the encoder");
  }
  if (!m.has_kernels()) return m.states(batch);
  torch::Tensor state_TD =
      torch::empty({batch.num_tokens(), m.shape.width}, torch::dtype(m.precision));
  const std::vector<PackedBatch> runs = runs_of(batch, kRunTokens);
  std::vector<int64_t> begin = {0};
  for (const PackedBatch& run : runs) begin.push_back(begin.back() + run.num_tokens());
  at::parallel_for(0, static_cast<int64_t>(runs.size()), /*grain_size=*/1,
                   [&](int64_t first, int64_t last) {
                     const torch::NoGradGuard guard;  // the mode belongs to the thread
                     for (auto r = static_cast<size_t>(first); r < static_cast<size_t>(last); ++r)
                       state_TD.slice(0, begin[r], begin[r + 1]).copy_(m.states(runs[r]));
                   });
  return state_TD;
}

const BertShape& BertEncoder::shape() const { return impl_->shape; }

double BertEncoder::flops_per_token() const {
  const BertShape& s = impl_->shape;
  return 2 * static_cast<double>(s.layers * (4 * s.width * s.width + 2 * s.width * s.mlp_width));
}

}  // namespace tsrec::nn
