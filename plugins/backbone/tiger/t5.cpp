#include "t5.hpp"

#include <cmath>
#include <map>
#include <numeric>

#include "labelled_rows.hpp"
#include "relative_positions.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/nn/rms_norm.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/product.hpp"

namespace tsrec::tiger {
namespace {

// The prompts' numbers, short ones first.
std::vector<size_t> by_length(std::span<const std::vector<int32_t>> prompts) {
  std::vector<size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return prompts[a].size() < prompts[b].size(); });
  return order;
}

// One start token for each prompt, all of them roots.
nn::PackedBatch starts(size_t count, int32_t start_id) {
  nn::PackedBatch batch;
  for (size_t p = 0; p < count; ++p)
    batch.segments.push_back({.begin = static_cast<int32_t>(p), .length = 1});
  batch.token_T = torch::full({static_cast<int64_t>(count)}, start_id, torch::kInt64);
  return batch;
}

// How many tokens of nobody a product over so many is given besides: oneDNN makes code for every
// number of rows that it meets, and every batch of prompts has a number of its own.
int64_t idle_tokens(int64_t tokens) {
  constexpr int64_t kMultiple = 32, kLeastTokens = 512;
  return tokens < kLeastTokens ? 0 : (kMultiple - tokens % kMultiple) % kMultiple;
}

// Tokens of groups that lie behind each other, and whatever stands behind them: one cut whose
// gradient is one joining, where a slice for each group would have one of zeros as large as x.
std::vector<torch::Tensor> cut(const torch::Tensor& x_TX, std::vector<int64_t> count_G) {
  const int64_t rest = x_TX.size(0) - std::accumulate(count_G.begin(), count_G.end(), int64_t{0});
  if (rest > 0) count_G.push_back(rest);
  return x_TX.split_with_sizes(count_G);
}

torch::Tensor rows_of(const torch::Tensor& x, const torch::Tensor& row) {
  return row.defined() ? x.index_select(0, row) : x;
}

// While training: the stage's probability goes before the model's own.
nn::Dropout dropout_of(const nn::ForwardOptions& options, double own) {
  if (options.dropout > 0 && !options.generator) throw Error("dropout needs a generator");
  return {options.dropout > 0 ? options.dropout : own, options.generator};
}

}  // namespace

// What the decoder sees: the encoder's output as keys and values of every layer, and its own.
class T5::Memory final : public nn::ModelState {
 public:
  std::vector<PromptGroup> groups;
  std::vector<std::vector<torch::Tensor>> cross_LG;  // [keys and values, prompts, heads, length, d]
  std::vector<torch::Tensor> self_L;                 // [tokens, 2 I], empty before the first
  Paths paths;

  void follow(const nn::PackedBatch& batch) {
    paths.append(batch.segments, num_tokens());
    append(batch);
  }
  nn::State detached() const override {
    auto copy = std::make_shared<Memory>(*this);
    for (std::vector<torch::Tensor>& layer : copy->cross_LG) {
      for (torch::Tensor& group : layer) group = group.detach();
    }
    for (torch::Tensor& layer : copy->self_L) layer = layer.detach();
    return copy;
  }
};

namespace {

// softmax(q k^T + bias) v, not scaled. q: [..., Q, d]; k, v: [..., K, d]; bias: [H, Q, K] or none.
torch::Tensor attended(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                       const torch::Tensor& bias, const nn::Dropout& dropout) {
  torch::Tensor score = torch::matmul(q, k.transpose(-2, -1));
  if (bias.defined()) score = score + bias;
  const torch::Tensor share = torch::softmax(score, -1, torch::kFloat32).to(score.scalar_type());
  return torch::matmul(dropout(share), v);
}

torch::Tensor fed_forward(const torch::Tensor& x_TD, const FeedForward& mlp, double eps,
                          const nn::Dropout& dropout) {
  const torch::Tensor inner_TF =
      torch::relu(linear_product(nn::rms_norm(x_TD, mlp.norm_D, eps), mlp.in_FD));
  return dropout.sum(x_TD, linear_product(dropout(inner_TF), mlp.out_DF));
}

void refuse_checkpoint(bool is_asked_for) {
  if (!is_asked_for) return;
  throw ConfigError(
      "the backbone 'tiger' keeps all activations; leave out  checkpoint = true  and lower "
      "max_tokens or micro_prompts where memory is short");
}

}  // namespace

T5::T5(const T5Shape& shape, torch::ScalarType precision, torch::Device device)
    : shape_(shape), precision_(precision), device_(device) {}
T5::~T5() = default;
T5::T5(T5&&) noexcept = default;
T5& T5::operator=(T5&&) noexcept = default;

torch::Tensor T5::leaf(const torch::Tensor& value) const {
  return value.detach()
      .to(device_, precision_, /*non_blocking=*/false, /*copy=*/true)
      .contiguous()
      .requires_grad_();
}

void T5::init_random(at::Generator generator) {
  weights_.visit(shape_, [&](const T5Weights::Entry& entry) {
    std::vector<torch::Tensor> shares;
    for (const Share& share : entry.shares) {
      shares.push_back(entry.columns == 0
                           ? torch::ones({share.rows})
                           : share.deviation *
                                 torch::randn({share.rows, entry.columns}, generator));
    }
    entry.value = leaf(torch::cat(shares));
  });
}

T5 T5::copy() const {
  T5 copy(shape_, precision_, device_);
  copy.weights_ = weights_;
  copy.weights_.visit(shape_,
                      [&](const T5Weights::Entry& entry) { entry.value = leaf(entry.value); });
  return copy;
}

std::unique_ptr<nn::TrainableModel> T5::clone() const { return std::make_unique<T5>(copy()); }

void T5::set_rows(int64_t first_id, const torch::Tensor& input_ED, const torch::Tensor& output_ED) {
  if (!shape_.tied && !output_ED.defined())
    throw Error("an untied model needs rows for its head as well");
  const int64_t end = first_id + input_ED.size(0);
  const auto written = [&](const torch::Tensor& matrix_VD, const torch::Tensor& row_ED) {
    torch::Tensor grown_VD = torch::zeros({std::max(end, matrix_VD.size(0)), shape_.width},
                                          matrix_VD.options().requires_grad(false));
    grown_VD.slice(0, 0, matrix_VD.size(0)).copy_(matrix_VD.detach());
    grown_VD.slice(0, first_id, end).copy_(row_ED);
    return leaf(grown_VD);
  };
  weights_.embedding_VD = written(weights_.embedding_VD, input_ED);
  if (!shape_.tied) weights_.head_VD = written(weights_.head_VD, output_ED);
  shape_.vocabulary = weights_.embedding_VD.size(0);
}

// The layers of the encoder, over prompts that stand behind each other; tokens of one length are a
// dense batch.
T5::Memory T5::encode(Prompts prompts, const std::vector<size_t>& order,
                      const nn::Dropout& dropout) const {
  const int64_t H = shape_.heads, d = shape_.head_width, I = shape_.inner();
  const double eps = shape_.norm_eps;
  Memory memory;
  std::vector<int64_t> tokens;
  for (const size_t number : order) {
    const std::vector<int32_t>& prompt = prompts[number];
    if (prompt.empty()) throw Error("a prompt needs at least one token");
    const auto length = static_cast<int64_t>(prompt.size());
    if (memory.groups.empty() || memory.groups.back().length != length)
      memory.groups.push_back({0, length});
    ++memory.groups.back().count;
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  }
  const int64_t idle = idle_tokens(std::ssize(tokens));
  tokens.insert(tokens.end(), static_cast<size_t>(idle), shape_.start_id);
  std::vector<int64_t> count_G;
  std::vector<torch::Tensor> bias_GHLL;
  for (const PromptGroup& group : memory.groups) {
    count_G.push_back(group.num_tokens());
    bias_GHLL.push_back(encoder_bias(weights_.encoder_bias_BH, group.length, shape_));
  }
  // Of each group, [parts, prompts, heads, length, d].
  const auto heads_of = [&](const torch::Tensor& x_TX) {
    std::vector<torch::Tensor> heads = cut(x_TX, count_G);
    for (size_t g = 0; g < memory.groups.size(); ++g) {
      const PromptGroup& group = memory.groups[g];
      heads[g] = heads[g].view({group.count, group.length, -1, H, d}).permute({2, 0, 3, 1, 4});
    }
    return heads;
  };

  torch::Tensor x_TD = dropout(torch::embedding(
      weights_.embedding_VD, nn::to_device(torch::tensor(tokens, torch::kInt64), device_)));
  for (const EncoderLayer& layer : weights_.encoder) {
    const torch::Tensor qkv_TX =
        linear_product(nn::rms_norm(x_TD, layer.self.norm_D, eps), layer.self.qkv_OD);
    const std::vector<torch::Tensor> heads_G = heads_of(qkv_TX);
    std::vector<torch::Tensor> mixed;
    for (size_t g = 0; g < memory.groups.size(); ++g) {
      const std::vector<torch::Tensor> qkv = heads_G[g].unbind();
      mixed.push_back(
          attended(qkv[0], qkv[1], qkv[2], bias_GHLL[g], dropout).transpose(1, 2).reshape({-1, I}));
    }
    mixed.push_back(torch::zeros({idle, I}, qkv_TX.options()));
    x_TD = dropout.sum(x_TD, linear_product(torch::cat(mixed), layer.self.out_DI));
    x_TD = fed_forward(x_TD, layer.mlp, eps, dropout);
  }
  x_TD = dropout(nn::rms_norm(x_TD, weights_.encoder_norm_D, eps));

  for (const DecoderLayer& layer : weights_.decoder) {
    const std::vector<torch::Tensor> heads_G = heads_of(linear_product(x_TD, layer.cross.kv_OD));
    std::vector<torch::Tensor>& cross = memory.cross_LG.emplace_back();
    for (size_t g = 0; g < memory.groups.size(); ++g) cross.push_back(heads_G[g].contiguous());
  }
  memory.self_L.resize(weights_.decoder.size());
  return memory;
}

// The layers of the decoder, over tokens behind the memory, which becomes that behind the batch.
torch::Tensor T5::decode(const nn::PackedBatch& batch, Memory& memory,
                         const nn::Dropout& dropout) const {
  const int64_t H = shape_.heads, d = shape_.head_width, I = shape_.inner();
  const double eps = shape_.norm_eps;
  const int64_t first_token = memory.num_tokens();
  memory.follow(batch);
  const DecoderPlan plan =
      plan_of(memory.paths, batch.segments, first_token, memory.groups, device_);
  std::vector<torch::Tensor> bias_GH1K;
  for (const SelfGroup& group : plan.self)
    bias_GH1K.push_back(decoder_bias(weights_.decoder_bias_BH, group.visible, shape_));

  const auto self_attention = [&](const SelfAttention& self, const torch::Tensor& x_TD,
                                  torch::Tensor& known_T2I) {
    const torch::Tensor qkv_TX = linear_product(nn::rms_norm(x_TD, self.norm_D, eps), self.qkv_OD);
    const std::vector<torch::Tensor> q_and_kv = qkv_TX.split_with_sizes({I, 2 * I}, 1);
    known_T2I = known_T2I.defined() ? torch::cat({known_T2I, q_and_kv[1]}) : q_and_kv[1];
    const std::vector<torch::Tensor> q_G =
        cut(q_and_kv[0].index_select(0, plan.self_order.token_T), plan.self_order.count_G);
    std::vector<torch::Tensor> mixed;
    for (size_t g = 0; g < plan.self.size(); ++g) {
      const SelfGroup& group = plan.self[g];
      const torch::Tensor q_NH1d = q_G[g].view({-1, H, 1, d});
      const std::vector<torch::Tensor> kv = known_T2I.index_select(0, group.key_M)
                                                .view({-1, group.visible, 2, H, d})
                                                .permute({2, 0, 3, 1, 4})
                                                .unbind();
      mixed.push_back(attended(q_NH1d, kv[0], kv[1], bias_GH1K[g], dropout).reshape({-1, I}));
    }
    return linear_product(torch::cat(mixed).index_select(0, plan.self_order.place_T), self.out_DI);
  };
  const auto cross_attention = [&](const CrossAttention& cross, const torch::Tensor& x_TD,
                                   const std::vector<torch::Tensor>& kv_G) {
    const torch::Tensor q_TI = linear_product(nn::rms_norm(x_TD, cross.norm_D, eps), cross.q_ID);
    const std::vector<torch::Tensor> q_G =
        cut(q_TI.index_select(0, plan.cross_order.token_T), plan.cross_order.count_G);
    std::vector<torch::Tensor> mixed;
    for (size_t g = 0; g < plan.cross.size(); ++g) {
      const CrossGroup& group = plan.cross[g];
      const torch::Tensor q_CHMd = q_G[g].view({-1, group.each, H, d}).transpose(1, 2);
      const std::vector<torch::Tensor> kv = kv_G[group.prompts].unbind();
      mixed.push_back(attended(q_CHMd, rows_of(kv[0], group.row_C), rows_of(kv[1], group.row_C),
                               /*bias=*/{}, dropout)
                          .transpose(1, 2)
                          .reshape({-1, I}));
    }
    return linear_product(torch::cat(mixed).index_select(0, plan.cross_order.place_T),
                          cross.out_DI);
  };

  torch::Tensor x_TD =
      dropout(torch::embedding(weights_.embedding_VD, nn::to_device(batch.token_T, device_)));
  for (size_t i = 0; i < weights_.decoder.size(); ++i) {
    const DecoderLayer& layer = weights_.decoder[i];
    x_TD = dropout.sum(x_TD, self_attention(layer.self, x_TD, memory.self_L[i]));
    x_TD = dropout.sum(x_TD, cross_attention(layer.cross, x_TD, memory.cross_LG[i]));
    x_TD = fed_forward(x_TD, layer.mlp, eps, dropout);
  }
  x_TD = dropout(nn::rms_norm(x_TD, weights_.decoder_norm_D, eps));
  return shape_.tied ? x_TD / std::sqrt(static_cast<double>(shape_.width)) : x_TD;
}

torch::Tensor T5::hidden(const nn::PackedBatch& batch, const nn::ForwardOptions& options) const {
  const auto* past = dynamic_cast<const Memory*>(options.past.get());
  if (past == nullptr || past->self_L.size() != weights_.decoder.size()) {
    throw Error(options.past ? "the state was computed by another model; a model goes on from its "
                               "own only"
                             : "an encoder-decoder answers prompts: its decoder computes nothing "
                               "before prefill() has read one");
  }
  Memory memory = *past;
  torch::Tensor hidden_TD = decode(batch, memory, dropout_of(options, shape_.dropout));
  if (options.keep != nullptr) *options.keep = std::make_shared<Memory>(std::move(memory));
  return hidden_TD;
}

// All rows at once: the encoder reads each prompt, the decoder a start token behind it, and behind
// that the labels of its rows but their last.
torch::Tensor T5::label_hidden(const nn::PackedBatch& batch,
                               const nn::ForwardOptions& options) const {
  if (options.past || options.keep != nullptr)
    throw Error("the labels of whole rows stand behind no state");
  refuse_checkpoint(options.checkpoint);
  const LabelledRows labelled = labelled_rows(batch);
  const std::vector<size_t> order = by_length(labelled.prompts);
  std::vector<int32_t> root_of(order.size());
  for (size_t p = 0; p < order.size(); ++p) root_of[order[p]] = static_cast<int32_t>(p);

  nn::PackedBatch answers = starts(order.size(), shape_.start_id);
  std::vector<int64_t> tokens, at;
  for (const LabelledRows::Row& row : labelled.rows) {
    const int32_t root = root_of[row.prompt];
    const auto first = static_cast<int64_t>(order.size() + tokens.size());
    at.push_back(root);
    for (size_t t = 0; t + 1 < row.target.size(); ++t) {
      at.push_back(first + static_cast<int64_t>(t));
      tokens.push_back(row.target[t]);
    }
    if (row.target.size() > 1) {
      answers.segments.push_back({.begin = static_cast<int32_t>(first),
                                  .length = static_cast<int32_t>(row.target.size()) - 1,
                                  .parent = root,
                                  .position = 1});
    }
  }
  answers.token_T = torch::cat({answers.token_T, torch::tensor(tokens, torch::kInt64)});
  const nn::Dropout dropout = dropout_of(options, shape_.dropout);
  Memory memory = encode(labelled.prompts, order, dropout);
  return decode(answers, memory, dropout)
      .index_select(0, nn::to_device(torch::tensor(at, torch::kInt64), device_));
}

nn::Head T5::head() const {
  return {.weight_VD = shape_.tied ? weights_.embedding_VD : weights_.head_VD};
}

// Of a token of the encoder, with the keys and values that the decoder's layers make of it. One of
// the decoder costs the same: its attention to the prompt has queries and output instead.
double T5::flops_per_token() const {
  const int64_t layer = 6 * shape_.width * shape_.inner() + 2 * shape_.width * shape_.mlp_width;
  return 2 * static_cast<double>(shape_.layers * layer);
}

nn::State T5::begin(std::span<const int32_t>, Context&) const { return nullptr; }

nn::Prefilled T5::prefill(Prompts prompts, const nn::State& begun, Context& context,
                          bool checkpoint) const {
  refuse_checkpoint(checkpoint);
  if (begun) throw Error("an encoder reads whole prompts: it goes on from no beginning of them");
  std::map<std::vector<int32_t>, size_t> number_of;  // identical prompts once
  std::vector<std::vector<int32_t>> distinct;
  for (const std::vector<int32_t>& prompt : prompts) {
    if (number_of.emplace(prompt, distinct.size()).second) distinct.push_back(prompt);
  }
  const std::vector<size_t> order = by_length(distinct);
  std::vector<int32_t> root_of(order.size());
  for (size_t p = 0; p < order.size(); ++p) root_of[order[p]] = static_cast<int32_t>(p);

  auto memory = std::make_shared<Memory>(encode(distinct, order, nn::Dropout()));
  const torch::Tensor start_PD =
      decode(starts(order.size(), shape_.start_id), *memory, nn::Dropout());
  nn::Prefilled result;
  std::vector<int64_t> root_B;
  for (const std::vector<int32_t>& prompt : prompts) {
    result.segment_B.push_back(root_of[number_of.at(prompt)]);
    root_B.push_back(result.segment_B.back());
  }
  result.last_BD =
      start_PD.index_select(0, nn::to_device(torch::tensor(root_B, torch::kInt64), device_));
  int64_t read = memory->num_tokens();
  for (const PromptGroup& group : memory->groups) read += group.num_tokens();
  nn::count_work(*this, read, /*rows=*/0, /*columns=*/0, context);
  result.state = std::move(memory);
  return result;
}

std::vector<nn::Parameter> T5::parameters() {
  std::vector<nn::Parameter> all;
  weights_.visit(shape_, [&](const T5Weights::Entry& entry) {
    all.push_back({name_in_memory(entry), entry.value, entry.decays});
  });
  return all;
}

void T5::save(const std::filesystem::path& folder) const {
  io::NamedTensors tensors;
  T5Weights weights = weights_;
  weights.visit(shape_, [&](const T5Weights::Entry& entry) {
    int64_t begin = 0;
    for (const Share& share : entry.shares) {
      tensors.emplace_back(name_on_disk(entry, share),
                           entry.value.detach().slice(0, begin, begin + share.rows));
      begin += share.rows;
    }
  });
  io::write_safetensors(folder / "model.safetensors", tensors);
}

void T5::load(const std::filesystem::path& folder) {
  const std::map<std::string, torch::Tensor> stored = io::read_hf_weights(folder);
  const auto head = stored.find("lm_head.weight"), rows = stored.find("shared.weight");
  const bool has_both = head != stored.end() && rows != stored.end();
  if (shape_.tied && has_both && !torch::equal(head->second, rows->second)) {
    throw DataError("the checkpoint '", folder.string(),
                    "' has a head of its own (lm_head.weight) although its config.json ties it to "
                    "the embedding; write tie_word_embeddings = false there");
  }
  weights_.visit(shape_, [&](const T5Weights::Entry& entry) {
    std::vector<torch::Tensor> shares;
    for (const Share& share : entry.shares) {
      const std::string name = name_on_disk(entry, share);
      const auto found = stored.find(name);
      if (found == stored.end())
        throw DataError("the checkpoint '", folder.string(), "' lacks the tensor '", name, "'");
      const std::vector<int64_t> sizes = entry.columns == 0
                                             ? std::vector<int64_t>{share.rows}
                                             : std::vector<int64_t>{share.rows, entry.columns};
      if (found->second.sizes() != at::IntArrayRef(sizes)) {
        throw DataError("the checkpoint '", folder.string(), "': tensor '", name,
                        "' has the shape ", found->second.sizes(), "; config.json asks for ",
                        at::IntArrayRef(sizes));
      }
      shares.push_back(found->second.to(torch::kFloat32));
    }
    entry.value = leaf(torch::cat(shares));
  });
}

}  // namespace tsrec::tiger
