// E1, E2, E4: epochs of the sequential models. E5: the catalogue ranked for every test user.
#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {
namespace {

constexpr int64_t kPlaces = 20;  // of a list

// All with width 64, a full softmax and dropout .4, as experiments/010_table2 has them.
struct Model {
  const char *id, *name;
  kit::OptionTexts options;
  const char* note = "";
  std::string label() const { return std::string(name) + note; }
};
const std::vector<Model>& models() {
  static const std::vector<Model> all = {
      {"E1", "sasrec", {}},
      {"E2", "gru4rec", {}},
      {"E2", "caser", {}},
      {"E2", "caser", {{"outputs", "tied"}}, " with tied outputs, as RecBole has it"},
      {"E4", "hstu", {{"beta2", "0.98"}}},
  };
  return all;
}

Dataset leave_one_out(const JobOptions& options, Context& context) {
  const bool is_real = !options.data.empty();
  return kit::make_part<Source>(
             plugin_file("source", is_real ? "published_files" : "synthetic"),
             is_real ? "lc_rec" : "synthetic", context,
             is_real
                 ? kit::OptionTexts{{"folder", options.data.string()}, {"max_history", "50"}}
                 : kit::OptionTexts{{"items", "4344"}, {"users", "8317"}, {"max_history", "50"}})
      ->load(context);
}

// For the peer: the items of every test user, oldest first. The last is the test target, the one
// before it the validation target.
void write_sequences(const Dataset& data, const fs::path& folder) {
  fs::create_directories(folder);
  std::ofstream out(folder / "sequences.jsonl");
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const auto history = data.test.history(row);
    std::vector<int64_t> items(history.begin(), history.end());
    items.push_back(data.test.target(row));
    out << nlohmann::ordered_json(items) << '\n';
  }
}

double named(const Numbers& numbers, const std::string& name) {
  for (const Number& number : numbers) {
    if (number.name == name) return number.value;
  }
  throw Error("no number is called ", name);
}

// Lists and their numbers, as an evaluation makes them.
void rank_line(Recommender& recommender, const std::string& name, const Dataset& data,
               const JobOptions& options, MachineContext& context) {
  const fs::path metrics = plugin_file("metric", "ranking");
  const auto hr = kit::make_part<Metric>(metrics, "hr", context, {{"k", "10"}}),
             ndcg = kit::make_part<Metric>(metrics, "ndcg", context, {{"k", "10"}});
  Numbers hits, gains;
  Line line("E5", name + ": lists of 20, HR and NDCG", context.machine());
  line.seconds(timed(options.repeats, [&] {
    const Rankings rankings = recommender.rank(data.test, kPlaces, context);
    const Evaluation evaluation{rankings, data.test, data};
    hits = hr->measure(evaluation, context);
    gains = ndcg->measure(evaluation, context);
  }));
  line.rate("users_per_second", static_cast<double>(data.test.size()));
  line.set("users", data.test.size()).set("hr@10", named(hits, "item.hr@10"));
  line.set("ndcg@10", named(gains, "item.ndcg@10")).print();
}

void train_and_rank(const Model& model, const Dataset& data, const JobOptions& options,
                    MachineContext& context) {
  kit::OptionTexts texts = model.options;
  texts.insert({{"dropout", "0.4"}, {"epochs", "1000"}, {"repeats", "true"}});
  const auto recommender = kit::make_part<Recommender>(plugin_file("recommender", "sequential"),
                                                       model.name, context, texts);
  const Dataset seen = data.without_test();
  recommender->fit({seen, nullptr}, context);
  Stepwise& steps = *steps_of(*recommender);
  const int64_t steps_per_epoch = steps.validate_every();
  int64_t next = 0;
  Line line(model.id, model.label() + ": one epoch, no padding", context.machine());
  line.seconds(timed(options.repeats, [&] {
    context.counters.clear();
    for (int64_t step = 0; step < steps_per_epoch; ++step) steps.step(next++, context);
  }));
  const auto labels = static_cast<double>(context.counters["labels"]);
  const Numbers valid = steps.validate(context);
  line.rate("labels_per_second", labels).set("labels", labels).set("updates", steps_per_epoch);
  line.set("epochs", next / steps_per_epoch).set("loss", context.numbers["train.loss"].back());
  line.set("valid_hr@10", named(valid, "hr@10")).set("valid_ndcg@10", named(valid, "ndcg@10"));
  line.print();
  rank_line(*recommender, model.label(), data, options, context);
}

}  // namespace

void run_sequential(const JobOptions& options) {
  MachineContext context(machine_of(options));
  const Dataset data = leave_one_out(options, context);
  write_sequences(data, options.folder);
  for (const Model& model : models()) {
    if (options.only.empty() || options.only == model.name)
      train_and_rank(model, data, options, context);
  }
}

}  // namespace tsrec::bench
