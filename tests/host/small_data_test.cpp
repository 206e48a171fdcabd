// The smallest data that people bring, through whole runs: what they ask for, or one sentence that
// says what to do.
#include <cmath>

#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"

namespace tsrec::test {
namespace {

using host::StageResult;

struct Row {
  std::vector<int64_t> history;
  int64_t target;
};

// Titles of the items, and rows of each split.
struct Small {
  std::vector<std::string> titles;
  std::vector<Row> train, valid, test;
  std::vector<std::string> sids = {};  // of the items; empty: <a_0><b_0>, <a_1><b_0>, ...
};

const std::vector<Row> kThreeRows = {{{0, 1}, 2}, {{1}, 3}, {{2, 3, 4}, 0}};

Small five(const std::vector<std::string>& titles) {
  return {titles, kThreeRows, kThreeRows, kThreeRows};
}
Small ordinary() {
  return five({"red lamp", "blue kettle", "green rope", "small drill", "large hammer"});
}
Small one_item() { return {{"lamp"}, {{{0}, 0}}, {{{0}, 0}}, {{{0}, 0}}}; }

// In the layout of MiniOneRec, each item with a SID of its own.
std::string sid_of(const Small& data, size_t item) {
  return data.sids.empty() ? c10::str("<a_", item % 3, "><b_", item / 3, ">") : data.sids[item];
}
void write(const Small& data, const TempFolder& folder) {
  std::string info;
  for (size_t item = 0; item < data.titles.size(); ++item)
    info += c10::str(sid_of(data, item), "\t", data.titles[item], "\t", item, "\n");
  folder.write("data/info/Small.txt", info);
  const auto rows = [&](const std::string& split, const std::vector<Row>& some) {
    std::string text = "user_id,history_item_id,item_id\n";
    for (size_t row = 0; row < some.size(); ++row)
      text += c10::str("u", row, ",\"[", c10::Join(", ", some[row].history), "]\",",
                       some[row].target, "\n");
    folder.write("data/" + split + "/Small.csv", text);
  };
  rows("train", data.train);
  rows("valid", data.valid);
  rows("test", data.test);
}

const std::string kSource =
    "[run]\nprecision = \"float32\"\ndevice = \"cpu\"\nthreads = 1\n"
    "[source]\nuse = \"minionerec\"\nfolder = \"data\"\n"
    "[evaluate]\nbeams = 10\nbootstrap = 0\nmetric = [{ use = \"hr\", k = [1, 5] }, { use = "
    "\"ndcg\", k = [5] }, { use = \"coverage\", k = [5] }, { use = \"illegal_rate\" }";
const std::string kFloors =
    " ]\n[[recommender]]\nuse = \"popularity\"\n[[recommender]]\nuse = \"repeat_last\"\n"
    "[[recommender]]\nuse = \"markov\"\n";
const std::string kModel =
    ", { use = \"certified\", k = [1] }, { use = \"title_to_sid_accuracy\" }, { use = "
    "\"sid_to_title_accuracy\", max_tokens = 4 } ]\n"
    "[extractor]\nuse = \"ctfidf\"\n"
    "[prompt]\nframe = \"{input}=\"\nseparator = \"\"\n"
    "[prompt.next_item]\ninput = \"next {history}\"\ntarget = \"{answer}\"\n"
    "[prompt.title_to_sid]\ninput = \"sid {title}\"\ntarget = \"{answer}\"\n"
    "[prompt.sid_to_title]\ninput = \"title {item}\"\ntarget = \"{answer}{eos}\"\n"
    "[backbone]\nuse = \"scratch\"\nvocabulary = 260\nwidth = 16\nlayers = 1\nheads = 2\n"
    "mlp_width = 16\ntext_columns = [\"title\"]\n"
    "[[task]]\nuse = \"next_item\"\n[[task]]\nuse = \"title_to_sid\"\n[[task]]\nuse = "
    "\"sid_to_title\"\n";
const std::string kSft = "[[stage]]\nuse = \"sft\"\nmax_steps = 2\nbatch_rows = 4\n";
const std::string kGrpo =
    "[[stage]]\nuse = \"grpo\"\ntasks = [\"next_item\"]\nmax_steps = 1\nbatch_prompts = 2\n"
    "[[stage.reward]]\nuse = \"exact_match\"\n[[stage.reward]]\nuse = \"rank_penalty\"\n";

std::string part(const std::string& kind, const std::string& use, const std::string& more = "") {
  return "[" + kind + "]\nuse = \"" + use + "\"\n" + more;
}

// What a run of these data ended with. More runs of it meet the same store.
class SmallRun {
 public:
  SmallRun(const Small& data, const std::string& toml) : SmallRun() {
    write(data, folder_);
    again(toml);
  }
  void again(const std::string& toml) {
    host::DocumentRequest request;
    request.file = folder_.write("experiment.toml", toml);
    const host::Experiment experiment =
        host::make_experiment(host::Document::load(request), registry_);
    const host::Store store(folder_.path() / "store");
    host::Trackers nobody;
    results =
        host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody);
  }

  // "" where all stages ended well, and their numbers are numbers; else the first that did not:
  // "embed: no item has ..."
  std::string failure() const {
    for (const StageResult& result : results) {
      if (result.state == StageResult::State::failed) return result.id.text() + ": " + result.why;
      if (!result.id.text().starts_with("evaluate.")) continue;
      for (const Number& number : host::read_numbers(result.folder).numbers) {
        if (!std::isfinite(number.value))
          return c10::str(result.id.text(), ": ", number.name, " is ", number.value);
      }
    }
    return "";
  }
  double number(const std::string& stage, const std::string& name) const {
    for (const StageResult& result : results) {
      if (result.id.text() != stage) continue;
      for (const Number& number : host::read_numbers(result.folder).numbers) {
        if (number.name == name) return number.value;
      }
    }
    throw Error("'", stage, "' measured no ", name);
  }
  bool is_bad_config() const {
    return std::any_of(results.begin(), results.end(),
                       [](const StageResult& result) { return result.is_bad_config; });
  }
  bool has_run(const std::string& stage) const {
    return std::any_of(results.begin(), results.end(), [&](const StageResult& result) {
      return result.id.text() == stage && result.state == StageResult::State::ran;
    });
  }

  std::vector<StageResult> results;

 private:
  SmallRun() = default;
  TempFolder folder_;
  host::Registry registry_{{}, ""};
};

// `sentence`: what the run ends with; "": it works.
struct Expected {
  std::string name;
  Small data;
  std::string sentence = "";
};

void expect(const Expected& expected, const std::string& name, const std::string& toml) {
  const std::string failure = SmallRun(expected.data, toml).failure();
  const std::string which = name + ", " + expected.name;
  if (expected.sentence.empty()) {
    EXPECT_EQ(failure, "") << which;
  } else {
    EXPECT_NE(failure.find(expected.sentence), std::string::npos) << which << ": " << failure;
  }
}

// --- from texts to SIDs

const std::string kLsa =
    part("encoder", "lsa", "dimensions = 4\nmin_items = 1\ncolumns = [\"title\"]\n");

TEST(SmallData, BecomesSidsByEveryQuantizerAndResolver) {
  const std::string no_words = "embed: encoder 'lsa': no item has a word in the columns title;";
  const std::vector<Expected> all = {
      {"ordinary", ordinary()},
      {"one item", one_item()},
      {"two items", {{"red lamp", "lamp"}, {{{0}, 1}}, {{{0}, 1}}, {{{1}, 0}}}},
      {"all equal", five({"red lamp", "red lamp", "red lamp", "red lamp", "red lamp"})},
      {"one word", five({"lamp", "lamp", "lamp", "lamp", "lamp"})},
      {"a word each", five({"lamp", "rope", "drill", "saw", "nail"})},
      {"one text", five({"", "", "lamp", "", ""})},
      {"no texts", five({"", "", "", "", ""}), no_words},
      {"no words", five({"!", "?", ".", "-", "&"}), no_words}};
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"rq_kmeans", "none"},    {"rq_kmeans", "random_last"},    {"rq_kmeans", "nearest_free"},
      {"random_codes", "none"}, {"random_codes", "random_last"}, {"rq_vae", "nearest_free"}};
  for (const auto& [quantizer, resolver] : ways) {
    for (Expected expected : all) {
      // As many codes as items: each can have a SID of its own, however alike they are.
      size_t codes = expected.data.titles.size();
      std::string options = "levels = 2\n";
      if (quantizer == "rq_vae") {
        options += "latent = 4\nhidden = [8]\nepochs = 2\nevaluate_every = 1\n";
        if (codes == 1)
          expected.sentence = "quantizer 'rq_vae': codes = 2, but there are only 1 items";
        codes = std::max<size_t>(codes, 2);
      }
      expect(expected, quantizer + " and " + resolver,
             kSource + kFloors + kLsa +
                 part("quantizer", quantizer, options + c10::str("codes = ", codes, "\n")) +
                 part("resolver", resolver) + part("extractor", "ctfidf"));
    }
  }
  expect({"ordinary", ordinary(), "needs a quantizer that measures distances to its codes"},
         "random_codes and nearest_free",
         kSource + kFloors + kLsa + part("quantizer", "random_codes", "codes = 5\n") +
             part("resolver", "nearest_free"));
}

TEST(SmallData, EncodersOfEncodersWorkOrSayWhy) {
  const std::string rest = kSource + kFloors +
                           part("quantizer", "rq_kmeans", "levels = 1\ncodes = 1\n") +
                           part("resolver", "none");
  const std::string of = "of = { use = \"lsa\", min_items = 1 }\n";
  const std::string same = "vectors of 5 items are all the same, and nothing is left of them";
  for (const std::string options : {"dimensions = 3\n", "whiten = true\n", "center = true\n"}) {
    const std::string toml = rest + part("encoder", "normalize", options + of);
    expect({"ordinary", ordinary()}, options, toml);
    expect({"equal", five({"a", "a", "a", "a", "a"}), same}, options, toml);
    expect({"one item", one_item(), "vectors of 1 items are all the same"}, options, toml);
  }
  expect({"equal", five({"a", "a", "a", "a", "a"})}, "length 1",
         rest + part("encoder", "normalize", of));
}

TEST(SmallData, CodesBeyondTheItemsAreRefusedInTheOptionsWords) {
  for (const std::string quantizer : {"rq_kmeans", "rq_vae"}) {
    expect({"five", ordinary(),
            "quantize: quantizer '" + quantizer + "': codes = 6, but there are only 5 items"},
           quantizer,
           kSource + kFloors + kLsa + part("quantizer", quantizer, "codes = 6\n") +
               part("resolver", "none"));
  }
}

// --- training and evaluation, with the SIDs of the source

const std::string kTrained =
    kSource + kModel + part("initializer", "sa_init", "depth = 1\n") + kSft;

TEST(SmallData, IsTrainedOnAndRanked) {
  const std::vector<Expected> all = {
      {"ordinary", ordinary()},
      {"one item", one_item(), ""},
      {"one text", five({"", "", "lamp", "", ""})},
      {"no texts", five({"", "", "", "", ""}),
       "audit: task 'title_to_sid': no item has a title; remove the task"},
      {"one row", {ordinary().titles, {kThreeRows[0]}, {kThreeRows[1]}, {kThreeRows[2]}}},
      {"no validation", {ordinary().titles, kThreeRows, {}, kThreeRows}},
      {"no training rows", {ordinary().titles, {}, kThreeRows, kThreeRows}},
      {"no test rows",
       {ordinary().titles, kThreeRows, kThreeRows, {}},
       "load: [evaluate] split = \"test\", but that split has no rows; set split = \"valid\", "
       "which "
       "has 3"},
      {"no rows to rank", {ordinary().titles, kThreeRows, {}, {}}, "give the source rows to rank"}};
  for (const Expected& expected : all) expect(expected, "sft", kTrained);
  for (const std::string initializer : {"random", "gaussian"}) {
    expect({"one item", one_item()}, initializer,
           kSource + kModel + part("initializer", initializer) + kSft);
  }
  expect({"no training rows",
          {ordinary().titles, {}, kThreeRows, kThreeRows},
          "the floors count training rows, and the train split has none;"},
         "floors", kSource + kFloors);
}

TEST(SmallData, TheOnlyItemIsAlwaysRight) {
  const SmallRun run(one_item(), kTrained);
  for (const std::string name : {"item.hr@1", "item.ndcg@5", "coverage@5", "title_to_sid.top1"})
    EXPECT_EQ(run.number("evaluate.sft", name), 1) << name;
  EXPECT_EQ(run.number("evaluate.sft", "illegal_rate"), 0);
}

// Five of the six pairs of codes are items; an untrained model's five answers have the sixth.
TEST(SmallData, ByLevelAnswersThatAreNoItemAreCounted) {
  std::string toml = kTrained;
  toml.insert(toml.find("beams = 10"), "constraint = \"level\"\n");
  const SmallRun run(ordinary(), toml);
  EXPECT_EQ(run.failure(), "");
  const double rate = run.number("evaluate.sft", "illegal_rate");
  EXPECT_GT(rate, 0);
  EXPECT_LE(rate, 0.2);
  EXPECT_EQ(SmallRun(ordinary(), kTrained).number("evaluate.sft", "illegal_rate"), 0);

  Small uneven = ordinary();
  uneven.sids = {"<a_0><b_0>", "<a_0><b_1>", "<a_1>", "<a_2><b_0>", "<a_2><b_1>"};
  EXPECT_EQ(SmallRun(uneven, kTrained).failure(), "");
  const SmallRun refused(uneven, toml);
  EXPECT_TRUE(contains(refused.failure(), "resolve: [evaluate] constraint = \"level\""))
      << refused.failure();
  EXPECT_TRUE(refused.is_bad_config());
  EXPECT_FALSE(refused.has_run("train.sft"));
}

// grpo behind sft, with an option of its own.
std::string with(const std::string& option) {
  std::string grpo = kGrpo;
  return kTrained + grpo.insert(grpo.find("[[stage.reward]]"), option + "\n");
}

TEST(SmallData, WithoutValidationTheLastStateIsHandedOn) {
  const Small data = {ordinary().titles, kThreeRows, {}, kThreeRows};
  EXPECT_EQ(SmallRun(data, with("completions = 4")).failure(), "");
  const std::string curve = SmallRun(data, kTrained + "curve_rows = 4\n").failure();
  EXPECT_NE(curve.find("load: [[stage]] 'sft': curve_rows = 4, but the valid split has no rows"),
            std::string::npos)
      << curve;
}

// Where nothing has to be made, nobody reads the data again.
TEST(SmallData, IsNotReadWhereAllIsStored) {
  SmallRun run(ordinary(), kTrained);
  ASSERT_EQ(run.failure(), "");
  const auto load = std::find_if(run.results.begin(), run.results.end(),
                                 [](const auto& result) { return result.id.text() == "load"; });
  const std::filesystem::path tensors = load->folder / "tensors.safetensors";
  ASSERT_TRUE(std::filesystem::exists(tensors));
  std::filesystem::resize_file(tensors, 0);
  run.again(kTrained);
  EXPECT_EQ(run.failure(), "");
  run.again(kTrained + "curve_rows = 4\n");
  EXPECT_TRUE(contains(run.failure(), "load: ")) << run.failure();
}

// A group of completions is as large as the catalogue at most: said before the stage before trains.
TEST(SmallData, MoreCompletionsThanSidsAreRefusedBeforeAnythingTrains) {
  const std::string many = kTrained + kGrpo;  // 16 completions
  SmallRun run(ordinary(), many);
  EXPECT_NE(run.failure().find(
                "resolve: completions = 16, but the catalogue has only 5 SIDs, and rollout = "
                "\"beam\" gives each of them once; set completions = 5 at most, or rollout = "
                "\"sample\"\n  in trainer 'grpo'"),
            std::string::npos)
      << run.failure();
  EXPECT_TRUE(run.is_bad_config());
  for (const char* stage : {"backbone", "stage.sft", "stage.grpo"})
    EXPECT_FALSE(run.has_run(stage)) << stage;
  run.again(many);
  EXPECT_TRUE(contains(run.failure(), "resolve: completions = 16"))
      << "stored SIDs are looked at, too";
  run.again(kTrained);
  EXPECT_EQ(run.failure(), "");
  run.again(many);
  EXPECT_TRUE(contains(run.failure(), "resolve: completions = 16")) << run.failure();

  EXPECT_EQ(SmallRun(ordinary(), with("completions = 5")).failure(), "");
  EXPECT_EQ(SmallRun(ordinary(), with("rollout = \"sample\"")).failure(), "");
  const std::string one = SmallRun(one_item(), with("completions = 2")).failure();
  EXPECT_NE(
      one.find("has only 1 SIDs, and rollout = \"beam\" gives each of them once; set rollout = "
               "\"sample\"\n"),
      std::string::npos)
      << one;
  EXPECT_EQ(SmallRun(one_item(), with("rollout = \"sample\"")).failure(), "");
}

}  // namespace
}  // namespace tsrec::test
