#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "commands/trained_model.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/run_context.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// An item by its key, its whole title, or a part of a title that only one item has.
int64_t item_of(const Items& items, const std::string& word) {
  if (const auto known = items.find(word)) return *known;
  const std::string wanted = lowered(word);
  std::vector<int64_t> partly;
  for (int64_t item = 0; item < items.size(); ++item) {
    const std::string title = lowered(items.text("title", item));
    if (title == wanted) return item;
    if (!wanted.empty() && title.find(wanted) != std::string::npos) partly.push_back(item);
  }
  if (partly.size() == 1) return partly.front();
  if (partly.empty())
    throw DataError("no item has the key or the title '", word,
                    "'; name one of the catalogue's keys, or a part of a title");
  std::string some;
  for (size_t i = 0; i < std::min<size_t>(partly.size(), 5); ++i)
    some += c10::str("\n  ", items.key(partly[i]), "  ", items.text("title", partly[i]));
  throw DataError(partly.size(), " titles contain '", word, "'; name one by its key:", some);
}

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

// The items that --only and every --where leave.
std::vector<int64_t> allowed_items(const Arguments& arguments, const Items& items) {
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
    const std::string wanted = lowered(condition.substr(sign + 1));
    std::erase_if(allowed, [&](int64_t item) {
      return lowered(items.text(column, item)).find(wanted) == std::string::npos;
    });
  }
  return allowed;
}

struct Answer {
  int64_t item = -1;
  double score = 0;
};

class Recommendations {
 public:
  Recommendations(const Experiment& experiment, const Store& store, const Arguments& arguments)
      : context_(experiment.run, "recommend", ""),
        parts_(*experiment.parts),
        model_(parts_, folders_of(experiment, store, arguments.of), /*with_test=*/false, context_),
        top_(arguments.top) {
    for (int64_t row = 0; row < model_.data.train.size(); ++row)
      longest_ = std::max(longest_, model_.data.train.history(row).size());
    if (!arguments.only.empty() || !arguments.where.empty()) {
      const std::vector<int64_t> allowed = allowed_items(arguments, items());
      if (allowed.empty())
        throw DataError(
            "no item is left by --only and --where; ask for less, or look at the texts");
      model_.trie = model_.trie->restricted_to(allowed);
    }
  }

  const Items& items() const { return model_.data.items; }

  void expect_many() { model_.backbone->pack_weights(); }

  // Older items than the model was trained with are left out.
  std::vector<Answer> after(std::vector<int64_t> history) {
    if (history.empty()) throw DataError("a history needs at least one item");
    if (history.size() > longest_)
      history.erase(history.begin(), history.end() - static_cast<std::ptrdiff_t>(longest_));
    SamplesBuilder rows;
    rows.add(/*user=*/0, history, /*target=*/history.back(),
             /*time=*/0);  // the target is not shown
    EvaluateSettings settings = parts_.evaluate;
    settings.beams = std::max(settings.beams, top_);
    const Rankings rankings = model_.rank(rows.build(), settings, context_);
    std::vector<Answer> answers;
    for (int64_t m = 0; m < rankings.item_SM.size(1); ++m) {
      const int64_t item = rankings.item_SM[0][m].item<int64_t>();
      if (item < 0 || static_cast<int64_t>(answers.size()) == top_) break;
      answers.push_back({item, rankings.score_SM[0][m].item<double>()});
    }
    return answers;
  }

 private:
  RunContext context_;
  const Parts& parts_;
  LoadedModel model_;
  int64_t top_;
  size_t longest_ = 1;
};

void print_table(const std::vector<Answer>& answers, const Items& items) {
  std::cout << "  #  log p      item        title\n";
  for (size_t i = 0; i < answers.size(); ++i) {
    std::cout << std::right << std::setw(3) << i + 1 << "  " << std::fixed << std::setprecision(4)
              << std::setw(9) << answers[i].score << "  " << std::left << std::setw(10)
              << items.key(answers[i].item) << "  " << items.text("title", answers[i].item) << '\n';
  }
}

void print_json(const std::vector<int64_t>& history, const std::vector<Answer>& answers,
                const Items& items) {
  ordered_json line;
  for (const int64_t item : history) line["history"].push_back(items.key(item));
  line["items"] = ordered_json::array();
  for (const Answer& answer : answers) {
    line["items"].push_back({{"item", items.key(answer.item)},
                             {"title", items.text("title", answer.item)},
                             {"score", answer.score}});
  }
  std::cout << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
}

// One line of standard input: a JSON list of keys or titles.
std::vector<std::string> words_of(const std::string& line, int64_t number) {
  std::vector<std::string> words;
  try {
    for (const auto& word : ordered_json::parse(line))
      words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  } catch (const ordered_json::exception&) {
    throw DataError("line ", number,
                    " of standard input is no JSON list; expected [\"a key\", \"a title\"]");
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
  const Opened opened = open_experiment(arguments, arguments.words.front());
  prepare_process(opened.experiment.run);
  Recommendations model(opened.experiment, Store(arguments.store), arguments);
  const auto answer = [&](const std::vector<std::string>& words) {
    std::vector<int64_t> history;
    for (const std::string& word : words) history.push_back(item_of(model.items(), word));
    if (arguments.json) {
      print_json(history, model.after(history), model.items());
      return;
    }
    for (const int64_t item : history)
      std::cout << "after  " << model.items().key(item) << "  " << model.items().text("title", item)
                << '\n';
    print_table(model.after(history), model.items());
  };
  if (arguments.words.size() > 1) {
    answer({arguments.words.begin() + 1, arguments.words.end()});
    return kFine;
  }
  model.expect_many();
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (!line.empty()) answer(words_of(line, number));
  }
  return kFine;
}

}  // namespace tsrec::host
