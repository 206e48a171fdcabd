#include "tsrec/nn/causal_lm.hpp"

#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "nn/elementwise.hpp"
#include "nn/embedded_rows.hpp"
#include "nn/even_batch.hpp"
#include "nn/kv_prefix.hpp"
#include "nn/low_rank.hpp"
#include "nn/stored_adapters.hpp"
#include "nn/stored_tensor.hpp"
#include "nn/weight.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/nn/attention.hpp"
#include "tsrec/nn/dropout.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

struct Layer {
  torch::Tensor attention_norm, qkv_bias, q_norm, k_norm, mlp_norm;
  Weight qkv_weight, out_weight, gate_up_weight, down_weight;
  LowRank qkv_adapter, out_adapter, gate_up_adapter, down_adapter;  // of LoRA; else empty
};

struct Weights {
  Weight embedding, head;  // head empty when tied
  // Under LoRA the rows that were added to both, which learn; undefined while there are none.
  torch::Tensor new_rows_ED, new_head_rows_ED;
  torch::Tensor final_norm;
  std::vector<Layer> layers;
};

// A head beside the embedding, with other numbers.
bool has_own_head(const StoredTensors& stored) {
  const auto head = stored.find("lm_head.weight"), rows = stored.find("model.embed_tokens.weight");
  return head != stored.end() && rows != stored.end() && !torch::equal(head->second, rows->second);
}

// Embedding models are often saved without their head, and then without "model." before the names.
StoredTensors with_full_names(StoredTensors stored) {
  if (!stored.contains("embed_tokens.weight")) return stored;
  StoredTensors renamed;
  for (const auto& [name, value] : stored) renamed.emplace("model." + name, value);
  return renamed;
}

}  // namespace

struct CausalLm::Impl : Weights {
  Impl(LmShape s, torch::ScalarType p, torch::Device d)
      : shape(std::move(s)), precision(p), device(d) {}

  LmShape shape;
  torch::ScalarType precision;
  torch::Device device;
  std::optional<Lora> lora;  // where it is, the weights are frozen
  std::mutex widening;

  int64_t query_width() const { return shape.heads * shape.head_width; }
  int64_t kv_width() const { return shape.kv_heads * shape.head_width; }

  // A weight of this model; its memory is the value's own where device and precision are the same.
  torch::Tensor leaf(const torch::Tensor& value) const {
    return value.detach().to(device, precision).contiguous().requires_grad_(!lora);
  }

  // What learns although the weights are frozen; own memory.
  torch::Tensor learning(const torch::Tensor& value) const {
    return torch::empty(value.sizes(), torch::TensorOptions().device(device).dtype(precision))
        .copy_(value.detach())
        .requires_grad_();
  }

  // Rows of several matrices (or vectors) behind each other, copied once.
  torch::Tensor fused(const std::vector<torch::Tensor>& parts) const {
    std::vector<int64_t> sizes = parts.front().sizes().vec();
    for (size_t i = 1; i < parts.size(); ++i) sizes.front() += parts[i].size(0);
    torch::Tensor whole =
        torch::empty(sizes, torch::TensorOptions().device(device).dtype(precision));
    int64_t begin = 0;
    for (const torch::Tensor& part : parts) {
      whole.slice(0, begin, begin + part.size(0)).copy_(part);
      begin += part.size(0);
    }
    return whole.requires_grad_(!lora);
  }

  // A matrix as it was read: whole, or, where a bfloat16 checkpoint is computed in float32, as
  // stored.
  Weight matrix(const std::vector<torch::Tensor>& stored) const {
    const bool narrower =
        stored.front().scalar_type() == torch::kBFloat16 && precision == torch::kFloat32;
    if (narrower && device.is_cpu()) return Weight::as_stored(stored);
    return Weight(stored.size() == 1 ? leaf(stored.front()) : fused(stored));
  }

  // From here on every matrix is a leaf: whoever trains, saves or changes the model needs that.
  void make_whole() {
    const std::lock_guard lock(widening);
    const auto widen = [this](Weight& weight) {
      weight.unpack();
      if (!weight.is_whole()) weight = Weight(fused(weight.parts()));
    };
    widen(embedding);
    for (Weight* weight : body()) widen(*weight);
    if (!shape.tied) widen(head);
  }

  std::vector<Weight*> body() {
    std::vector<Weight*> matrices;
    for (Layer& layer : layers) {
      for (Weight* weight :
           {&layer.qkv_weight, &layer.out_weight, &layer.gate_up_weight, &layer.down_weight})
        matrices.push_back(weight);
    }
    return matrices;
  }

  // Every weight once, in a fixed order: (name, tensor, decays). Without what LoRA adds.
  template <class Visit>
  void visit(const Visit& see) {
    make_whole();
    see("model.embed_tokens.weight", embedding.whole(), true);
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::string prefix = c10::str("model.layers.", i, ".");
      Layer& layer = layers[i];
      see(prefix + "input_layernorm.weight", layer.attention_norm, false);
      see(prefix + "self_attn.qkv_proj.weight", layer.qkv_weight.whole(), true);
      if (shape.qkv_bias) see(prefix + "self_attn.qkv_proj.bias", layer.qkv_bias, false);
      if (shape.qk_norm) {
        see(prefix + "self_attn.q_norm.weight", layer.q_norm, false);
        see(prefix + "self_attn.k_norm.weight", layer.k_norm, false);
      }
      see(prefix + "self_attn.o_proj.weight", layer.out_weight.whole(), true);
      see(prefix + "post_attention_layernorm.weight", layer.mlp_norm, false);
      see(prefix + "mlp.gate_up_proj.weight", layer.gate_up_weight.whole(), true);
      see(prefix + "mlp.down_proj.weight", layer.down_weight.whole(), true);
    }
    see("model.norm.weight", final_norm, false);
    if (!shape.tied) see("lm_head.weight", head.whole(), true);
  }

  // The adapters, in a fixed order: (name of the matrix that they stand beside, adapter).
  template <class Visit>
  void visit_adapters(const Visit& see) {
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::string prefix = c10::str("model.layers.", i, ".");
      const auto see_one = [&](const char* name, LowRank& adapter, Weight& weight) {
        if (!adapter.empty()) see(prefix + name, adapter, weight);
      };
      Layer& layer = layers[i];
      see_one("self_attn.qkv_proj", layer.qkv_adapter, layer.qkv_weight);
      see_one("self_attn.o_proj", layer.out_adapter, layer.out_weight);
      see_one("mlp.gate_up_proj", layer.gate_up_adapter, layer.gate_up_weight);
      see_one("mlp.down_proj", layer.down_adapter, layer.down_weight);
    }
  }

  // What learns, as visit() shows it.
  template <class Visit>
  void visit_learning(const Visit& see) {
    if (!lora) return visit(see);
    if (new_rows_ED.defined()) see("model.embed_tokens.new_rows", new_rows_ED, true);
    visit_adapters([&](const std::string& name, LowRank& adapter, Weight&) {
      see(name + ".lora_A", adapter.down, true);
      see(name + ".lora_B", adapter.up, true);
    });
    if (new_head_rows_ED.defined()) see("lm_head.new_rows", new_head_rows_ED, true);
  }

  // Adapters whose thin matrices are still undefined, as `lora` asks for them.
  void add_adapters() {
    const LmShape& s = shape;
    const int64_t q = query_width(), kv = kv_width();
    for (Layer& layer : layers) {
      layer.qkv_adapter =
          LowRank({{"q_proj", 0, q}, {"k_proj", q, kv}, {"v_proj", q + kv, kv}}, *lora);
      layer.out_adapter = LowRank({{"o_proj", 0, s.width}}, *lora);
      layer.gate_up_adapter =
          LowRank({{"gate_proj", 0, s.mlp_width}, {"up_proj", s.mlp_width, s.mlp_width}}, *lora);
      layer.down_adapter = LowRank({{"down_proj", 0, s.width}}, *lora);
    }
  }

  // The embedding's rows of these tokens.
  torch::Tensor token_rows(const torch::Tensor& token_T) const {
    if (!new_rows_ED.defined()) return embedding.rows(token_T, precision);
    const int64_t known = shape.vocabulary - new_rows_ED.size(0);
    const torch::Tensor known_TD = embedding.rows(token_T.clamp_max(known - 1), precision);
    const torch::Tensor new_TD = embedded_rows(new_rows_ED, (token_T - known).clamp_min(0));
    return torch::where((token_T < known).unsqueeze(1), known_TD, new_TD);
  }

  // RMSNorm over every head of the queries and keys; values stay.
  torch::Tensor heads_normed(const torch::Tensor& qkv_TD, const Layer& layer) const {
    const auto parts = qkv_TD.split_with_sizes({query_width(), kv_width(), kv_width()}, 1);
    const auto normed = [&](const torch::Tensor& part_TD, const torch::Tensor& weight_d) {
      return rms_norm(part_TD.reshape({-1, shape.head_width}), weight_d, shape.norm_eps)
          .view(part_TD.sizes());
    };
    return torch::cat({normed(parts[0], layer.q_norm), normed(parts[1], layer.k_norm), parts[2]},
                      1);
  }

  // The state as this model's keys and values; null for none.
  const KvPrefix* own(const State& state) const {
    if (!state) return nullptr;
    const auto* prefix = dynamic_cast<const KvPrefix*>(state.get());
    if (prefix == nullptr || prefix->blocks().front()->size() != layers.size())
      throw Error("the state was computed by another model; a model goes on from its own only");
    return prefix;
  }

  // silu(gate) * up of the MLP.
  Recomputed gated_by(const Layer& layer, const Recomputed& x_TD,
                      const ForwardOptions& options) const {
    const Weight& weight = layer.gate_up_weight;
    if (has_kernel(x_TD.value) || !layer.gate_up_adapter.empty() || !weight.is_whole()) {
      return recomputed_swiglu(layer.gate_up_adapter.added_to(weight.product(x_TD), x_TD, options));
    }
    const auto [gate_TF, up_TF] = recomputed_halves(x_TD, weight.whole());
    return recomputed_swiglu(gate_TF, up_TF);
  }

  struct BlockOutput {
    torch::Tensor x_TD;
    KeyValue kv;  // of the batch's tokens
  };

  // past: keys and values of this layer before the batch.
  BlockOutput block(const Layer& layer, torch::Tensor x_TD, std::span<const KeyValue> past,
                    const Rotation& r, const AttentionPlan& attention,
                    const ForwardOptions& options) const {
    const Dropout dropout(options.dropout, options.generator);
    const Recomputed normed = recomputed_rms_norm(x_TD, layer.attention_norm, shape.norm_eps);
    torch::Tensor qkv = layer.qkv_adapter.added_to(layer.qkv_weight.product(normed, layer.qkv_bias),
                                                   normed, options);
    if (shape.qk_norm) qkv = heads_normed(qkv, layer);
    const auto [q, k, v] = split_and_rotate(qkv, r, shape);
    const torch::Tensor mixed = attention(q, k, v, past).reshape({x_TD.size(0), query_width()});
    const torch::Tensor out =
        layer.out_adapter.added_to(layer.out_weight.product(mixed), as_it_is(mixed), options);
    x_TD = dropout.sum(x_TD, out);
    const Recomputed inner = recomputed_rms_norm(x_TD, layer.mlp_norm, shape.norm_eps);
    const Recomputed gated = gated_by(layer, inner, options);
    const torch::Tensor down =
        layer.down_adapter.added_to(layer.down_weight.product(gated), gated, options);
    return {dropout.sum(x_TD, down), {k, v}};
  }
};

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Key, value, key, value and so on.
std::vector<KeyValue> paired(std::span<const torch::Tensor> tensors) {
  std::vector<KeyValue> pairs;
  for (size_t i = 0; i < tensors.size(); i += 2) pairs.push_back({tensors[i], tensors[i + 1]});
  return pairs;
}

// Runs a block without a graph, and once more with one when the gradient comes (Chen et al., 2016).
// That second run adds the gradients of the weights to them itself, and drops the same numbers.
struct Checkpointed : torch::autograd::Function<Checkpointed> {
  // inputs: the stream, then keys and values of the past, block by block -> the stream, and keys
  // and values of the batch.
  using Run = std::function<variable_list(const variable_list& inputs, const ForwardOptions&)>;

  static variable_list forward(AutogradContext* ctx, at::TensorList inputs, const Run& run,
                               const ForwardOptions& options) {
    ForwardOptions again = options;
    if (options.generator) again.generator = options.generator->clone();
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["block"] = c10::IValue::make_capsule(c10::make_intrusive<Block>(run, again));
    ctx->set_materialize_grads(false);
    return run(inputs.vec(), options);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const torch::AutoGradMode with_graph(true);
    variable_list inputs;
    for (const torch::Tensor& input : ctx->get_saved_variables())
      inputs.push_back(input.detach().requires_grad_(ctx->needs_input_grad(inputs.size())));
    const auto capsule = ctx->saved_data["block"].toCapsule();
    const Block& block = *static_cast<Block*>(capsule.get());
    const variable_list outputs = block.run(inputs, block.options);
    variable_list reached, incoming;  // nobody may have asked for the keys and values
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined()) continue;
      reached.push_back(outputs[i]);
      incoming.push_back(gradients[i]);
    }
    torch::autograd::backward(reached, incoming);
    variable_list result;
    for (const torch::Tensor& input : inputs) result.push_back(input.grad());
    result.resize(result.size() + 2);  // of run and options
    return result;
  }

 private:
  struct Block : torch::CustomClassHolder {
    Block(Run r, ForwardOptions o) : run(std::move(r)), options(std::move(o)) {}
    Run run;
    ForwardOptions options;
  };
};

}  // namespace

CausalLm::CausalLm(const LmShape& shape, torch::ScalarType precision, torch::Device device)
    : impl_(std::make_unique<Impl>(shape, precision, device)) {}
CausalLm::~CausalLm() = default;
CausalLm::CausalLm(CausalLm&&) noexcept = default;
CausalLm& CausalLm::operator=(CausalLm&&) noexcept = default;

void CausalLm::init_random(at::Generator generator) {
  Impl& m = *impl_;
  const LmShape& s = m.shape;
  const auto matrix = [&](int64_t rows, int64_t columns) {
    return Weight(m.leaf(s.initializer_range * torch::randn({rows, columns}, generator)));
  };
  m.embedding = matrix(s.vocabulary, s.width);
  m.layers.clear();
  for (int64_t i = 0; i < s.layers; ++i) {
    Layer layer;
    layer.attention_norm = m.leaf(torch::ones({s.width}));
    layer.qkv_weight = matrix(m.query_width() + 2 * m.kv_width(), s.width);
    if (s.qkv_bias) layer.qkv_bias = m.leaf(torch::zeros({m.query_width() + 2 * m.kv_width()}));
    if (s.qk_norm) {
      layer.q_norm = m.leaf(torch::ones({s.head_width}));
      layer.k_norm = m.leaf(torch::ones({s.head_width}));
    }
    layer.out_weight = matrix(s.width, m.query_width());
    layer.mlp_norm = m.leaf(torch::ones({s.width}));
    layer.gate_up_weight = matrix(2 * s.mlp_width, s.width);
    layer.down_weight = matrix(s.width, s.mlp_width);
    m.layers.push_back(std::move(layer));
  }
  m.final_norm = m.leaf(torch::ones({s.width}));
  if (!s.tied) m.head = matrix(s.vocabulary, s.width);
}

void CausalLm::load(const std::filesystem::path& folder) {
  Impl& m = *impl_;
  const LmShape& s = m.shape;
  const StoredTensors stored = with_full_names(io::read_hf_weights(folder));
  if (has_own_head(stored)) m.shape.tied = false;
  const std::optional<StoredAdapters> adapters = read_adapters(folder);
  m.lora = adapters ? std::optional(adapters->lora) : std::nullopt;
  const auto get = [&](const std::string& name, at::IntArrayRef sizes) {
    return stored_tensor(stored, name, sizes, folder);
  };
  const auto matrix = [&](const std::string& name, at::IntArrayRef sizes) {
    return m.matrix({get(name, sizes)});
  };
  // Of the vocabulary's rows those of new tokens learn where the others are frozen.
  const auto vocabulary_rows = [&](const std::string& name, torch::Tensor& new_ED) {
    const torch::Tensor row_VD = get(name, {s.vocabulary, s.width});
    const int64_t known = adapters ? adapters->first_new_row : s.vocabulary;
    if (known < s.vocabulary) new_ED = m.learning(row_VD.slice(0, known));
    return m.matrix({row_VD.slice(0, 0, known)});
  };
  m.new_rows_ED = m.new_head_rows_ED = torch::Tensor();
  m.embedding = vocabulary_rows("model.embed_tokens.weight", m.new_rows_ED);
  m.layers.clear();
  for (int64_t i = 0; i < s.layers; ++i) {
    const std::string p = c10::str("model.layers.", i, ".");
    const auto qkv = [&](const char* kind, bool is_weight) -> std::vector<torch::Tensor> {
      const auto part = [&](const char* name, int64_t rows) {
        const std::string full = p + "self_attn." + name + "_proj." + kind;
        return is_weight ? get(full, {rows, s.width}) : get(full, {rows});
      };
      return {part("q", m.query_width()), part("k", m.kv_width()), part("v", m.kv_width())};
    };
    Layer layer;
    layer.attention_norm = m.leaf(get(p + "input_layernorm.weight", {s.width}));
    layer.qkv_weight = m.matrix(qkv("weight", true));
    if (s.qkv_bias) layer.qkv_bias = m.fused(qkv("bias", false));
    if (s.qk_norm) {
      layer.q_norm = m.leaf(get(p + "self_attn.q_norm.weight", {s.head_width}));
      layer.k_norm = m.leaf(get(p + "self_attn.k_norm.weight", {s.head_width}));
    }
    layer.out_weight = matrix(p + "self_attn.o_proj.weight", {s.width, m.query_width()});
    layer.mlp_norm = m.leaf(get(p + "post_attention_layernorm.weight", {s.width}));
    layer.gate_up_weight = m.matrix({get(p + "mlp.gate_proj.weight", {s.mlp_width, s.width}),
                                     get(p + "mlp.up_proj.weight", {s.mlp_width, s.width})});
    layer.down_weight = matrix(p + "mlp.down_proj.weight", {s.width, s.mlp_width});
    m.layers.push_back(std::move(layer));
  }
  m.final_norm = m.leaf(get("model.norm.weight", {s.width}));
  if (!s.tied && !stored.contains("lm_head.weight")) {
    throw DataError("the checkpoint '", folder.string(),
                    "' lacks the tensor 'lm_head.weight' and its "
                    "config.json does not say tie_word_embeddings = true; write that where the "
                    "embedding serves as the head");
  }
  if (!s.tied) m.head = vocabulary_rows("lm_head.weight", m.new_head_rows_ED);
  if (!adapters) return;
  m.add_adapters();
  m.visit_adapters([&](const std::string& name, LowRank& adapter, Weight& weight) {
    const int64_t columns = weight.parts().front().size(1);
    std::vector<torch::Tensor> down, up;
    for (const JoinedPart& part : adapter.parts()) {
      const std::string of = name_of_part(name, part);
      down.push_back(adapters->tensor(of + ".lora_A.weight", {adapter.rank(), columns}));
      up.push_back(adapters->tensor(of + ".lora_B.weight", {part.rows, adapter.rank()}));
    }
    adapter.down = m.learning(torch::cat(down));
    adapter.up = m.learning(torch::cat(up));
  });
}

void CausalLm::save(const std::filesystem::path& folder) const {
  io::NamedTensors tensors;
  const LmShape& s = impl_->shape;
  const int64_t q = impl_->query_width(), kv = impl_->kv_width();
  impl_->visit([&](const std::string& name, const torch::Tensor& value, bool) {
    const auto split = [&](const std::string& fused,
                           const std::vector<std::pair<std::string, int64_t>>& parts) {
      const size_t at = name.find(fused);
      if (at == std::string::npos) return false;
      int64_t begin = 0;
      for (const auto& [part, rows] : parts) {
        tensors.emplace_back(std::string(name).replace(at, fused.size(), part),
                             value.slice(0, begin, begin + rows));
        begin += rows;
      }
      return true;
    };
    if (split("qkv_proj", {{"q_proj", q}, {"k_proj", kv}, {"v_proj", kv}})) return;
    if (split("gate_up_proj", {{"gate_proj", s.mlp_width}, {"up_proj", s.mlp_width}})) return;
    const torch::Tensor new_ED = name == "model.embed_tokens.weight" ? impl_->new_rows_ED
                                 : name == "lm_head.weight"          ? impl_->new_head_rows_ED
                                                                     : torch::Tensor();
    tensors.emplace_back(name, new_ED.defined() ? torch::cat({value, new_ED}).detach() : value);
  });
  io::write_safetensors(folder / "model.safetensors", tensors);
  if (!impl_->lora) return;
  io::NamedTensors thin;
  impl_->visit_adapters([&](const std::string& name, const LowRank& adapter, const Weight&) {
    int64_t first_down = 0, first_up = 0;
    for (const JoinedPart& part : adapter.parts()) {
      const std::string of = name_of_part(name, part);
      thin.emplace_back(of + ".lora_A.weight",
                        adapter.down.slice(0, first_down, first_down + adapter.rank()));
      thin.emplace_back(of + ".lora_B.weight", adapter.up.slice(0, first_up, first_up + part.rows));
      first_down += adapter.rank();
      first_up += part.rows;
    }
  });
  write_adapters(*impl_->lora, impl_->embedding.whole().size(0), thin, folder);
}

CausalLm CausalLm::copy() const {
  CausalLm copy(impl_->shape, impl_->precision, impl_->device);
  impl_->make_whole();
  static_cast<Weights&>(*copy.impl_) = *impl_;
  copy.impl_->lora = impl_->lora;
  copy.impl_->visit_learning(
      [&](const std::string&, torch::Tensor& value, bool) { value = copy.impl_->learning(value); });
  return copy;
}

std::unique_ptr<TrainableModel> CausalLm::clone() const {
  return std::make_unique<CausalLm>(copy());
}

void CausalLm::pack_weights() {
  if (!impl_->device.is_cpu() || !can_pack(impl_->precision)) return;
  for (Weight* weight : impl_->body()) weight->pack(impl_->precision);
}

torch::Tensor CausalLm::hidden(const PackedBatch& batch, const ForwardOptions& options) const {
  if (torch::GradMode::is_enabled()) impl_->make_whole();
  const Impl& m = *impl_;
  if (options.dropout > 0 && !options.generator) throw Error("dropout needs a generator");
  const KvPrefix* past = m.own(options.past);
  const PackedBatch even = even_batch(batch, m.precision);
  const AttentionPlan attention(even, past);
  const Rotation r = rotation(even.position_T, m.shape, m.precision);
  auto kept = options.keep != nullptr ? std::make_shared<KvPrefix::Block>() : nullptr;
  torch::Tensor x_TD = Dropout(options.dropout, options.generator)(m.token_rows(even.token_T));
  const bool checkpoint = options.checkpoint && torch::GradMode::is_enabled();
  // Else nothing would lead back into the blocks, whose weights the graph does not see.
  if (checkpoint && !x_TD.requires_grad()) x_TD.requires_grad_();
  for (size_t i = 0; i < m.layers.size(); ++i) {
    const std::vector<KeyValue> past_of_layer = attention.past(static_cast<int64_t>(i));
    KeyValue kv;
    if (checkpoint) {
      const Checkpointed::Run run = [&m, i, r, attention](const variable_list& inputs,
                                                          const ForwardOptions& with) {
        const auto [x, own] = m.block(m.layers[i], inputs[0], paired(std::span(inputs).subspan(1)),
                                      r, attention, with);
        return variable_list{x, own.key, own.value};
      };
      variable_list inputs = {x_TD};
      for (const auto& [key, value] : past_of_layer) inputs.insert(inputs.end(), {key, value});
      const variable_list outputs = Checkpointed::apply(at::TensorList(inputs), run, options);
      x_TD = outputs[0];
      kv = {outputs[1], outputs[2]};
    } else {
      Impl::BlockOutput out = m.block(m.layers[i], x_TD, past_of_layer, r, attention, options);
      x_TD = std::move(out.x_TD);
      kv = std::move(out.kv);
    }
    if (kept) kept->push_back(KvPrefix::kept(kv.key, kv.value));
  }
  if (kept) {
    auto joined =
        past != nullptr ? std::make_shared<KvPrefix>(*past) : std::make_shared<KvPrefix>();
    joined->append(batch, std::move(kept));
    *options.keep = std::move(joined);
  }
  return rms_norm(x_TD.slice(0, 0, batch.num_tokens()), m.final_norm, m.shape.norm_eps);
}

Head CausalLm::head() const {
  if (torch::GradMode::is_enabled()) impl_->make_whole();
  const bool tied = impl_->shape.tied;
  return {(tied ? impl_->embedding : impl_->head).parts().front(),
          tied ? impl_->new_rows_ED : impl_->new_head_rows_ED};
}

torch::Tensor CausalLm::embedding() const {
  impl_->make_whole();
  const torch::Tensor &known_VD = impl_->embedding.whole(), &new_ED = impl_->new_rows_ED;
  return new_ED.defined() ? torch::cat({known_VD, new_ED}).detach() : known_VD;
}

const LmShape& CausalLm::shape() const { return impl_->shape; }

void CausalLm::set_rows(int64_t first_id, const torch::Tensor& input_ED,
                        const torch::Tensor& output_ED) {
  Impl& m = *impl_;
  if (!m.shape.tied && !output_ED.defined())
    throw Error("an untied model needs rows for its head as well");
  const int64_t end = first_id + input_ED.size(0);
  const auto written = [&](const torch::Tensor& matrix_VD, const torch::Tensor& row_ED) {
    torch::Tensor grown_VD = torch::zeros({std::max(end, matrix_VD.size(0)), m.shape.width},
                                          matrix_VD.options().requires_grad(false));
    grown_VD.slice(0, 0, matrix_VD.size(0)).copy_(matrix_VD.detach());
    grown_VD.slice(0, first_id, end).copy_(row_ED);
    return Weight(m.leaf(grown_VD));
  };
  const torch::NoGradGuard no_grad;
  m.make_whole();
  if (m.lora) {
    const auto learn = [&](Weight& known, torch::Tensor& new_ED, const torch::Tensor& row_ED) {
      if (!new_ED.defined()) known = Weight(known.whole().slice(0, 0, first_id));
      const int64_t begin = first_id - known.whole().size(0);
      if (begin < 0 || begin > (new_ED.defined() ? new_ED.size(0) : 0))
        throw Error("rows of new tokens follow those that there are; row ", first_id,
                    " does not, behind ", known.whole().size(0), " that are frozen");
      const torch::Tensor before_ED =
          new_ED.defined() ? new_ED.slice(0, 0, begin).to(row_ED) : row_ED.slice(0, 0, 0);
      new_ED = m.learning(torch::cat({before_ED, row_ED}));
    };
    learn(m.embedding, m.new_rows_ED, input_ED);
    if (!m.shape.tied) learn(m.head, m.new_head_rows_ED, output_ED);
    m.shape.vocabulary = end;
    return;
  }
  m.embedding = written(m.embedding.whole(), input_ED);
  if (!m.shape.tied) m.head = written(m.head.whole(), output_ED);
  m.shape.vocabulary = m.embedding.whole().size(0);
}

std::vector<Parameter> CausalLm::parameters() {
  std::vector<Parameter> all;
  impl_->visit_learning([&](const std::string& name, const torch::Tensor& value, bool decays) {
    all.push_back({name, value, decays});
  });
  return all;
}

void CausalLm::adapt(const Lora& lora, at::Generator generator) {
  Impl& m = *impl_;
  if (m.lora) throw Error("the model has adapters already");
  if (lora.rank < 1) throw ConfigError("adapters need a rank of at least 1, not ", lora.rank);
  for (const std::string& target : lora.targets) {
    const auto& known = lora_targets();
    if (std::find(known.begin(), known.end(), target) == known.end())
      throw ConfigError("no matrix '", target, "' of the model can have adapters; there are ",
                        c10::Join(", ", known));
  }
  const torch::NoGradGuard no_grad;
  m.visit([](const std::string&, torch::Tensor& value, bool) { value = value.detach(); });
  m.lora = lora;
  m.add_adapters();
  m.visit_adapters([&](const std::string&, LowRank& adapter, const Weight& weight) {
    const int64_t columns = weight.whole().size(1);
    const double bound = 1 / std::sqrt(static_cast<double>(columns));
    adapter.down =
        m.learning(torch::empty({adapter.down_rows(), columns}).uniform_(-bound, bound, generator));
    adapter.up = m.learning(torch::zeros({adapter.up_rows(), adapter.rank()}));
  });
}

const std::optional<Lora>& CausalLm::lora() const { return impl_->lora; }

void CausalLm::learn_rows(int64_t first_id, int64_t end) {
  Impl& m = *impl_;
  if (!m.lora || first_id >= end) return;
  if (m.new_rows_ED.defined()) throw Error("rows of new tokens learn already");
  const torch::NoGradGuard no_grad;
  m.make_whole();
  const auto split = [&](Weight& known, torch::Tensor& new_ED) {
    new_ED = m.learning(known.whole().slice(0, first_id, end));
    known = Weight(known.whole().slice(0, 0, first_id));
  };
  split(m.embedding, m.new_rows_ED);
  if (!m.shape.tied) split(m.head, m.new_head_rows_ED);
  m.shape.vocabulary = end;
}

void CausalLm::merge_adapters() {
  Impl& m = *impl_;
  if (!m.lora) return;
  const torch::NoGradGuard no_grad;
  m.make_whole();
  m.visit_adapters([](const std::string&, LowRank& adapter, Weight& weight) {
    weight = Weight(adapter.merged_into(weight.whole()));
    adapter = LowRank();
  });
  const auto joined = [](Weight& known, torch::Tensor& new_ED) {
    if (new_ED.defined()) known = Weight(torch::cat({known.whole(), new_ED.detach()}));
    new_ED = torch::Tensor();
  };
  joined(m.embedding, m.new_rows_ED);
  joined(m.head, m.new_head_rows_ED);
  m.lora.reset();
  m.visit([&](const std::string&, torch::Tensor& value, bool) { value = m.leaf(value); });
}

double CausalLm::flops_per_token() const {
  const LmShape& s = impl_->shape;
  const int64_t q = impl_->query_width(), kv = impl_->kv_width();
  const int64_t layer = s.width * (q + 2 * kv) + q * s.width + 3 * s.width * s.mlp_width;
  return 2 * static_cast<double>(s.layers * layer);
}

std::optional<ModelMemory> CausalLm::memory() const {
  const Impl& m = *impl_;
  return model_memory(m.shape, m.precision, m.lora,
                      m.new_rows_ED.defined() ? m.new_rows_ED.size(0) : 0);
}

double CausalLm::backward_flops_per_token() const {
  return (impl_->lora ? 1 : 2) * flops_per_token();
}

}  // namespace tsrec::nn
