// What recommenders and metrics give: ranked lists and numbers.
#include "boundary/tensors.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::boundary {

// --- recommender ---------------------------------------------------------------------------------
void check_rankings(const Rankings& rankings, int64_t num_rows, int64_t num_candidates,
                    int64_t num_items) {
  const std::array<int64_t, 2> shape = {num_rows, std::min(num_candidates, num_items)};
  if (!is_cpu_tensor(rankings.item_SM, torch::kInt64) ||
      rankings.item_SM.sizes() != at::IntArrayRef(shape))
    throw BrokenPart("rank() gave ", described(rankings.item_SM), "; expected int64 ",
                     at::IntArrayRef(shape), ", item_SM: a list for every row");
  check_floats(rankings.score_SM, shape, "rank()", "score_SM: a score for every place");
  if (rankings.leaf_SM.defined())
    throw BrokenPart("rank() gave ", described(rankings.leaf_SM),
                     " as leaf_SM; expected nothing, for a recommender ranks items");
  const torch::Tensor item_SM = rankings.item_SM.contiguous(),
                      score_SM = rankings.score_SM.contiguous();
  const int64_t* item = item_SM.const_data_ptr<int64_t>();
  const float* score = score_SM.const_data_ptr<float>();
  std::vector<int64_t> last_row_N(static_cast<size_t>(num_items), -1);  // that listed the item
  for (int64_t row = 0; row < num_rows; ++row) {
    bool has_ended = false;
    for (int64_t m = 0; m < shape[1]; ++m, ++item, ++score) {
      if (*item < -1 || *item >= num_items)
        throw BrokenPart("rank() gave the item ", *item, " at place ", m, " of row ", row,
                         "; expected 0 .. ", num_items - 1, ", or -1 behind the end");
      if (*item >= 0 && has_ended)
        throw BrokenPart("rank() gave the item ", *item, " at place ", m, " of row ", row,
                         ", behind the end (-1) of the list; expected -1 up to the last place");
      has_ended = has_ended || *item < 0;
      if (has_ended) continue;
      int64_t& last = last_row_N[static_cast<size_t>(*item)];
      if (last == row)
        throw BrokenPart("rank() gave the item ", *item, " twice in row ", row,
                         "; expected distinct items");
      last = row;
      if (m > 0 && score[0] > score[-1])
        throw BrokenPart("rank() gave a score that rises, from ", score[-1], " to ", score[0],
                         ", at place ", m, " of row ", row, "; expected the best first");
    }
  }
}

// --- metric --------------------------------------------------------------------------------------
void check_numbers(const Numbers& numbers, std::optional<int64_t> num_rows, const char* method) {
  check_names(numbers, method);
  for (const Number& number : numbers) {
    if (!std::isfinite(number.value))
      throw BrokenPart(method, " gave ", number.value, " as '", number.name,
                       "'; expected a finite number, also for no rows");
    if (!number.row_S.defined()) continue;
    if (!num_rows)
      throw BrokenPart(method, " gave ", described(number.row_S), " as row_S of '", number.name,
                       "'; expected nothing, for a metric that asks the model has no rows");
    if (!is_cpu_tensor(number.row_S, torch::kFloat64) ||
        number.row_S.sizes() != at::IntArrayRef({*num_rows}))
      throw BrokenPart(method, " gave ", described(number.row_S), " as row_S of '", number.name,
                       "'; expected float64 [", *num_rows, "], a value for every row");
    if (*num_rows == 0) continue;
    const double mean = number.row_S.mean().item<double>();
    if (!(std::abs(mean - number.value) < 1e-9 * std::max(1.0, std::abs(mean))))
      throw BrokenPart(method, " gave ", number.value, " as '", number.name,
                       "', but the mean of its row_S is ", mean, "; expected them to be equal");
  }
}

}  // namespace tsrec::boundary
