#include "ease.hpp"

#include <unistd.h>

#include <fstream>

namespace tsrec::linear {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;

// What programs could still ask for without swapping; where the system does not say, all there is.
double free_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    double kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return 1024 * kibibytes;
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

// What solves for the inverse holds four float64 matrices of N^2 numbers: the factor and the
// identity, and a copy of each by columns, of which one becomes the inverse.
void require_memory(int64_t num_items, double allowed) {
  const double needed = 4 * 8 * static_cast<double>(num_items) * static_cast<double>(num_items);
  if (needed <= allowed) return;
  throw DataError("ease inverts a matrix of items x items, and with ", num_items,
                  " items that takes ", needed / kGib, " GiB, of which ", allowed / kGib,
                  " are there; use item_knn, which keeps near neighbours only, or a source of "
                  "fewer items");
}

// X'X: how many users have both items; on the diagonal, how many have the item.
torch::Tensor shared_users(const Lists& items_of_users, int64_t num_items, Context& context) {
  torch::Tensor count_NN = torch::zeros({num_items, num_items}, torch::kFloat64);
  double* count = count_NN.mutable_data_ptr<double>();
  constexpr int64_t kUsersAtOnce = 4096;
  for (int64_t user = 0; user < items_of_users.size(); ++user) {
    if (user % kUsersAtOnce == 0) {
      if (context.stopping()) throw Interrupted("ease was stopped; it starts again next time");
      context.progress("counting", user, items_of_users.size());
    }
    const std::span<const int64_t> items = items_of_users.of(user);
    for (const int64_t a : items) {
      for (const int64_t b : items) count[a * num_items + b] += 1;
    }
  }
  return count_NN;
}

}  // namespace

void EaseSettings::declare(Options& o) {
  o.add("lambda", lambda)
      .range(1e-3, 1e9)
      .help(
          "L2 penalty of the regression, in users; the larger, the nearer to plain co-occurrence");
  o.add("memory", memory)
      .at_least(0)
      .unit("GiB")
      .not_in_key()
      .help("of more than this it is refused; 0: what is free on this machine");
  lists.declare(o);
}

void Ease::fit_weights(const Lists& items_of_users, const Lists& users_of_items, Context& context) {
  const int64_t num_items = users_of_items.size();
  require_memory(num_items, settings_.memory > 0 ? settings_.memory * kGib : free_memory());
  torch::Tensor p_NN = shared_users(items_of_users, num_items, context);
  p_NN.diagonal().add_(settings_.lambda);
  p_NN = at::linalg_cholesky(p_NN);
  if (context.stopping()) throw Interrupted("ease was stopped; it starts again next time");
  // Several times as fast as at::cholesky_inverse().
  p_NN = at::cholesky_solve(torch::eye(num_items, torch::kFloat64), p_NN);
  weight_NN_ = torch::empty({num_items, num_items});
  const torch::Tensor scale_N = -p_NN.diagonal().reciprocal();
  for (int64_t a = 0; a < num_items; ++a) weight_NN_[a].copy_(p_NN[a] * scale_N);
  weight_NN_.diagonal().zero_();
}

void Ease::add_weights(int64_t item, double factor, Scores& scores) const {
  const int64_t num_items = weight_NN_.size(0);
  const float* weight = weight_NN_.const_data_ptr<float>() + item * num_items;
  for (int64_t b = 0; b < num_items; ++b) scores.add(b, factor * static_cast<double>(weight[b]));
}

}  // namespace tsrec::linear
