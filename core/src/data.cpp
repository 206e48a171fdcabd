#include "tsrec/data.hpp"

#include "row_writer.hpp"

namespace tsrec {
namespace {

template <class Columns>
std::vector<std::string> names_of(const Columns& columns) {
  std::vector<std::string> names;
  for (const auto& [name, values] : columns) names.push_back(name);
  return names;
}

std::span<const int64_t> piece_of(const torch::Tensor& values_H, const torch::Tensor& offset_S1,
                                  int64_t row) {
  const int64_t* offset = offset_S1.const_data_ptr<int64_t>() + row;
  return {values_H.const_data_ptr<int64_t>() + offset[0],
          static_cast<size_t>(offset[1] - offset[0])};
}

}  // namespace

struct Items::Keys {
  std::vector<std::string> key_N;
  std::map<std::string, int64_t, std::less<>> id_of;
};

Items::Items() : keys_(std::make_shared<const Keys>()) {}

Items::Items(std::vector<std::string> keys) {
  auto known = std::make_shared<Keys>();
  for (size_t item = 0; item < keys.size(); ++item) {
    const auto [at, is_new] = known->id_of.emplace(keys[item], static_cast<int64_t>(item));
    if (!is_new) {
      throw DataError("the item '", keys[item], "' is listed twice, as number ", at->second,
                      " and ", item, "; every item needs a key of its own");
    }
  }
  known->key_N = std::move(keys);
  keys_ = std::move(known);
}

int64_t Items::size() const { return static_cast<int64_t>(keys_->key_N.size()); }

const std::string& Items::key(int64_t item) const {
  return keys_->key_N.at(static_cast<size_t>(item));
}

std::optional<int64_t> Items::find(std::string_view key) const {
  const auto found = keys_->id_of.find(key);
  return found == keys_->id_of.end() ? std::nullopt : std::optional(found->second);
}

void Items::set(const std::string& column, std::vector<std::string> values) {
  if (values.size() != keys_->key_N.size()) {
    throw Error("the column '", column, "' has ", values.size(), " values for ", size(), " items");
  }
  if (tensors_.contains(column)) throw Error("the column '", column, "' holds a tensor already");
  columns_[column] = std::make_shared<const std::vector<std::string>>(std::move(values));
}

std::string_view Items::text(std::string_view column, int64_t item) const {
  const auto found = columns_.find(column);
  return found == columns_.end() ? std::string_view()
                                 : found->second->at(static_cast<size_t>(item));
}

std::vector<std::string> Items::columns() const { return names_of(columns_); }

void Items::set_tensor(const std::string& column, torch::Tensor value) {
  if (!value.defined() || value.dim() == 0 || value.size(0) != size() ||
      value.device() != torch::kCPU || value.layout() != torch::kStrided) {
    throw Error("the column '", column,
                "' needs a dense tensor on the CPU with one row for each of ", size(),
                " items; it has ",
                value.defined() ? c10::str("the shape ", value.sizes(), " on ", value.device())
                                : std::string("none"));
  }
  if (columns_.contains(column)) throw Error("the column '", column, "' holds texts already");
  tensors_[column] = std::move(value);
}

const torch::Tensor& Items::tensor(std::string_view column) const {
  static const torch::Tensor none;
  const auto found = tensors_.find(column);
  return found == tensors_.end() ? none : found->second;
}

std::vector<std::string> Items::tensor_columns() const { return names_of(tensors_); }

std::span<const int64_t> Samples::history(int64_t row) const {
  return piece_of(history_H, offset_S1, row);
}

std::span<const int64_t> Samples::history_times(int64_t row) const {
  if (!history_time_H.defined()) return {};
  return piece_of(history_time_H, offset_S1, row);
}

int64_t Samples::target(int64_t row) const { return target_S.const_data_ptr<int64_t>()[row]; }
int64_t Samples::user(int64_t row) const { return user_S.const_data_ptr<int64_t>()[row]; }

Samples Samples::empty() { return SamplesBuilder().build(); }

Samples Samples::rows(std::span<const int64_t> chosen) const {
  RowCounts counts{.has_history_times = history_time_H.defined()};
  for (const int64_t row : chosen) counts.add(history(row));
  RowWriter writer(counts);
  const int64_t* time = time_S.const_data_ptr<int64_t>();
  for (const int64_t row : chosen)
    writer.add(user(row), history(row), target(row), time[row], history_times(row));
  return writer.samples();
}

void SamplesBuilder::add(int64_t user, std::span<const int64_t> history, int64_t target,
                         int64_t time, std::span<const int64_t> history_times) {
  user_.push_back(user);
  target_.push_back(target);
  time_.push_back(time);
  history_.insert(history_.end(), history.begin(), history.end());
  history_time_.insert(history_time_.end(), history_times.begin(), history_times.end());
  offset_.push_back(static_cast<int64_t>(history_.size()));
}

Samples SamplesBuilder::build() const {
  if (!history_time_.empty() && history_time_.size() != history_.size())
    throw Error("the rows have ", history_.size(), " items in their histories and ",
                history_time_.size(), " times of them; expected one for each item, or none at all");
  return {.user_S = torch::tensor(user_, torch::kInt64),
          .target_S = torch::tensor(target_, torch::kInt64),
          .time_S = torch::tensor(time_, torch::kInt64),
          .history_H = torch::tensor(history_, torch::kInt64),
          .offset_S1 = torch::tensor(offset_, torch::kInt64),
          .history_time_H = history_time_.empty() ? torch::Tensor()
                                                  : torch::tensor(history_time_, torch::kInt64)};
}

const char* name(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::valid:
      return "valid";
    case Split::test:
      return "test";
  }
  throw Error("there is no such split");
}

const Samples& Dataset::split(Split which) const {
  return which == Split::train ? train : which == Split::valid ? valid : test;
}

Dataset Dataset::without_test() const {
  Dataset copy = *this;
  copy.test = Samples::empty();
  return copy;
}

}  // namespace tsrec
