#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/store.hpp"
#include "serving/named_item.hpp"
#include "serving/recommendation_service.hpp"
#include "support/log.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Keys of a file, one a line.
std::set<int64_t> items_named_in(const fs::path& file, const Items& items) {
  std::set<int64_t> named;
  std::istringstream lines(io::read_text(file));
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto item = items.find(line);
    if (!item)
      throw DataError("line ", number, " of '", file.string(), "': no item has the key '", line,
                      "'; expected one key of the catalogue a line");
    named.insert(*item);
  }
  return named;
}

// The items that --only and every --where leave; null: all.
serving::AllowList allowed_items(const Arguments& arguments, const Items& items) {
  if (arguments.only.empty() && arguments.where.empty()) return nullptr;
  std::set<int64_t> named;
  if (!arguments.only.empty()) named = items_named_in(arguments.only, items);
  std::vector<int64_t> allowed;
  for (int64_t item = 0; item < items.size(); ++item) {
    if (arguments.only.empty() || named.contains(item)) allowed.push_back(item);
  }
  for (const std::string& condition : arguments.where) {
    const size_t sign = condition.find('=');
    const std::string column = condition.substr(0, sign);
    const std::vector<std::string> columns = items.columns();
    if (sign == std::string::npos || !is_among(column, columns)) {
      throw ConfigError("--where needs COLUMN=TEXT with a column of the items (",
                        c10::Join(", ", columns), "), not '", condition, "'");
    }
    const std::string wanted = serving::lowered(condition.substr(sign + 1));
    std::erase_if(allowed, [&](int64_t item) {
      return serving::lowered(items.text(column, item)).find(wanted) == std::string::npos;
    });
  }
  if (allowed.empty())
    throw DataError("no item is left by --only and --where; ask for less, or look at the texts");
  return std::make_shared<const std::vector<int64_t>>(std::move(allowed));
}

void print_table(const serving::Answer& answers, const Items& items) {
  std::cout << "  #  log p      item        title\n";
  for (size_t i = 0; i < answers.size(); ++i) {
    std::cout << std::right << std::setw(3) << i + 1 << "  " << std::fixed << std::setprecision(4)
              << std::setw(9) << answers[i].score << "  " << std::left << std::setw(10)
              << items.key(answers[i].item) << "  " << items.text("title", answers[i].item) << '\n';
  }
}

void print_json(const std::vector<int64_t>& history, const serving::Answer& answers,
                const Items& items) {
  ordered_json line;
  for (const int64_t item : history) line["history"].push_back(items.key(item));
  line["items"] = ordered_json::array();
  for (const serving::Recommendation& answer : answers) {
    line["items"].push_back({{"item", items.key(answer.item)},
                             {"title", items.text("title", answer.item)},
                             {"score", answer.score}});
  }
  std::cout << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
}

// The items that words name, oldest first. where: the beginning of a complaint.
std::vector<int64_t> items_named(const std::vector<std::string>& words, const Items& items,
                                 const std::string& where) {
  std::vector<int64_t> named;
  for (const std::string& word : words) {
    try {
      named.push_back(serving::item_named(items, word));
    } catch (const DataError& error) {
      throw DataError(where, error.what());
    }
  }
  return named;
}

// One line of standard input: a JSON list of keys or titles.
std::vector<std::string> words_in(const std::string& line, const std::string& where) {
  std::vector<std::string> words;
  try {
    for (const auto& word : ordered_json::parse(line).get<std::vector<ordered_json>>())
      words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  } catch (const ordered_json::exception&) {
    throw DataError(where, "this is no JSON list; expected [\"a key\", \"a title\"]");
  }
  return words;
}

}  // namespace

int command_recommend(const Arguments& arguments) {
  if (arguments.words.empty() || (arguments.words.size() == 1 && !arguments.json)) {
    throw ConfigError(
        "recommend needs a run or an experiment, and the items of a history, oldest first:  "
        "tsrec recommend RUN \"a title\" KEY ...");
  }
  if (arguments.top < 1) throw ConfigError("--top must be at least 1");
  const std::string& named = arguments.words.front();
  const Opened opened = open_experiment(arguments, named);
  prepare_process(opened.experiment.run);
  watch_endings();
  const Store store(arguments.store);
  const ModelFolders stored = serving::stored_model(
      stages_of(arguments, named, opened.experiment, store), arguments.of, named);
  const bool reads_histories = arguments.words.size() == 1;
  const serving::RecommendationService model(opened.experiment, stored,
                                             /*expects_many=*/reads_histories);
  const Items& items = model.items();
  const serving::AllowList allowed = allowed_items(arguments, items);
  if (arguments.top > items.size()) {
    log(Level::warning, c10::str("--top ", arguments.top, ", but the catalogue has only ",
                                 items.size(), " items; no more can be recommended"));
  }
  const auto answer = [&](const std::vector<std::string>& words, const std::string& where) {
    const serving::Request request{items_named(words, items, where), arguments.top, allowed};
    if (!arguments.json) {
      for (const int64_t item : request.history)
        std::cout << "after  " << items.key(item) << "  " << items.text("title", item) << '\n';
    }
    const serving::Answer found = model.after(std::span(&request, 1)).front();
    arguments.json ? print_json(request.history, found, items) : print_table(found, items);
  };
  if (!reads_histories) {
    answer({arguments.words.begin() + 1, arguments.words.end()}, "");
    return kFine;
  }
  // Line by line: who writes a history may wait for its answer before the next.
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    const std::string where = c10::str("line ", number, " of standard input: ");
    if (!line.empty()) answer(words_in(line, where), where);
  }
  return kFine;
}

}  // namespace tsrec::host
