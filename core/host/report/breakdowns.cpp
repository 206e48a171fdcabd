#include "report/breakdowns.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/against_start.hpp"

namespace tsrec::host {
namespace {

std::vector<std::string> broken_down(const std::vector<Column>& columns) {
  const std::vector<std::string> names = number_names(columns);
  std::vector<std::string> numbers;
  for (const char* begin : {"item.hr@", "item.ndcg@"}) {
    if (const std::optional<size_t> nearest = nearest_to_ten(names, begin))
      numbers.push_back(names[*nearest]);
  }
  return numbers;
}

bool has_all(const Column& column, const std::vector<std::string>& numbers, const Samples& rows) {
  return column.stored.user_S.equal(rows.user_S) &&
         std::all_of(numbers.begin(), numbers.end(), [&](const std::string& name) {
           const Number* number = number_of(column, name);
           return number != nullptr && number->row_S.defined();
         });
}

// All values of the rows, one behind the other: the numbers of the first column, of the second, ...
torch::Tensor values_of(const std::vector<const Column*>& columns,
                        const std::vector<std::string>& numbers) {
  std::vector<torch::Tensor> values;
  for (const Column* column : columns) {
    for (const std::string& name : numbers)
      values.push_back(number_of(*column, name)->row_S.to(torch::kFloat64));
  }
  return torch::stack(values);
}

Breakdown::Group group_of(const std::string& name, const torch::Tensor& value_XS,
                          const torch::Tensor& user_S, size_t num_numbers, int64_t resamples,
                          uint64_t seed) {
  Breakdown::Group group;
  group.name = name;
  group.rows = user_S.size(0);
  group.users = std::get<0>(at::_unique(user_S)).size(0);
  const torch::Tensor mean_X = value_XS.mean(1);
  const std::vector<Interval> interval_X = bootstrap_means(value_XS, user_S, resamples, seed);
  for (size_t x = 0; x < interval_X.size(); ++x) {
    if (x % num_numbers == 0) group.value_CN.emplace_back();
    group.value_CN.back().push_back({mean_X[static_cast<int64_t>(x)].item<double>(),
                                     resamples > 0 ? std::optional(interval_X[x]) : std::nullopt});
  }
  return group;
}

}  // namespace

std::vector<Breakdown> breakdowns_of(const std::vector<Column>& columns,
                                     const EvaluatedRows& evaluated, int64_t resamples,
                                     uint64_t seed) {
  const std::vector<std::string> numbers = broken_down(columns);
  std::vector<const Column*> shown;
  std::vector<std::string> names;
  for (const Column& column : columns) {
    if (numbers.empty() || !has_all(column, numbers, evaluated.rows)) continue;
    shown.push_back(&column);
    names.push_back(column.name);
  }
  if (shown.empty() || evaluated.rows.size() == 0) return {};
  const torch::Tensor value_XS = values_of(shown, numbers);
  std::vector<Breakdown> breakdowns;
  for (const RowGroups& groups :
       row_groups(evaluated.train, evaluated.rows, evaluated.category_N)) {
    Breakdown& breakdown = breakdowns.emplace_back(Breakdown{groups.by, names, numbers, {}});
    for (size_t g = 0; g < groups.names.size(); ++g) {
      const torch::Tensor row_R = (groups.group_S == static_cast<int64_t>(g)).nonzero().flatten();
      breakdown.groups.push_back(group_of(groups.names[g], value_XS.index_select(1, row_R),
                                          evaluated.rows.user_S.index_select(0, row_R),
                                          numbers.size(), resamples, seed));
    }
  }
  return breakdowns;
}

nlohmann::ordered_json breakdowns_json(const std::vector<Breakdown>& breakdowns) {
  using nlohmann::ordered_json;
  ordered_json all = ordered_json::array();
  for (const Breakdown& breakdown : breakdowns) {
    ordered_json groups = ordered_json::array();
    for (const Breakdown::Group& group : breakdown.groups) {
      ordered_json entry = {{"name", group.name},
                            {"rows", group.rows},
                            {"users", group.users},
                            {"numbers", ordered_json::object()}};
      for (size_t c = 0; c < breakdown.columns.size(); ++c) {
        for (size_t n = 0; n < breakdown.numbers.size(); ++n) {
          const Breakdown::Value& value = group.value_CN[c][n];
          ordered_json& number = entry["numbers"][breakdown.columns[c]][breakdown.numbers[n]];
          number["value"] = value.mean;
          if (value.interval) number["interval"] = {value.interval->low, value.interval->high};
        }
      }
      groups.push_back(std::move(entry));
    }
    all.push_back({{"by", breakdown.by}, {"groups", std::move(groups)}});
  }
  return all;
}

}  // namespace tsrec::host
