#include "tsrec/nn/head.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/elementwise_kernel.hpp"
#include "nn/head_kernel.hpp"
#include "nn/head_panels.hpp"
#include "nn/leaf_gradient.hpp"
#include "nn/weight.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// Logits exist one tile at a time, small enough for the cache: rows x columns.
constexpr int64_t kTileColumns = HeadPanels::kWords;

int64_t tile_rows_of(const torch::Tensor& h_RD, int64_t chunk_rows) {
  if (!has_kernel(h_RD)) return chunk_rows;
  // oneDNN gains more by taller products than it loses by leaving a core's own cache.
  const int64_t cached_rows = product_library() == ProductLibrary::onednn ? 512 : 256;
  return std::min(chunk_rows, cached_rows);
}

struct Range {
  int64_t begin, end;
};

// Ranges of at most `most` numbers below `count`.
template <class Visit>
void for_ranges(int64_t count, int64_t most, const Visit& visit) {
  for (int64_t begin = 0; begin < count; begin += most)
    visit(Range{begin, std::min(begin + most, count)});
}

torch::Tensor slice(const torch::Tensor& x, Range range) {
  return x.slice(0, range.begin, range.end);
}

// A tile's memory, used again by the next one. Its logits are of the type of the hidden states,
// what is summed over them is float32.
class Tile {
 public:
  // logits[rows, columns] = h W^T
  const torch::Tensor& product(const torch::Tensor& h_RD, const torch::Tensor& weight_CD) {
    const int64_t rows = h_RD.size(0), columns = weight_CD.size(0);
    if (!memory_.defined() || memory_.numel() < rows * columns)
      memory_ = torch::empty({rows * columns}, h_RD.options().requires_grad(false));
    logit_RC_ = linear_product_in(memory_.slice(0, 0, rows * columns).view({rows, columns}), h_RD,
                                  weight_CD);
    return logit_RC_;
  }
  // visit(tile, first row): the product's rows, shared out among the threads.
  template <class Visit>
  void for_rows(int64_t first_column, const Visit& visit) {
    const int64_t columns = logit_RC_.size(1);
    typed(logit_RC_, [&]<class T>(T) {
      T* logit = out<T>(logit_RC_);
      at::parallel_for(0, logit_RC_.size(0), /*grain_size=*/16, [&](int64_t begin, int64_t end) {
        visit(LogitTile<T>{logit + begin * columns, end - begin, columns, first_column}, begin);
      });
    });
  }

 private:
  torch::Tensor memory_, logit_RC_;
};

// Rows of the head that make the columns of one tile.
struct Columns {
  torch::Tensor weight_CD;  // in the precision asked for
  Range range;              // of weight_VD, or of new_ED
  bool is_new;
  int64_t first;  // in the vocabulary
};

// visit(columns): all of the head, in tiles.
template <class Visit>
void for_tiles(const Head& head, torch::ScalarType precision, const Visit& visit) {
  const int64_t known = head.weight_VD.size(0);
  for_ranges(known, kTileColumns, [&](Range range) {
    visit(Columns{slice(head.weight_VD, range).to(precision).contiguous(), range, false,
                  range.begin});
  });
  if (!head.new_ED.defined()) return;
  for_ranges(head.new_ED.size(0), kTileColumns, [&](Range range) {
    visit(Columns{slice(head.new_ED, range).to(precision).contiguous(), range, true,
                  known + range.begin});
  });
}

// sum += a b, in float32 also where both are bfloat16.
void add_to(torch::Tensor& sum_MN, const torch::Tensor& a_MK, const torch::Tensor& b_KN) {
  if (a_MK.scalar_type() == torch::kFloat32) {
    add_product(sum_MN, a_MK, b_KN);
  } else {
    sum_MN.add_(linear_product(a_MK, b_KN.t()));
  }
}

// sum += x, float32, in one pass; both lie in one piece.
void add_rounded_to(const torch::Tensor& sum, const torch::Tensor& x) {
  constexpr int64_t kRun = 1 << 15;
  typed(sum, [&]<class T>(T) {
    at::parallel_for(0, sum.numel(), kRun, [&](int64_t begin, int64_t end) {
      add_rounded(in(x) + begin, end - begin, out<T>(sum) + begin);
    });
  });
}

// All logits at once, [rows, V].
torch::Tensor whole_product(const torch::Tensor& h_RD, const Head& head) {
  const torch::Tensor z_RV = linear_product(h_RD, head.weight_VD);
  return head.new_ED.defined() ? torch::cat({z_RV, linear_product(h_RD, head.new_ED)}, 1) : z_RV;
}

// The labels of states, by state: those of state u have the numbers first_U1[u] .. first_U1[u + 1];
// the label with number r is one of state state_R[r]. first_U1 is on the CPU, as sizes are.
struct Labels {
  torch::Tensor first_U1, state_R, label_R;

  bool defined() const { return label_R.defined(); }
  RowLabels of_states_from(int64_t first_state) const {
    if (!defined()) return {nullptr, nullptr};
    return {first_U1.const_data_ptr<int64_t>() + first_state, label_R.const_data_ptr<int64_t>()};
  }
  // Of states in a range: the numbers, and to each the place of its state in the range.
  struct OfRange {
    Range numbers;
    torch::Tensor state_n;
  };
  OfRange of(Range states) const {
    const int64_t* first = first_U1.const_data_ptr<int64_t>();
    const Range numbers{first[states.begin], first[states.end]};
    return {numbers, slice(state_R, numbers) - states.begin};
  }
};

struct LogSums {
  torch::Tensor normalizer_U, picked_R;
};

// Log-sum-exp over the vocabulary of each state, and the logits at labels where there are labels.
LogSums log_sums(const torch::Tensor& h_UD, const Head& head, const Labels& labels,
                 int64_t chunk_rows) {
  const auto options = h_UD.options().dtype(torch::kFloat32).requires_grad(false);
  const int64_t count = h_UD.size(0);
  LogSums sums{torch::empty({count}, options), {}};
  if (labels.defined()) sums.picked_R = torch::empty(labels.label_R.sizes(), options);
  if (!has_kernel(h_UD)) {
    for_ranges(count, chunk_rows, [&](Range states) {
      const torch::Tensor z = whole_product(slice(h_UD, states), head).to(torch::kFloat32);
      slice(sums.normalizer_U, states).copy_(torch::logsumexp(z, 1));
      if (!labels.defined()) return;
      const auto [numbers, state_n] = labels.of(states);
      slice(sums.picked_R, numbers).copy_(z.index({state_n, slice(labels.label_R, numbers)}));
    });
    return sums;
  }
  torch::Tensor largest_U = torch::full({count}, -std::numeric_limits<float>::infinity(), options);
  torch::Tensor sum_U = torch::zeros({count}, options);
  float* largest = largest_U.mutable_data_ptr<float>();
  float* sum = sum_U.mutable_data_ptr<float>();
  float* picked = labels.defined() ? sums.picked_R.mutable_data_ptr<float>() : nullptr;
  // Columns outside, so that the head is read once.
  if (HeadPanels::serve(h_UD)) {
    const HeadPanels panels(h_UD);
    for_tiles(head, h_UD.scalar_type(), [&](const Columns& columns) {
      panels.log_sum_update(columns.weight_CD, columns.first, labels.of_states_from(0), largest,
                            sum, picked);
    });
    torch::add_out(sums.normalizer_U, largest_U, sum_U.log());
    return sums;
  }
  Tile tile;
  for_tiles(head, h_UD.scalar_type(), [&](const Columns& columns) {
    for_ranges(count, tile_rows_of(h_UD, chunk_rows), [&](Range states) {
      tile.product(slice(h_UD, states), columns.weight_CD);
      tile.for_rows(columns.first, [&](const auto& part, int64_t first) {
        const int64_t u = states.begin + first;
        log_sum_update(part, labels.of_states_from(u), largest + u, sum + u, picked);
      });
    });
  });
  torch::add_out(sums.normalizer_U, largest_U, sum_U.log());
  return sums;
}

// log p(label) = z_label - logsumexp(z), z = W h. Backward: dz = the sum over a state's labels of
// g (onehot - softmax), and no gradient of rows that do not learn.
struct LabelLogProb : torch::autograd::Function<LabelLogProb> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& h_in,
                               const torch::Tensor& weight_VD,
                               const std::optional<torch::Tensor>& new_ED,
                               const torch::Tensor& first_U1, const torch::Tensor& state_R,
                               const torch::Tensor& label_in, int64_t chunk_rows) {
    const torch::Tensor h_UD = h_in.contiguous();
    const Labels labels{first_U1, state_R, label_in.contiguous()};
    const Head head{weight_VD, new_ED.value_or(torch::Tensor())};
    const LogSums sums = log_sums(h_UD, head, labels, chunk_rows);
    ctx->save_for_backward({h_UD, weight_VD, head.new_ED, labels.first_U1, labels.state_R,
                            labels.label_R, sums.normalizer_U});
    ctx->saved_data["chunk_rows"] = chunk_rows;
    return sums.picked_R - sums.normalizer_U.index_select(0, labels.state_R);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const Head head{saved[1], saved[2]};
    const torch::Tensor &h_UD = saved[0], &normalizer_U = saved[6];
    const Labels labels{saved[3], saved[4], saved[5]};
    const int64_t chunk_rows = ctx->saved_data["chunk_rows"].toInt(), count = h_UD.size(0);
    const torch::Tensor gradient_R = gradients[0].to(torch::kFloat32).contiguous();
    LeafGradient dweight_VD, dnew_ED;
    if (ctx->needs_input_grad(1)) dweight_VD = LeafGradient(head.weight_VD);
    if (head.new_ED.defined()) dnew_ED = LeafGradient(head.new_ED);
    const auto results = [&](const torch::Tensor& dh_UD) -> torch::autograd::variable_list {
      return {dh_UD.to(h_UD.scalar_type()), dweight_VD.result(), dnew_ED.result(), {}, {}, {}, {}};
    };
    if (!has_kernel(h_UD)) {
      const torch::Tensor dh_UD = torch::empty_like(h_UD);
      for_ranges(count, chunk_rows, [&](Range states) {
        const torch::Tensor h = slice(h_UD, states);
        const auto [numbers, state_n] = labels.of(states);
        const torch::Tensor gradient_n = slice(gradient_R, numbers);
        const torch::Tensor gradient_u =
            gradient_R.new_zeros({h.size(0)}).index_add_(0, state_n, gradient_n);
        torch::Tensor dz = whole_product(h, head).to(torch::kFloat32);
        dz.sub_(slice(normalizer_U, states).unsqueeze(1)).exp_().mul_(-gradient_u.unsqueeze(1));
        dz.index_put_({state_n, slice(labels.label_R, numbers)}, gradient_n, /*accumulate=*/true);
        dz = dz.to(h.scalar_type());
        torch::Tensor dh = slice(dh_UD, states);
        const torch::Tensor known = dz.slice(1, 0, head.weight_VD.size(0));
        dh.copy_(torch::matmul(known, head.weight_VD));
        if (dweight_VD.defined()) {
          torch::Tensor sum_VD = dweight_VD.sum();
          add_product(sum_VD, known.t(), h);
        }
        if (!dnew_ED.defined()) return;
        const torch::Tensor fresh = dz.slice(1, head.weight_VD.size(0));
        torch::Tensor sum_ED = dnew_ED.sum();
        add_product(dh, fresh, head.new_ED);
        add_product(sum_ED, fresh.t(), h);
      });
      return results(dh_UD);
    }
    const float* normalizer = normalizer_U.const_data_ptr<float>();
    const float* gradient = gradient_R.const_data_ptr<float>();
    const auto sums = h_UD.options().dtype(torch::kFloat32).requires_grad(false);
    if (HeadPanels::serve(h_UD)) {
      HeadPanels panels(h_UD);
      for_tiles(head, h_UD.scalar_type(), [&](const Columns& columns) {
        const LeafGradient& whole = columns.is_new ? dnew_ED : dweight_VD;
        const torch::Tensor dweight_CD =
            whole.defined() ? torch::empty(columns.weight_CD.sizes(), sums) : torch::Tensor();
        panels.add_gradient(columns.weight_CD, columns.first, labels.of_states_from(0), normalizer,
                            gradient, dweight_CD);
        if (whole.defined()) add_rounded_to(slice(whole.sum(), columns.range), dweight_CD);
      });
      return results(panels.state_gradient());
    }
    const torch::Tensor dh_UD = torch::zeros(h_UD.sizes(), sums);
    Tile tile;
    for_tiles(head, h_UD.scalar_type(), [&](const Columns& columns) {
      const LeafGradient& whole = columns.is_new ? dnew_ED : dweight_VD;
      torch::Tensor dweight_CD;
      if (whole.defined()) {
        dweight_CD = whole.sum().scalar_type() == torch::kFloat32
                         ? slice(whole.sum(), columns.range)
                         : torch::zeros(columns.weight_CD.sizes(), sums);
      }
      for_ranges(count, tile_rows_of(h_UD, chunk_rows), [&](Range states) {
        const torch::Tensor h = slice(h_UD, states);
        const torch::Tensor& dz = tile.product(h, columns.weight_CD);
        tile.for_rows(columns.first, [&](const auto& part, int64_t first) {
          const int64_t u = states.begin + first;
          log_softmax_gradient(part, labels.of_states_from(u), normalizer + u, gradient);
        });
        torch::Tensor dh = slice(dh_UD, states);
        add_to(dh, dz, columns.weight_CD);
        if (dweight_CD.defined()) add_to(dweight_CD, dz.t(), h);
      });
      if (dweight_CD.defined() && whole.sum().scalar_type() != torch::kFloat32)
        add_rounded_to(slice(whole.sum(), columns.range), dweight_CD);
    });
    return results(dh_UD);
  }
};

torch::Tensor log_prob_by_state(const Head& head, const torch::Tensor& h_UD, const Labels& labels,
                                int64_t chunk_rows) {
  RECORD_USER_SCOPE("LabelLogProb");
  const std::optional<torch::Tensor> new_ED =
      head.new_ED.defined() ? std::optional(head.new_ED) : std::nullopt;
  return LabelLogProb::apply(h_UD, head.weight_VD, new_ED, labels.first_U1, labels.state_R,
                             labels.label_R, chunk_rows);
}

}  // namespace

torch::Tensor logits(const Head& head, const torch::Tensor& h_RD, RowRange rows) {
  RECORD_USER_SCOPE("Head");
  const auto product = [&](const torch::Tensor& weight_CD) {
    if (weight_CD.scalar_type() != h_RD.scalar_type())
      return Weight::as_stored({weight_CD}).product(h_RD).to(torch::kFloat32);
    return linear_product(h_RD, weight_CD).to(torch::kFloat32);
  };
  const int64_t known = head.weight_VD.size(0), end = rows.first + rows.count;
  if (end <= known) return product(slice(head.weight_VD, {rows.first, end}));
  const torch::Tensor of_new =
      product(slice(head.new_ED, {std::max<int64_t>(rows.first - known, 0), end - known}));
  if (rows.first >= known) return of_new;
  return torch::cat({product(slice(head.weight_VD, {rows.first, known})), of_new}, 1);
}

torch::Tensor log_normalizer(const Head& head, const torch::Tensor& h_RD, int64_t chunk_rows) {
  RECORD_USER_SCOPE("Head");
  const torch::NoGradGuard no_grad;
  return log_sums(h_RD.contiguous(), head, {}, chunk_rows).normalizer_U;
}

torch::Tensor label_log_prob(const Head& head, const torch::Tensor& h_RD,
                             const torch::Tensor& label_R, int64_t chunk_rows) {
  const torch::Tensor first_R1 = torch::arange(label_R.size(0) + 1, torch::kInt64);
  const torch::Tensor state_R = torch::arange(label_R.size(0), label_R.options());
  return log_prob_by_state(head, h_RD, {first_R1, state_R, label_R}, chunk_rows);
}

StateLabels by_state(const torch::Tensor& at_R, const torch::Tensor& label_R) {
  const auto [at_U, state_R, count_U] = at::_unique2(at_R, /*sorted=*/true,
                                                     /*return_inverse=*/true,
                                                     /*return_counts=*/true);
  const torch::Tensor order_R = state_R.argsort(/*stable=*/true);
  return {at_U, torch::cat({torch::zeros({1}, torch::kInt64), count_U.cumsum(0).cpu()}),
          label_R.index_select(0, order_R), order_R.argsort()};
}

torch::Tensor label_log_prob(const Head& head, const torch::Tensor& hidden_TD,
                             const StateLabels& labels, int64_t chunk_rows) {
  const torch::Device device = hidden_TD.device();
  const torch::Tensor state_R = torch::repeat_interleave(labels.first_U1.diff());
  return log_prob_by_state(
             head, hidden_TD.index_select(0, to_device(labels.at_U, device)),
             {labels.first_U1, to_device(state_R, device), to_device(labels.label_R, device)},
             chunk_rows)
      .index_select(0, to_device(labels.number_R, device));
}

}  // namespace tsrec::nn
