#include "tsrec/nn/attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/attention_dot_kernel.hpp"
#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/elementwise_kernel.hpp"
#include "nn/kv_prefix.hpp"
#include "nn/varlen_attention.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::nn {

namespace {

// Where the keys of a segment and of its ancestors lie, oldest first: rows of the blocks of the
// past, or of the batch, which is the block behind them.
struct Layout {
  using Run = KvPrefix::Run;
  struct Queries {
    int64_t begin, length;  // tokens of the batch
    std::vector<Run> ancestors;
    Run own;
    bool is_leaf = true;  // no other segment of the batch sees its keys
  };
  std::vector<Queries> segments;
  std::vector<std::shared_ptr<const KvPrefix::Block>> past;
  int64_t most_keys = 0;

  // Of the keys of all blocks behind each other: where each begins, and at last the batch.
  std::vector<int64_t> block_begins() const {
    std::vector<int64_t> begin = {0};
    for (const auto& block : past) begin.push_back(begin.back() + block->front().key.size(0));
    return begin;
  }
};

// Keys of `now` that stand in the same columns as those of the segment before it, its own included.
int64_t shared_keys(const Layout::Queries& before, const Layout::Queries& now) {
  int64_t shared = 0;
  for (size_t r = 0; r < now.ancestors.size() && r <= before.ancestors.size(); ++r) {
    const Layout::Run& run = now.ancestors[r];
    const Layout::Run& other = r < before.ancestors.size() ? before.ancestors[r] : before.own;
    if (other.block != run.block || other.begin != run.begin) break;
    shared += std::min(run.length, other.length);
    if (run.length != other.length) break;
  }
  return shared;
}

// Whether a kernel on numbers of type T reads x as a copy, and not where it lies.
template <class T>
bool is_copied(const torch::Tensor& x) {
  return std::is_same_v<T, float> && x.scalar_type() != torch::kFloat32;
}

// Token rows of `count` heads of a [T, heads, width] tensor as numbers of type T: where they lie,
// or a float32 copy of bfloat16 ones.
template <class T>
class HeadRows {
 public:
  enum class Use { read, write };

  HeadRows(const torch::Tensor& x_THd, int64_t head, int64_t count, Use use)
      : x_THd_(x_THd), first_(head * x_THd.size(2)), width_(count * x_THd.size(2)) {
    stride_ = is_copied<T>(x_THd) ? width_ : tensor_stride();
    if (!is_copied<T>(x_THd)) {
      data_ = (use == Use::read ? const_cast<T*>(in<T>(x_THd)) : out<T>(x_THd)) + first_;
      return;
    }
    if constexpr (std::is_same_v<T, float>) {
      const int64_t rows = x_THd.size(0);
      copy_ = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(rows * width_));
      data_ = copy_.get();
      if (use == Use::read)
        widen(in<Bfloat16>(x_THd) + first_, tensor_stride(), rows, width_, data_, stride_);
    }
  }

  T* at(int64_t token) const { return data_ + token * stride_; }
  int64_t stride() const { return stride_; }  // numbers between tokens
  // Rows that are a copy go where they belong.
  void store(int64_t begin, int64_t length) const {
    if (copy_) store_from(copy_.get() + begin * stride_, begin, length);
  }
  void store() const { store(0, x_THd_.size(0)); }
  // Rows that were computed elsewhere, behind each other.
  void store_from(const float* rows, int64_t begin, int64_t length) const {
    narrow(rows, width_, length, width_, out<Bfloat16>(x_THd_) + begin * tensor_stride() + first_,
           tensor_stride());
  }

 private:
  int64_t tensor_stride() const { return x_THd_.size(1) * x_THd_.size(2); }

  torch::Tensor x_THd_;
  int64_t first_, width_, stride_ = 0;
  std::unique_ptr<float[]> copy_;
  T* data_ = nullptr;
};

// Keys and values of a layer: those of each block of the past, and the batch's own.
using Blocks = std::vector<KeyValue>;

// Of one key-value head, or their gradients. All blocks are of one type, so of one stride.
template <class T>
struct KeyRows {
  struct Block {
    HeadRows<T> key, value;
  };
  std::vector<Block> blocks;

  KeyRows(const Blocks& all, int64_t kv_head, typename HeadRows<T>::Use use) {
    blocks.reserve(all.size());
    for (const auto& [key, value] : all)
      blocks.push_back({{key, kv_head, 1, use}, {value, kv_head, 1, use}});
  }
  int64_t stride() const { return blocks.back().key.stride(); }
  const Block& of(const Layout::Run& run) const { return blocks[static_cast<size_t>(run.block)]; }
};

// Gradients of the keys and values of one head: float32 sums over all queries that see them. Those
// of a leaf's own keys are whole when its turn is over, and then rounded while they are in the
// cache.
class KeySums {
 public:
  struct Rows {
    float* key = nullptr;
    float* value = nullptr;
  };

  KeySums(const Layout& plan, const Blocks& gradients, int64_t kv_head)
      : plan_(plan),
        width_(gradients.back().key.size(2)),
        is_copied_(is_copied<float>(gradients.back().key)),
        rows_(gradients, kv_head, HeadRows<float>::Use::write) {
    for (size_t b = 0; b + 1 < gradients.size(); ++b)
      clear({rows_.blocks[b].key.at(0), rows_.blocks[b].value.at(0)}, gradients[b].key.size(0));
  }

  int64_t stride() const { return rows_.stride(); }
  Rows of(const Layout::Run& run) const {
    return {rows_.of(run).key.at(run.begin), rows_.of(run).value.at(run.begin)};
  }
  // A segment comes before those that see its keys.
  Rows begin(const Layout::Queries& segment) {
    if (is_apart(segment)) leaf_.resize(static_cast<size_t>(2 * segment.length * width_));
    const Rows own = is_apart(segment) ? Rows{leaf_.data(), leaf_.data() + segment.length * width_}
                                       : of(segment.own);
    clear(own, segment.length);
    return own;
  }
  void end(const Layout::Queries& segment) const {
    if (!is_apart(segment)) return;
    const auto& [key, value] = rows_.of(segment.own);
    key.store_from(leaf_.data(), segment.begin, segment.length);
    value.store_from(leaf_.data() + segment.length * width_, segment.begin, segment.length);
  }
  void store() const {
    for (size_t b = 0; b + 1 < rows_.blocks.size(); ++b) {
      rows_.blocks[b].key.store();
      rows_.blocks[b].value.store();
    }
    for (const Layout::Queries& segment : plan_.segments) {
      if (is_apart(segment)) continue;
      rows_.of(segment.own).key.store(segment.begin, segment.length);
      rows_.of(segment.own).value.store(segment.begin, segment.length);
    }
  }

 private:
  bool is_apart(const Layout::Queries& segment) const { return is_copied_ && segment.is_leaf; }
  void clear(const Rows& rows, int64_t length) const {
    for (int64_t t = 0; t < length; ++t) {
      std::fill_n(rows.key + t * stride(), width_, 0.0f);
      std::fill_n(rows.value + t * stride(), width_, 0.0f);
    }
  }

  const Layout& plan_;
  int64_t width_;
  bool is_copied_;
  KeyRows<float> rows_;
  std::vector<float> leaf_;  // keys, then values
};

// Calls work(T()) with the type of the numbers that the kernel for these heads reads.
template <class Work>
void for_kernel(const torch::Tensor& key_THd, const Work& work) {
  if (attends_by_dots(key_THd)) {
    work(Bfloat16());
  } else {
    work(float());
  }
}

// Calls visit(begin, end) for key-value heads in parallel: each thread owns its heads' keys, so
// that backward needs no locks and sums in one order. A token's heads lie behind each other: those
// of one call are read while the token is in the cache.
template <class T, class Visit>
void for_kv_heads(const Layout& plan, const torch::Tensor& key_THd, const Visit& visit) {
  constexpr int64_t kCached = 1 << 17;  // floats of packed keys
  const int64_t packed = attention_scratch_floats<T>(plan.most_keys, key_THd.size(2)).packed;
  const int64_t together =
      is_copied<T>(key_THd) ? 1 : std::max<int64_t>(1, kCached / std::max<int64_t>(1, packed));
  at::parallel_for(0, key_THd.size(1), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += together)
      visit(first, std::min(first + together, end));
  });
}

// Calls visit(i, segment, token, h, scratch) for every segment, each of the key-value heads and
// each of the `group` query heads that ask it; `token` is the segment's first. sums: null in
// forward.
template <class T, class Visit>
void for_each_segment_head(const Layout& plan, const std::vector<KeyRows<T>>& keys,
                           std::vector<KeySums>* sums, int64_t query_stride, int64_t group,
                           int64_t width, const Visit& visit) {
  const AttentionScratchFloats floats = attention_scratch_floats<T>(plan.most_keys, width);
  std::vector<float> packed(keys.size() * static_cast<size_t>(floats.packed)),
      work(static_cast<size_t>(floats.work));
  std::vector<KeyRun<T>> runs;
  const Layout::Queries* before = nullptr;
  for (const Layout::Queries& segment : plan.segments) {
    const int64_t ready = before == nullptr ? 0 : shared_keys(*before, segment);
    before = &segment;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto run_of = [&](const Layout::Run& run, const KeySums::Rows& gradient) {
        return KeyRun<T>{keys[i].of(run).key.at(run.begin), keys[i].of(run).value.at(run.begin),
                         gradient.key, gradient.value, run.length};
      };
      KeySums* const sum = sums == nullptr ? nullptr : &(*sums)[i];
      runs.clear();
      for (const Layout::Run& run : segment.ancestors)
        runs.push_back(run_of(run, sum == nullptr ? KeySums::Rows() : sum->of(run)));
      const SegmentHead<T> head{
          runs.data(),
          static_cast<int64_t>(runs.size()),
          run_of(segment.own, sum == nullptr ? KeySums::Rows() : sum->begin(segment)),
          keys[i].stride(),
          sum == nullptr ? 0 : sum->stride(),
          query_stride,
          width,
          1 / std::sqrt(static_cast<float>(width))};
      AttentionScratch scratch{packed.data() + static_cast<int64_t>(i) * floats.packed, work.data(),
                               plan.most_keys, ready};
      for (int64_t h = 0; h < group; ++h) {
        visit(i, head, segment.begin, h, scratch);
        scratch.ready = plan.most_keys;  // the heads of a group share their keys
      }
      if (sum != nullptr) sum->end(segment);
    }
  }
}

// Rows of the query heads that ask key-value heads [begin, end), in one piece for each of these.
template <class T>
std::vector<HeadRows<T>> rows_by_kv_head(const torch::Tensor& x_THd, int64_t begin, int64_t end,
                                         int64_t group, typename HeadRows<T>::Use use) {
  std::vector<HeadRows<T>> rows;
  for (int64_t kv_head = begin; kv_head < end; ++kv_head)
    rows.emplace_back(x_THd, kv_head * group, group, use);
  return rows;
}

template <class T>
std::vector<KeyRows<T>> keys_by_kv_head(const Blocks& blocks, int64_t begin, int64_t end) {
  std::vector<KeyRows<T>> keys;
  for (int64_t kv_head = begin; kv_head < end; ++kv_head)
    keys.emplace_back(blocks, kv_head, HeadRows<T>::Use::read);
  return keys;
}

// Writes what every query sees, and the logarithms of its sums. blocks: of the past, and the batch.
void attend(const Layout& plan, const torch::Tensor& q, const Blocks& blocks,
            const torch::Tensor& out, const torch::Tensor& log_sum) {
  RECORD_USER_SCOPE("PackedAttention");
  const torch::Tensor& k = blocks.back().key;
  const int64_t heads = q.size(1), group = heads / k.size(1), width = q.size(2);
  float* sums = log_sum.mutable_data_ptr<float>();
  for_kernel(k, [&]<class T>(T) {
    using Use = typename HeadRows<T>::Use;
    for_kv_heads<T>(plan, k, [&](int64_t begin, int64_t end) {
      const auto query = rows_by_kv_head<T>(q, begin, end, group, Use::read),
                 result = rows_by_kv_head<T>(out, begin, end, group, Use::write);
      for_each_segment_head<T>(
          plan, keys_by_kv_head<T>(blocks, begin, end), nullptr, query.front().stride(), group,
          width,
          [&](size_t i, const SegmentHead<T>& head, int64_t token, int64_t h,
              const AttentionScratch& scratch) {
            attention_forward(head, query[i].at(token) + h * width, result[i].at(token) + h * width,
                              sums + token * heads + (begin + static_cast<int64_t>(i)) * group + h,
                              heads, scratch);
          });
      for (const HeadRows<T>& rows : result) rows.store();
    });
  });
}

// past: keys or values of its blocks behind each other.
Blocks blocks_of(const Layout& plan, const KeyValue& past, const KeyValue& batch) {
  const std::vector<int64_t> begin = plan.block_begins();
  Blocks blocks;
  for (size_t b = 0; b + 1 < begin.size(); ++b) {
    blocks.push_back(
        {past.key.slice(0, begin[b], begin[b + 1]), past.value.slice(0, begin[b], begin[b + 1])});
  }
  blocks.push_back(batch);
  return blocks;
}

struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& past_k, const torch::Tensor& past_v,
                               std::shared_ptr<const Layout> plan) {
    torch::Tensor out = torch::empty_like(q), log_sum = torch::empty({q.size(0), q.size(1)});
    attend(*plan, q, blocks_of(*plan, {past_k, past_v}, {k, v}), out, log_sum);
    ctx->save_for_backward({q, k, v, past_k, past_v, out, log_sum});
    ctx->saved_data["plan"] =
        c10::IValue::make_capsule(c10::make_intrusive<Holder>(std::move(plan)));
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &past_k = saved[3],
                        &past_v = saved[4], &out = saved[5], &log_sum = saved[6];
    const auto plan = static_cast<Holder*>(ctx->saved_data["plan"].toCapsule().get())->plan;
    const torch::Tensor gradient = gradients[0].contiguous();
    const int64_t heads = q.size(1), group = heads / k.size(1), width = q.size(2);
    const torch::Tensor dq = torch::empty_like(q), dk = torch::empty_like(k),
                        dv = torch::empty_like(v), past_dk = torch::empty_like(past_k),
                        past_dv = torch::empty_like(past_v);
    const Blocks blocks = blocks_of(*plan, {past_k, past_v}, {k, v}),
                 sum_blocks = blocks_of(*plan, {past_dk, past_dv}, {dk, dv});
    const float* sums = log_sum.const_data_ptr<float>();
    for_kernel(k, [&]<class T>(T) {
      using Use = typename HeadRows<T>::Use;
      for_kv_heads<T>(*plan, k, [&](int64_t begin, int64_t end) {
        const auto query = rows_by_kv_head<T>(q, begin, end, group, Use::read),
                   result = rows_by_kv_head<T>(out, begin, end, group, Use::read),
                   incoming = rows_by_kv_head<T>(gradient, begin, end, group, Use::read),
                   query_gradient = rows_by_kv_head<T>(dq, begin, end, group, Use::write);
        std::vector<KeySums> key_sums;
        for (int64_t kv_head = begin; kv_head < end; ++kv_head)
          key_sums.emplace_back(*plan, sum_blocks, kv_head);
        for_each_segment_head<T>(
            *plan, keys_by_kv_head<T>(blocks, begin, end), &key_sums, query.front().stride(), group,
            width,
            [&](size_t i, const SegmentHead<T>& head, int64_t token, int64_t h,
                const AttentionScratch& scratch) {
              const int64_t column = h * width;
              attention_backward(
                  head, query[i].at(token) + column, result[i].at(token) + column,
                  sums + token * heads + (begin + static_cast<int64_t>(i)) * group + h, heads,
                  incoming[i].at(token) + column, query_gradient[i].at(token) + column, scratch);
            });
        for (const HeadRows<T>& rows : query_gradient) rows.store();
        for (const KeySums& head : key_sums) head.store();
      });
    });
    return {dq, dk, dv, past_dk, past_dv, torch::Tensor()};
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<const Layout> p) : plan(std::move(p)) {}
    std::shared_ptr<const Layout> plan;
  };
};

// A layout as sequences: what a segment's tokens see lies behind each other, ancestors first.
struct DevicePlan {
  torch::Tensor
      key_K;  // int64, tokens of past-then-batch; undefined: the batch's tokens as they are
  Sequences sequences;
};

DevicePlan device_plan(const Layout& layout, torch::Device device) {
  const std::vector<int64_t> block_begin = layout.block_begins();
  std::vector<int64_t> keys;
  std::vector<int32_t> begin_q, begin_k;
  Sequences sequences;
  const auto append = [&](const Layout::Run& run) {
    const int64_t begin = block_begin[static_cast<size_t>(run.block)] + run.begin;
    for (int64_t token = begin; token < begin + run.length; ++token) keys.push_back(token);
  };
  const auto close = [&](int64_t end_q) {
    begin_q.push_back(static_cast<int32_t>(end_q));
    begin_k.push_back(static_cast<int32_t>(keys.size()));
  };
  close(0);
  for (const Layout::Queries& segment : layout.segments) {
    for (const Layout::Run& run : segment.ancestors) append(run);
    append(segment.own);
    close(segment.begin + segment.length);
    sequences.longest_q = std::max(sequences.longest_q, segment.length);
  }
  sequences.longest_k = layout.most_keys;
  sequences.begin_q = to_device(torch::tensor(begin_q, torch::kInt32), device);
  sequences.begin_k = to_device(torch::tensor(begin_k, torch::kInt32), device);
  const bool is_plain = begin_q == begin_k;
  return {is_plain ? torch::Tensor() : to_device(torch::tensor(keys), device), sequences};
}

// What the kernel reads.
torch::Tensor plain(const torch::Tensor& x, torch::ScalarType type) {
  return x.to(type).contiguous();
}

torch::Tensor joined(const std::vector<torch::Tensor>& parts, const torch::Tensor& like) {
  if (parts.empty()) return torch::empty({0, like.size(1), like.size(2)}, like.options());
  return parts.size() == 1 ? parts.front() : torch::cat(parts);
}

}  // namespace

struct AttentionPlan::Impl {
  std::shared_ptr<const Layout> layout;
  std::optional<DevicePlan> device;  // where the batch lies on a GPU
};

AttentionPlan::AttentionPlan(const PackedBatch& batch, const KvPrefix* past) {
  auto plan = std::make_shared<Layout>();
  if (past != nullptr) plan->past = past->blocks();
  const auto num_past = static_cast<int32_t>(past != nullptr ? past->segments().size() : 0);
  const auto block = static_cast<int32_t>(plan->past.size());
  const auto run_of = [&](const Segment& segment) {
    return Layout::Run{block, segment.begin, segment.length};
  };
  for (const Segment& segment : batch.segments) {
    Layout::Queries queries{segment.begin, segment.length, {}, run_of(segment)};
    int32_t parent = segment.parent;
    for (; parent >= num_past;
         parent = batch.segments[static_cast<size_t>(parent - num_past)].parent) {
      queries.ancestors.push_back(run_of(batch.segments[static_cast<size_t>(parent - num_past)]));
      plan->segments[static_cast<size_t>(parent - num_past)].is_leaf = false;
    }
    std::reverse(queries.ancestors.begin(), queries.ancestors.end());
    if (parent >= 0) {
      const std::vector<Layout::Run> above = past->chain(parent);
      queries.ancestors.insert(queries.ancestors.begin(), above.begin(), above.end());
    }
    int64_t keys = segment.length;
    for (const Layout::Run& run : queries.ancestors) keys += run.length;
    plan->most_keys = std::max(plan->most_keys, keys);
    plan->segments.push_back(std::move(queries));
  }
  std::optional<DevicePlan> device;
  if (batch.token_T.is_cuda()) device = device_plan(*plan, batch.token_T.device());
  impl_ = std::make_shared<Impl>(Impl{std::move(plan), std::move(device)});
}

AttentionPlan::~AttentionPlan() = default;

std::vector<KeyValue> AttentionPlan::past(int64_t layer) const {
  std::vector<KeyValue> blocks;
  for (const auto& block : impl_->layout->past)
    blocks.push_back((*block)[static_cast<size_t>(layer)]);
  return blocks;
}

torch::Tensor AttentionPlan::operator()(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                                        const torch::Tensor& v_THd,
                                        std::span<const KeyValue> past) const {
  const Layout& layout = *impl_->layout;
  const auto own_type = has_kernel(q_THd) ? q_THd.scalar_type() : torch::kFloat32;
  if (q_THd.is_cpu() && !torch::GradMode::is_enabled()) {
    // The past is read where it lies, in the type in which it is kept, which all keys of a call
    // then share.
    const auto type = past.empty() || attends_by_dots(k_THd) ? own_type : torch::kFloat32;
    Blocks blocks;
    for (const auto& [key, value] : past) blocks.push_back({plain(key, type), plain(value, type)});
    blocks.push_back({plain(k_THd, type), plain(v_THd, type)});
    const torch::Tensor q = plain(q_THd, own_type), out = torch::empty_like(q);
    attend(layout, q, blocks, out, torch::empty({q.size(0), q.size(1)}));
    return out.to(q_THd.scalar_type());
  }
  std::vector<torch::Tensor> keys, values;
  for (const auto& [key, value] : past) {
    keys.push_back(key);
    values.push_back(value);
  }
  if (q_THd.is_cpu()) {
    return PackedAttention::apply(plain(q_THd, own_type), plain(k_THd, own_type),
                                  plain(v_THd, own_type), plain(joined(keys, k_THd), own_type),
                                  plain(joined(values, v_THd), own_type), impl_->layout)
        .to(q_THd.scalar_type());
  }
  const DevicePlan& plan = impl_->device.value();
  const auto gathered = [&](std::vector<torch::Tensor>& parts, const torch::Tensor& own) {
    if (!plan.key_K.defined()) return own;
    parts.push_back(own);
    return joined(parts, own).index_select(0, plan.key_K);
  };
  return varlen_attention(q_THd, gathered(keys, k_THd), gathered(values, v_THd), plan.sequences);
}

}  // namespace tsrec::nn
