#include <algorithm>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands/commands.hpp"
#include "pipeline/inventory.hpp"
#include "report/numbers_file.hpp"
#include "report/table.hpp"
#include "support/number_text.hpp"
#include "tsrec/error.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

const std::vector<std::string> kStates = {"done", "failed", "unfinished"};

struct Listed {
  std::string folder, name, time, state;  // time: "2026-11-28 08:40:12"
  StoredColumn last;                      // the last column of its table
};

// "20261128-084012-smoke": when and what.
void read_name(Listed& run) {
  std::tm time{};
  constexpr size_t kStamp = 15;  // digits and a dash
  const bool is_stamped = run.folder.size() > kStamp && run.folder[kStamp] == '-' &&
                          ::strptime(run.folder.c_str(), "%Y%m%d-%H%M%S", &time) != nullptr;
  if (!is_stamped) {
    run.name = run.folder;
    return;
  }
  run.name = run.folder.substr(kStamp + 1);
  std::array<char, 32> text;
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &time);
  run.time = text.data();
}

// One that wrote its results came to its end, and so did a share, which has none of its own; what
// failed stands in its record.
std::string state_of(const fs::path& folder) {
  for (const fs::path& run : runs_within(folder)) {
    if (has_failed(run)) return "failed";
  }
  const bool is_done = fs::exists(folder / "results.md") || fs::exists(folder / kShareFile);
  return is_done ? "done" : "unfinished";
}

Listed listed(const fs::path& folder) {
  Listed run;
  run.folder = folder.filename().string();
  read_name(run);
  run.state = state_of(folder);
  const std::vector<StoredColumn> columns = stored_columns(folder);
  if (!columns.empty()) run.last = columns.back();
  return run;
}

// The hit rate and NDCG at 10 of items, else the first two numbers.
std::string main_numbers(const Listed& run) {
  const auto& numbers = run.last.numbers;
  std::vector<std::pair<std::string, double>> chosen;
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(chosen), [](const auto& number) {
    return number.first == "item.hr@10" || number.first == "item.ndcg@10";
  });
  if (chosen.empty())
    std::copy_n(numbers.begin(), std::min<size_t>(2, numbers.size()), std::back_inserter(chosen));
  std::string text;
  for (const auto& [name, value] : chosen)
    text += c10::str(text.empty() ? "" : ", ", name, " ", fixed(value));
  return text;
}

bool is_wanted(const Listed& run, const Arguments& arguments) {
  return run.name.find(arguments.name) != std::string::npos &&
         (arguments.since.empty() || run.time >= arguments.since) &&
         (arguments.state.empty() || run.state == arguments.state);
}

void check(const Arguments& arguments) {
  if (!arguments.words.empty())
    throw ConfigError("runs takes no arguments; --name TEXT lists those whose names hold it");
  if (!arguments.state.empty() &&
      std::find(kStates.begin(), kStates.end(), arguments.state) == kStates.end())
    throw ConfigError("--state takes done, failed or unfinished, not '", arguments.state, "'",
                      suggest(arguments.state, kStates));
  std::tm time{};
  const char* rest =
      arguments.since.empty() ? "" : ::strptime(arguments.since.c_str(), "%Y-%m-%d", &time);
  if (rest == nullptr || *rest != '\0')
    throw ConfigError("--since takes a day such as 2026-11-28, not '", arguments.since, "'");
}

}  // namespace

int command_runs(const Arguments& arguments) {
  check(arguments);
  const Store store(arguments.store);
  std::vector<Listed> runs;
  for (const fs::path& folder : run_folders(store)) {
    Listed run = listed(folder);
    if (is_wanted(run, arguments)) runs.push_back(std::move(run));
  }
  if (arguments.json) {
    for (const Listed& run : runs) {
      ordered_json numbers = ordered_json::object();
      for (const auto& [name, value] : run.last.numbers) numbers[name] = value;
      const ordered_json line = {{"run", run.folder},  {"name", run.name},    {"time", run.time},
                                 {"state", run.state}, {"of", run.last.name}, {"numbers", numbers}};
      std::cout << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
    }
    return kFine;
  }
  std::vector<std::vector<std::string>> rows = {{"run", "state", "of", "numbers"}};
  for (const Listed& run : runs)
    rows.push_back({run.folder, run.state, run.last.name, main_numbers(run)});
  std::cout << (runs.empty() ? "no runs\n" : table_text(rows));
  return kFine;
}

}  // namespace tsrec::host
