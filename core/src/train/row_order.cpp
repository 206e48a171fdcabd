#include "tsrec/train/row_order.hpp"

namespace tsrec::train {

std::vector<int64_t> shuffled(int64_t count, at::Generator generator) {
  const torch::Tensor order = torch::randperm(count, std::move(generator), torch::kInt64);
  return {order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + count};
}

void RowOrderOptions::declare(Options& o, std::string_view rows, std::string_view updates) {
  o.add("epochs", epochs)
      .range(1, 100000)
      .help(c10::str("passes over the ", rows, " of all tasks"));
  o.add("max_steps", max_steps)
      .at_least(0)
      .help(c10::str("end after this many ", updates, "; 0: `epochs` decides"));
}

RowOrder::RowOrder(RowOrderOptions options)
    : options_(std::move(options)),
      steps_per_epoch_((options_.num_rows + options_.batch_rows - 1) / options_.batch_rows) {
  if (options_.num_rows < 1) throw Error("there are no rows to train on");
}

int64_t RowOrder::num_steps() const {
  const int64_t steps = options_.epochs * steps_per_epoch_;
  return options_.max_steps > 0 ? std::min(options_.max_steps, steps) : steps;
}

std::span<const int64_t> RowOrder::rows(int64_t step, Context& context) {
  if (epoch_of(step) != epoch_) make_order(epoch_of(step), context);
  const auto [begin, end] = runs_[static_cast<size_t>(step % steps_per_epoch_)];
  return std::span(order_).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

// Rows that stay together, in the order of their first.
std::vector<std::vector<int64_t>> RowOrder::groups(int64_t epoch) const {
  std::vector<std::vector<int64_t>> groups;
  std::map<int64_t, size_t> place;
  for (int64_t row = 0; row < options_.num_rows; ++row) {
    const int64_t group = options_.group ? options_.group(row, epoch) : row;
    const auto [at, is_new] = place.emplace(group, groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(row);
  }
  return groups;
}

void RowOrder::make_order(int64_t epoch, Context& context) {
  const std::vector<std::vector<int64_t>> units = groups(epoch);
  order_.clear();
  runs_.assign(static_cast<size_t>(steps_per_epoch_), {0, 0});
  for (const int64_t unit :
       shuffled(static_cast<int64_t>(units.size()), context.generator("row order", epoch))) {
    const auto begin = static_cast<int64_t>(order_.size());
    const int64_t step = options_.cut == RowOrderOptions::Cut::even
                             ? begin * steps_per_epoch_ / options_.num_rows
                             : begin / options_.batch_rows;
    for (const int64_t row : units[static_cast<size_t>(unit)]) order_.push_back(row);
    runs_[static_cast<size_t>(step)].second = static_cast<int64_t>(order_.size());
  }
  for (size_t step = 1; step < runs_.size(); ++step) {
    runs_[step].first = runs_[step - 1].second;
    runs_[step].second = std::max(runs_[step].second, runs_[step].first);
  }
  epoch_ = epoch;
}

}  // namespace tsrec::train
