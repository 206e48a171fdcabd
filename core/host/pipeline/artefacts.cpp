#include "pipeline/artefacts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tsrec::host {
namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void write_samples(const std::string& name, const Samples& samples, ArtifactWriter& out) {
  out.view(name + ".user_S", samples.user_S);
  out.view(name + ".target_S", samples.target_S);
  out.view(name + ".time_S", samples.time_S);
  out.view(name + ".history_H", samples.history_H);
  out.view(name + ".offset_S1", samples.offset_S1);
  if (samples.history_time_H.defined()) out.view(name + ".history_time_H", samples.history_time_H);
}

// As pages of the artifact's file: histories can be most of what a run has in memory.
Samples samples_of(const ArtifactReader& in, Split split) {
  const auto tensor = [&](const char* what) { return in.view(c10::str(name(split), ".", what)); };
  return {.user_S = tensor("user_S"),
          .target_S = tensor("target_S"),
          .time_S = tensor("time_S"),
          .history_H = tensor("history_H"),
          .offset_S1 = tensor("offset_S1"),
          .history_time_H = in.has_tensor(c10::str(name(split), ".history_time_H"))
                                ? tensor("history_time_H")
                                : torch::Tensor()};
}

}  // namespace

std::vector<std::string> keys_of(const Items& items) {
  std::vector<std::string> keys;
  for (int64_t item = 0; item < items.size(); ++item) keys.push_back(items.key(item));
  return keys;
}

void write_dataset(const Dataset& data, ArtifactWriter& out) {
  out.text("item_keys", dumped(keys_of(data.items)));
  out.text("columns", dumped(data.items.columns()));
  for (const std::string& column : data.items.columns()) {
    std::vector<std::string> values;
    for (int64_t item = 0; item < data.items.size(); ++item)
      values.emplace_back(data.items.text(column, item));
    out.text("column." + column, dumped(values));
  }
  if (const std::vector<std::string> tensors = data.items.tensor_columns(); !tensors.empty()) {
    out.text("tensor_columns", dumped(tensors));
    for (const std::string& column : tensors)
      out.tensor("column." + column, data.items.tensor(column));
  }
  for (const Split split : {Split::train, Split::valid, Split::test})
    write_samples(name(split), data.split(split), out);
  if (!data.remarks.empty()) out.text("remarks", dumped(data.remarks));
}

Dataset read_dataset(const std::filesystem::path& folder) {
  const ArtifactReader in(folder);
  Dataset data;
  data.items = Items(json::parse(in.text("item_keys")).get<std::vector<std::string>>());
  for (const std::string& column :
       json::parse(in.text("columns")).get<std::vector<std::string>>()) {
    data.items.set(column,
                   json::parse(in.text("column." + column)).get<std::vector<std::string>>());
  }
  if (in.has("tensor_columns")) {
    for (const std::string& column :
         json::parse(in.text("tensor_columns")).get<std::vector<std::string>>())
      data.items.set_tensor(column, in.tensor("column." + column));
  }
  data.train = samples_of(in, Split::train);
  data.valid = samples_of(in, Split::valid);
  data.test = samples_of(in, Split::test);
  if (in.has("remarks"))
    data.remarks = json::parse(in.text("remarks")).get<std::map<std::string, int64_t>>();
  return data;
}

int64_t num_rows(const std::filesystem::path& folder, Split split) {
  return read_split(folder, split).size();
}

Samples read_split(const std::filesystem::path& folder, Split split) {
  return samples_of(ArtifactReader(folder), split);
}

std::vector<std::string> read_column(const std::filesystem::path& folder,
                                     const std::string& column) {
  const ArtifactReader in(folder);
  const auto columns = json::parse(in.text("columns")).get<std::vector<std::string>>();
  if (std::find(columns.begin(), columns.end(), column) == columns.end()) return {};
  return json::parse(in.text("column." + column)).get<std::vector<std::string>>();
}

void write_sids(const SidTable& sids, const std::vector<std::string>& item_keys,
                ArtifactWriter& out) {
  out.tensor("code_NL", sids.code_NL);
  out.tensor("sizes", torch::tensor(sids.sizes, torch::kInt64));
  out.text("spelling", sids.spelling.format());
  out.text("fingerprint", sids.fingerprint(item_keys));
}

SidTable read_sids(const std::filesystem::path& folder) {
  const ArtifactReader in(folder);
  const torch::Tensor sizes = in.tensor("sizes");
  return {in.tensor("code_NL"),
          {sizes.const_data_ptr<int64_t>(), sizes.const_data_ptr<int64_t>() + sizes.numel()},
          // SIDs that were stored before they could be spelled otherwise say nothing.
          in.has("spelling") ? SidSpelling(in.text("spelling")) : SidSpelling()};
}

void write_notes(const std::vector<TokenNote>& notes, ArtifactWriter& out) {
  json list = json::array();
  for (const TokenNote& note : notes)
    list.push_back(
        {{"token", note.token}, {"description", note.description}, {"keywords", note.keywords}});
  out.text("notes", dumped(list));
}

std::vector<TokenNote> read_notes(const std::filesystem::path& folder) {
  std::vector<TokenNote> notes;
  for (const json& note : json::parse(ArtifactReader(folder).text("notes"))) {
    notes.push_back({note.at("token"), note.at("description"),
                     note.at("keywords").get<std::vector<std::string>>()});
  }
  return notes;
}

void write_numbers(const Numbers& numbers, const Samples& samples, ArtifactWriter& out) {
  std::vector<std::string> names;
  std::vector<int> better;
  for (const Number& number : numbers) {
    names.push_back(number.name);
    better.push_back(static_cast<int>(number.better));
    out.number(number.name, number.value);
    if (number.row_S.defined()) out.tensor("row." + number.name, number.row_S);
  }
  out.text("names", dumped(names));
  out.text("better", dumped(better));
  out.tensor("user_S", samples.user_S);
}

StoredNumbers read_numbers(const std::filesystem::path& folder) {
  const ArtifactReader in(folder);
  StoredNumbers stored;
  const auto names = json::parse(in.text("names")).get<std::vector<std::string>>();
  // A metric that was measured before it could say so says nothing.
  const auto better = in.has("better") ? json::parse(in.text("better")).get<std::vector<int>>()
                                       : std::vector<int>(names.size(), 0);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string row = "row." + names[i];
    stored.numbers.push_back({names[i], in.number(names[i]),
                              in.has(row) ? in.tensor(row) : torch::Tensor(),
                              static_cast<Better>(better.at(i))});
  }
  stored.user_S = in.tensor("user_S");
  stored.target_ranks = read_target_ranks(in);
  stored.listed = read_listed_items(in);
  return stored;
}

}  // namespace tsrec::host
