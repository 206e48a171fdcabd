// Two of LC-Rec's alignments, of texts that a language model wrote of each user: item prediction by
// the user's intention, and inference of the user's preferences (Zheng et al., 2024).
#include "row_finder.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/text/words.hpp"
#include "user_file.hpp"

namespace {

using namespace tsrec;
using user_text::Intention;

struct Settings {
  std::filesystem::path file;
  int64_t max_characters = 600;
  void declare(Options& o) {
    o.add("file", file).required().help("LC-Rec's NAME.user.json of this data set");
    o.add("max_characters", max_characters)
        .range(1, 1 << 20)
        .unit("characters")
        .help("longer texts are cut behind their last whole word");
  }
};

// One row for each user of the file whose item and history are a row of the split. So a row that
// the data hold for validation or testing, or that a stage was not given, is never trained on.
class UserTexts : public Task {
 public:
  explicit UserTexts(const Settings& settings) : settings_(settings) {}

  void prepare(const TaskInputs& inputs, Context& context) override {
    data_ = &inputs.data;
    const user_text::UserFile users = user_text::read_users(settings_.file, data_->items);
    rows_.clear();
    choose(Split::train, users.train, context);
    choose(Split::test, users.test, context);
    if (rows_[Split::train].empty())
      throw DataError("task '", form(), "': none of the ", users.train.size(), " users of '",
                      settings_.file.string(),
                      "' has a training row of these data and a text; use the file that belongs to "
                      "them, or remove the task");
  }
  int64_t size(Split split) const override {
    const auto found = rows_.find(split);
    return found == rows_.end() ? 0 : std::ssize(found->second);
  }

  Example at(Split split, int64_t index, uint64_t draw) const override {
    const Row& row = rows_.at(split)[static_cast<size_t>(index)];
    const Samples& samples = data_->split(split);
    Example example;
    example.form = form();
    example.sample = row.sample;
    for (const int64_t item : samples.history(row.sample))
      example.slots["history"].push_back(Piece::sid(item));
    fill(row.intention, samples.target(row.sample), draw, example);
    return example;
  }

 protected:
  virtual bool has_text(const Intention& intention) const = 0;
  virtual void fill(const Intention& intention, int64_t target, uint64_t draw,
                    Example& example) const = 0;
  // One of them by chance; none of none.
  std::vector<Piece> one_of(const std::vector<std::string>& texts, uint64_t draw) const {
    if (texts.empty()) return {};
    return {Piece::text(
        std::string(text::head_of(texts[draw % texts.size()], settings_.max_characters)))};
  }

 private:
  struct Row {
    int64_t sample;
    Intention intention;
  };

  void choose(Split split, const std::vector<Intention>& intentions, Context& context) {
    const user_text::RowFinder finder(data_->split(split));
    std::vector<Row>& rows = rows_[split];
    for (const Intention& intention : intentions) {
      const auto sample = finder.find(intention.history, intention.item);
      if (sample && has_text(intention)) rows.push_back({*sample, intention});
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.sample < b.sample; });
    const int64_t without = std::ssize(intentions) - std::ssize(rows);
    if (without > 0)
      context.log(Level::info, c10::str("task '", form(), "': ", without, " of ", intentions.size(),
                                        " users have no ", name(split),
                                        " row here, or no text, and are left out"));
  }

  Settings settings_;
  const Dataset* data_ = nullptr;
  std::map<Split, std::vector<Row>> rows_;
};

class IntentionToSid final : public UserTexts {
 public:
  IntentionToSid(const Settings& settings, Context&) : UserTexts(settings) {}
  static Wordings wordings() {
    return {{"intention_to_sid",
             {{"instruction", "Find the item that the user looks for."},
              {"input",
               "The user has interacted with items {history} in chronological order and now "
               "searches for: \"{query}\". Which item fits?"},
              {"target", "{answer}\n{eos}"}}}};
  }
  std::string form() const override { return "intention_to_sid"; }
  bool answers_with_item() const override { return true; }

 private:
  bool has_text(const Intention& intention) const override { return !intention.queries.empty(); }
  void fill(const Intention& intention, int64_t target, uint64_t draw,
            Example& example) const override {
    example.target_item = target;
    example.slots["query"] = one_of(intention.queries, draw);
    example.slots["preference"] = one_of(intention.preferences, draw / intention.queries.size());
    example.slots["answer"] = {Piece::sid(target)};
  }
};

// The target of the row is not asked for: the preferences are those of the history before it.
class HistoryToPreference final : public UserTexts {
 public:
  HistoryToPreference(const Settings& settings, Context&) : UserTexts(settings) {}
  static Wordings wordings() {
    return {{"history_to_preference",
             {{"instruction", "Say what the user prefers."},
              {"input",
               "The user has interacted with items {history} in chronological order. What are the "
               "user's preferences?"},
              {"target", "{answer}\n{eos}"}}}};
  }
  std::string form() const override { return "history_to_preference"; }
  bool answers_with_item() const override { return false; }

 private:
  bool has_text(const Intention& intention) const override {
    return !intention.preferences.empty();
  }
  void fill(const Intention& intention, int64_t, uint64_t draw, Example& example) const override {
    example.slots["answer"] = one_of(intention.preferences, draw);
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.user_text", "0.1.0",
             tsrec::part<tsrec::Task, IntentionToSid, Settings>(
                 "intention_to_sid", /*revision=*/1,
                 "History of SIDs and what the user looks for -> SID of the item"),
             tsrec::part<tsrec::Task, HistoryToPreference, Settings>(
                 "history_to_preference", /*revision=*/1,
                 "History of SIDs -> what the user prefers"))
