#include "tsrec/nn/attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/attention_kernel.hpp"
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

// Token rows of `count` heads of a [T, heads, width] tensor as float32: where they lie, or a copy
// of bfloat16 ones, which is read or written once as a whole.
class HeadRows {
 public:
  // write: every number; sum: begins with zeros. store() puts either where it belongs.
  enum class Use { read, write, sum };

  HeadRows(const torch::Tensor& x_THd, int64_t head, int64_t count, Use use)
      : x_THd_(x_THd), first_(head * x_THd.size(2)), width_(count * x_THd.size(2)) {
    const int64_t rows = x_THd.size(0), stride = x_THd.size(1) * x_THd.size(2);
    if (x_THd.scalar_type() == torch::kFloat32) {
      stride_ = stride;
      data_ = (use == Use::read ? const_cast<float*>(in(x_THd)) : out(x_THd)) + first_;
      if (use == Use::sum) clear();
      return;
    }
    stride_ = width_;
    copy_ = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(rows * width_));
    data_ = copy_.get();
    if (use == Use::read) widen(in<Bfloat16>(x_THd) + first_, stride, rows, width_, data_, stride_);
    if (use == Use::sum) clear();
  }

  float* at(int64_t token) const { return data_ + token * stride_; }
  int64_t stride() const { return stride_; }  // floats between tokens
  void store() const {
    if (!copy_) return;
    narrow(data_, stride_, x_THd_.size(0), width_, out<Bfloat16>(x_THd_) + first_,
           x_THd_.size(1) * x_THd_.size(2));
  }

 private:
  void clear() {
    for (int64_t t = 0; t < x_THd_.size(0); ++t) std::fill_n(at(t), width_, 0.0f);
  }

  torch::Tensor x_THd_;
  int64_t first_, width_, stride_ = 0;
  std::unique_ptr<float[]> copy_;
  float* data_ = nullptr;
};

// Keys and values of a layer: those of each block of the past, and the batch's own.
using Blocks = std::vector<KeyValue>;

// Of one key-value head, or their gradients. All blocks are of one type, so of one stride.
struct KeyRows {
  struct Block {
    HeadRows key, value;
  };
  std::vector<Block> blocks;

  KeyRows(const Blocks& all, int64_t kv_head, HeadRows::Use use) {
    blocks.reserve(all.size());
    for (const auto& [key, value] : all)
      blocks.push_back({{key, kv_head, 1, use}, {value, kv_head, 1, use}});
  }
  int64_t stride() const { return blocks.back().key.stride(); }
  void store() const {
    for (const Block& block : blocks) {
      block.key.store();
      block.value.store();
    }
  }
};

// Calls visit(segment, token, h, scratch) for every segment and each of the `group` query heads
// that ask this key-value head; `token` is the segment's first. gradient: null in forward.
template <class Visit>
void for_each_segment_head(const Layout& plan, const KeyRows& keys, const KeyRows* gradient,
                           int64_t query_stride, int64_t group, int64_t width, const Visit& visit) {
  std::vector<float> memory(static_cast<size_t>(attention_scratch_floats(plan.most_keys, width)));
  AttentionScratch scratch{memory.data(), plan.most_keys};
  std::vector<KeyRun> runs;
  const Layout::Queries* before = nullptr;
  for (const Layout::Queries& segment : plan.segments) {
    const auto run_at = [&](const Layout::Run& run) {
      const auto block = static_cast<size_t>(run.block);
      const KeyRows::Block& rows = keys.blocks[block];
      const KeyRows::Block* sums = gradient == nullptr ? nullptr : &gradient->blocks[block];
      return KeyRun{rows.key.at(run.begin), rows.value.at(run.begin),
                    sums == nullptr ? nullptr : sums->key.at(run.begin),
                    sums == nullptr ? nullptr : sums->value.at(run.begin), run.length};
    };
    runs.clear();
    for (const Layout::Run& run : segment.ancestors) runs.push_back(run_at(run));
    const SegmentHead head{runs.data(),
                           static_cast<int64_t>(runs.size()),
                           run_at(segment.own),
                           keys.stride(),
                           query_stride,
                           width,
                           1 / std::sqrt(static_cast<float>(width))};
    scratch.ready = before == nullptr ? 0 : shared_keys(*before, segment);
    for (int64_t h = 0; h < group; ++h) {
      visit(head, segment.begin, h, scratch);
      scratch.ready = plan.most_keys;  // the heads of a group share their keys
    }
    before = &segment;
  }
}

// Key-value heads in parallel: each thread owns its heads' keys, so that backward needs no locks
// and sums in one order.
template <class Visit>
void for_each_kv_head(int64_t kv_heads, const Visit& visit) {
  at::parallel_for(0, kv_heads, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t kv_head = begin; kv_head < end; ++kv_head) visit(kv_head);
  });
}

// Writes what every query sees, and the logarithms of its sums. blocks: of the past, and the batch.
void attend(const Layout& plan, const torch::Tensor& q, const Blocks& blocks,
            const torch::Tensor& out, const torch::Tensor& log_sum) {
  RECORD_USER_SCOPE("PackedAttention");
  using enum HeadRows::Use;
  const int64_t heads = q.size(1), kv_heads = blocks.back().key.size(1), width = q.size(2),
                group = heads / kv_heads;
  float* sums = log_sum.mutable_data_ptr<float>();
  for_each_kv_head(kv_heads, [&](int64_t kv_head) {
    const int64_t first = kv_head * group;
    const HeadRows query(q, first, group, read), result(out, first, group, write);
    for_each_segment_head(
        plan, KeyRows(blocks, kv_head, read), nullptr, query.stride(), group, width,
        [&](const SegmentHead& head, int64_t token, int64_t h, const AttentionScratch& scratch) {
          attention_forward(head, query.at(token) + h * width, result.at(token) + h * width,
                            sums + token * heads + first + h, heads, scratch);
        });
    result.store();
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
    const int64_t heads = q.size(1), kv_heads = k.size(1), width = q.size(2);
    const torch::Tensor dq = torch::empty_like(q), dk = torch::empty_like(k),
                        dv = torch::empty_like(v), past_dk = torch::empty_like(past_k),
                        past_dv = torch::empty_like(past_v);
    const Blocks blocks = blocks_of(*plan, {past_k, past_v}, {k, v}),
                 sum_blocks = blocks_of(*plan, {past_dk, past_dv}, {dk, dv});
    const float* sums = log_sum.const_data_ptr<float>();
    for_each_kv_head(kv_heads, [&](int64_t kv_head) {
      using enum HeadRows::Use;
      const int64_t group = heads / kv_heads, first = kv_head * group;
      const HeadRows query(q, first, group, read), result(out, first, group, read),
          incoming(gradient, first, group, read), query_gradient(dq, first, group, sum);
      const KeyRows keys(blocks, kv_head, read), key_gradients(sum_blocks, kv_head, sum);
      for_each_segment_head(
          *plan, keys, &key_gradients, query.stride(), group, width,
          [&](const SegmentHead& head, int64_t token, int64_t h, const AttentionScratch& scratch) {
            attention_backward(head, query.at(token) + h * width, result.at(token) + h * width,
                               sums + token * heads + first + h, heads,
                               incoming.at(token) + h * width, query_gradient.at(token) + h * width,
                               scratch);
          });
      query_gradient.store();
      key_gradients.store();
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
         parent = batch.segments[static_cast<size_t>(parent - num_past)].parent)
      queries.ancestors.push_back(run_of(batch.segments[static_cast<size_t>(parent - num_past)]));
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
    // The past is read where it lies, in float32, which all keys of a call then share.
    const auto type = past.empty() ? own_type : torch::kFloat32;
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
