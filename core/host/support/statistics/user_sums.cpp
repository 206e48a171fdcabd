#include "support/statistics/user_sums.hpp"

#include <algorithm>
#include <cmath>

namespace tsrec::host {

UserSums user_sums(const torch::Tensor& value_CS, const torch::Tensor& user_S) {
  const torch::Tensor value = value_CS.to(torch::kFloat64).contiguous();
  const torch::Tensor user = user_S.contiguous();
  const int64_t num_rows = value.size(1);
  const int64_t* const id_of_row = user.const_data_ptr<int64_t>();
  std::vector<int64_t> ids(id_of_row, id_of_row + num_rows);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const auto num_users = std::ssize(ids);
  UserSums sums;
  sums.num_numbers = value.size(0);
  sums.sum_GC.assign(static_cast<size_t>(num_users * sums.num_numbers), 0);
  sums.count_G.assign(static_cast<size_t>(num_users), 0);
  for (int64_t row = 0; row < num_rows; ++row) {
    const int64_t place = std::lower_bound(ids.begin(), ids.end(), id_of_row[row]) - ids.begin();
    ++sums.count_G[static_cast<size_t>(place)];
    for (int64_t number = 0; number < sums.num_numbers; ++number)
      sums.sum_GC[static_cast<size_t>(place * sums.num_numbers + number)] +=
          value.const_data_ptr<double>()[number * num_rows + row];
  }
  return sums;
}

double standard_error(const UserSums& sums) {
  const auto users = static_cast<double>(sums.num_users());
  if (users < 2) return 0;
  double sum = 0, count = 0, square = 0;
  for (int64_t user = 0; user < sums.num_users(); ++user) {
    sum += sums.sum(user, 0);
    count += sums.count(user);
  }
  for (int64_t user = 0; user < sums.num_users(); ++user) {
    const double away = sums.sum(user, 0) - sum / count * sums.count(user);
    square += away * away;
  }
  return std::sqrt(users / (users - 1) * square) / count;
}

}  // namespace tsrec::host
