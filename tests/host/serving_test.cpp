// A trained model answers: alone, in batches, in threads, behind filters, and long after its run.
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "cli_support.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "pipeline/wording.hpp"
#include "serving/recommendation_service.hpp"
#include "tsrec/decode/decoder.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using host::serving::AllowList;
using host::serving::Answer;
using host::serving::RecommendationService;
using host::serving::Request;

// The smoke experiment, run once for all tests here; its search is as wide as its catalogue, so
// that every answer is exact.
class Serving : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    store_ = new TempFolder;
    const Outcome outcome = run("run " + kSmoke + kWide + where());
    ASSERT_EQ(outcome.code, 0) << outcome.text;
    run_ = new fs::path(between(outcome.text, "run folder: ", "\n"));
  }
  static void TearDownTestSuite() {
    delete run_;
    delete store_;
  }

  Serving()
      : registry_({}, *run_), experiment_(opened()), service_(experiment_, folders(), false) {}

  static std::string where() { return " --store " + store_->path().string(); }

  host::Experiment opened() {
    host::DocumentRequest request;
    request.file = *run_ / "resolved.toml";
    return host::make_experiment(host::Document::load(request), registry_);
  }

  host::ModelFolders folders() const {
    return host::serving::stored_model(host::read_run_record(*run_, host::Store(store_->path())),
                                       "", "the run");
  }

  Request random_request() {
    Request request;
    for (size_t n = 1 + random_() % 12; n > 0; --n)
      request.history.push_back(static_cast<int64_t>(random_() % 120));
    request.count = 1 + static_cast<int64_t>(random_() % 30);
    return request;
  }

  AllowList random_filter() {
    auto items = std::make_shared<std::vector<int64_t>>();
    for (int64_t item = 0; item < 120; ++item) {
      if (random_() % 3 == 0) items->push_back(item);
    }
    items->push_back(5);
    return items;
  }

  Answer one(const Request& request) const {
    return service_.after(std::span(&request, 1)).front();
  }

  inline static const std::string kWide = " --set evaluate.beams=120";
  inline static TempFolder* store_ = nullptr;
  inline static fs::path* run_ = nullptr;
  std::mt19937_64 random_{std::random_device{}()};
  host::Registry registry_;
  host::Experiment experiment_;
  RecommendationService service_;
};

void expect_same(const Answer& a, const Answer& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i].score, b[i].score, tolerance);
    // Scores that rounding cannot tell apart may change places.
    const bool is_tied = (i > 0 && std::abs(a[i].score - a[i - 1].score) <= tolerance) ||
                         (i + 1 < a.size() && std::abs(a[i].score - a[i + 1].score) <= tolerance);
    if (!is_tied) {
      EXPECT_EQ(a[i].item, b[i].item) << "place " << i;
    }
  }
}

// The same prompts and trie, put together by hand, with every SID scored by itself.
TEST_F(Serving, AnswersAreTheModelsOwnLogProbabilities) {
  kit::TestContext context;
  const host::LoadedModel model(*experiment_.parts, host::wording_of(*experiment_.parts), folders(),
                                /*with_test=*/false, context);
  Request request = random_request();
  // Of a longer one than any in training, the service shows the end alone.
  request.history.resize(std::min<size_t>(request.history.size(), 6));
  const Answer answer = one(request);
  ASSERT_EQ(static_cast<int64_t>(answer.size()), request.count);
  Example example;
  example.form = "next_item";
  for (const int64_t item : request.history) example.slots["history"].push_back(Piece::sid(item));
  example.slots["answer"] = {Piece::sid(0)};
  const std::vector<int32_t> prompt = model.compiler->compile(example).prompt;
  const std::vector<int32_t>& suffix = model.compiler->suffix("next_item");
  double last = 0;
  for (const auto& [item, score] : answer) {
    // One forward of prompt and SID and suffix, without trie, beams or shared keys.
    std::vector<int32_t> row = prompt;
    const std::vector<int32_t> sid = model.vocabulary.ids(model.sids, item);
    row.insert(row.end(), sid.begin(), sid.end());
    row.insert(row.end(), suffix.begin(), suffix.end());
    const torch::NoGradGuard no_grad;
    const auto packed = nn::pack_prompts(std::span(&row, 1), /*share_prefix=*/false);
    const torch::Tensor hidden_TD = model.backbone->hidden(packed.batch, {});
    const torch::Tensor logit_TV = torch::mm(
        hidden_TD.to(torch::kFloat64), model.backbone->head().weight_VD.to(torch::kFloat64).t());
    const torch::Tensor log_p_TV = torch::log_softmax(logit_TV, -1);
    double expected = 0;
    for (size_t t = prompt.size(); t < row.size(); ++t)
      expected += log_p_TV[static_cast<int64_t>(t) - 1][row[t]].item<double>();
    EXPECT_NEAR(score, expected, 1e-4);
    EXPECT_LE(score, last);
    last = score;
  }
}

TEST_F(Serving, ABatchGivesTheAnswersOfItsRequests) {
  std::vector<Request> requests;
  const AllowList shared = random_filter();
  for (int r = 0; r < 12; ++r) {
    requests.push_back(random_request());
    if (r % 3 == 1) requests.back().allowed = shared;
    if (r % 3 == 2) requests.back().allowed = random_filter();
  }
  requests.push_back(requests.front());
  const std::vector<Answer> answers = service_.after(requests);
  ASSERT_EQ(answers.size(), requests.size());
  for (size_t r = 0; r < requests.size(); ++r) expect_same(answers[r], one(requests[r]), 2e-5);
  EXPECT_TRUE(service_.after({}).empty());
}

TEST_F(Serving, AFilterLeavesTheOthersInTheirPlaces) {
  Request request = random_request();
  request.count = 120;
  const Answer all = one(request);
  ASSERT_EQ(all.size(), 120u);
  request.allowed = random_filter();
  const std::set<int64_t> allowed(request.allowed->begin(), request.allowed->end());
  Answer expected;
  std::copy_if(all.begin(), all.end(), std::back_inserter(expected),
               [&](const auto& entry) { return allowed.contains(entry.item); });
  expect_same(one(request), expected, 2e-5);
  // The same list in another order, with repetitions, is the same filter.
  auto shuffled = std::make_shared<std::vector<int64_t>>(*request.allowed);
  shuffled->insert(shuffled->end(), request.allowed->begin(), request.allowed->end());
  std::shuffle(shuffled->begin(), shuffled->end(), random_);
  const Answer before = one(request);
  request.allowed = shuffled;
  const Answer after = one(request);
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].item, before[i].item);
    EXPECT_EQ(after[i].score, before[i].score) << "to the bit";
  }
}

TEST_F(Serving, ConcurrentCallsGiveTheAnswersOfSerialOnes) {
  std::vector<Request> requests;
  for (int r = 0; r < 24; ++r) {
    requests.push_back(random_request());
    if (r % 2 == 1) requests.back().allowed = random_filter();
  }
  std::vector<Answer> serial(requests.size()), concurrent(requests.size());
  for (size_t r = 0; r < requests.size(); ++r) serial[r] = one(requests[r]);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (size_t r = t; r < requests.size(); r += 6) concurrent[r] = one(requests[r]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t r = 0; r < requests.size(); ++r) {
    ASSERT_EQ(concurrent[r].size(), serial[r].size());
    for (size_t i = 0; i < serial[r].size(); ++i) {
      EXPECT_EQ(concurrent[r][i].item, serial[r][i].item);
      EXPECT_EQ(concurrent[r][i].score, serial[r][i].score) << "to the bit";
    }
  }
}

// Evaluation and answers rank by one path, which sees rows with targets: they must not show.
TEST_F(Serving, TargetsDoNotShow) {
  kit::TestContext context;
  const host::LoadedModel model(*experiment_.parts, host::wording_of(*experiment_.parts), folders(),
                                /*with_test=*/false, context);
  SamplesBuilder some, others;
  for (int row = 0; row < 20; ++row) {
    const std::vector<int64_t> history = random_request().history;
    some.add(row, history, static_cast<int64_t>(random_() % 120), 7);
    others.add(row, history, static_cast<int64_t>(random_() % 120), 9);
  }
  const auto rank = [&](const SamplesBuilder& rows) {
    return model.rank(rows.build(), *model.trie, experiment_.parts->evaluate, context);
  };
  const Rankings a = rank(some), b = rank(others);
  EXPECT_TRUE(torch::equal(a.item_SM, b.item_SM));
  EXPECT_TRUE(torch::equal(a.score_SM, b.score_SM));
}

TEST_F(Serving, RefusesWhatItCannotAnswer) {
  const auto complaint = [&](const Request& request) {
    return message_of<Error>([&] { one(request); });
  };
  EXPECT_TRUE(contains(complaint({{}, 3, nullptr}), "at least one item"));
  EXPECT_TRUE(contains(complaint({{3}, 0, nullptr}), "at least one item must be asked for"));
  EXPECT_TRUE(contains(complaint({{3, 120}, 3, nullptr}), "names item 120"));
  EXPECT_TRUE(contains(complaint({{-1}, 3, nullptr}), "names item -1"));
  const auto nothing = std::make_shared<const std::vector<int64_t>>();
  EXPECT_TRUE(contains(complaint({{3}, 3, nothing}), "names no item of the catalogue"));
}

TEST_F(Serving, TheCommandPrintsTheServicesAnswers) {
  Request request{{3, 7}, 6, nullptr};
  const Answer answer = one(request);
  const Outcome printed =
      run("recommend " + run_->string() + " item-3 item-7 --json --top 6" + where());
  ASSERT_EQ(printed.code, 0) << printed.text;
  const auto json = nlohmann::json::parse(printed.text);
  ASSERT_EQ(json.at("items").size(), answer.size());
  for (size_t i = 0; i < answer.size(); ++i) {
    EXPECT_EQ(json["items"][i]["item"], service_.items().key(answer[i].item));
    EXPECT_EQ(json["items"][i]["score"].get<double>(), answer[i].score);
  }
}

// --- a run answers with what it made

TEST(RunRecord, AnOldRunKeepsAnsweringAndSaysWhatIsGone) {
  const TempFolder folder;
  const std::string where = " --store " + (folder.path() / "store").string();
  // A copy of the experiment that can change behind the run's back.
  folder.write("experiment.toml", "include = \"" + kSmoke + "/experiment.toml\"\n" +
                                      "[[stage]]\nuse = \"grpo\"\nenabled = false\n");
  const Outcome made = run("run " + folder.path().string() + where);
  ASSERT_EQ(made.code, 0) << made.text;
  const fs::path run_folder = between(made.text, "run folder: ", "\n");
  const auto record = nlohmann::json::parse(io::read_text(run_folder / "stages.json"));
  for (const char* stage : {"load", "resolve", "stage.sft", "evaluate.sft"}) {
    EXPECT_EQ(record.at(stage).at("key").get<std::string>().size(), 64u) << stage;
    EXPECT_EQ(record.at(stage).at("digest").get<std::string>().size(), 64u) << stage;
    EXPECT_EQ(record.at(stage).at("state"), "ran") << stage;
  }
  const std::string ask = "recommend " + run_folder.string() + " item-3 item-7 --top 4" + where;
  const Outcome answer = run(ask);
  ASSERT_EQ(answer.code, 0) << answer.text;

  // The run's settings would be planned otherwise now, as after a change of its files or plugins:
  // nothing of the plan is stored, and the run answers with what it made.
  const std::string settings = io::read_text(run_folder / "resolved.toml");
  const size_t at = settings.find("max_steps = 24");
  ASSERT_NE(at, std::string::npos) << settings;
  io::write_text(run_folder / "resolved.toml",
                 std::string(settings).replace(at, 14, "max_steps = 23"));
  EXPECT_TRUE(contains(run("plan " + run_folder.string() + where).text, "max_steps: 24 -> 23"));
  EXPECT_EQ(run(ask).text, answer.text);
  const Outcome planned = run(ask + " --set stage.sft.max_steps=22");
  EXPECT_EQ(planned.code, 2) << planned.text;
  EXPECT_TRUE(contains(planned.text, "run the experiment first:  tsrec run")) << planned.text;
  const std::string exported = (folder.path() / "hf").string();
  EXPECT_EQ(run("export " + run_folder.string() + " " + exported + where).code, 0);

  // Gone from the store, made anew, or never recorded: one sentence each.
  const std::string key = record.at("stage.sft").at("key");
  const fs::path artefact = folder.path() / "store" / "store" / key.substr(0, 2) / key;
  const std::string digest = io::read_text(artefact / "digest.txt");
  io::write_text(artefact / "digest.txt", std::string(64, '0'));
  const Outcome anew = run(ask);
  EXPECT_EQ(anew.code, 2) << anew.text;
  EXPECT_TRUE(contains(anew.text, "'stage.sft' is not in the store (it was made anew since then"))
      << anew.text;
  fs::remove_all(artefact);
  const Outcome gone = run(ask);
  EXPECT_EQ(gone.code, 2) << gone.text;
  EXPECT_TRUE(contains(gone.text,
                       "'stage.sft' is not in the store (the run's artefact is gone); run the "
                       "experiment first:  tsrec run " +
                           run_folder.string()))
      << gone.text;
  EXPECT_EQ(run("export " + run_folder.string() + " " + exported + "2" + where).code, 2);
  fs::remove(run_folder / "stages.json");
  const Outcome unrecorded = run(ask);
  EXPECT_EQ(unrecorded.code, 2) << unrecorded.text;
  EXPECT_TRUE(contains(unrecorded.text, "has no stages.json")) << unrecorded.text;
}

ino_t inode_of(const fs::path& file) {
  struct stat facts {};
  EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
  return facts.st_ino;
}

// A build writes into the file that it made before: to the run that is another plugin.
TEST(RunRecord, ARunKeepsThePluginsThatItUsed) {
  const TempFolder folder;
  const std::string where = " --store " + (folder.path() / "store").string();
  const fs::path file = folder.path() / "plugins" / "metric.so", bad = TSREC_BAD_PLUGINS;
  fs::create_directories(file.parent_path());
  const auto build = [&](const std::string& name) {
    std::ofstream(file, std::ios::binary) << io::read_text(bad / name / (name + ".so"));
  };
  build("before_rebuild");
  folder.write("experiment.toml", "include = \"" + kSmoke + "/experiment.toml\"\n" +
                                      "[[stage]]\nuse = \"grpo\"\nenabled = false\n" +
                                      "[[evaluate.metric]]\nuse = \"always\"\n");
  const Outcome made = run("run " + folder.path().string() + where);
  ASSERT_EQ(made.code, 0) << made.text;
  const std::string run_folder = between(made.text, "run folder: ", "\n");
  const std::string ask = "recommend " + run_folder + " item-3 item-7 --top 4" + where;
  const Outcome answer = run(ask);
  ASSERT_EQ(answer.code, 0) << answer.text;

  const ino_t inode = inode_of(file);
  build("after_rebuild");
  ASSERT_EQ(inode_of(file), inode) << "written in place";
  EXPECT_EQ(run("recommend " + folder.path().string() + " item-3" + where).code, 2)
      << "the experiment asks for a metric that the plugin has no more";
  EXPECT_EQ(run(ask).text, answer.text);
  // Also where the new one is found as well.
  EXPECT_EQ(run(ask + " --plugins " + (folder.path() / "plugins").string()).text, answer.text);
  const Outcome plan = run("plan " + run_folder + where);
  EXPECT_EQ(plan.code, 0) << plan.text;
  EXPECT_FALSE(contains(plan.text, "runs:")) << plan.text;
  EXPECT_EQ(run("export " + run_folder + " " + (folder.path() / "hf").string() + where).code, 0);

  // One copy in the store, by its content, and a hard link in the run.
  const std::string digest =
      io::sha256(io::read_text(bad / "before_rebuild" / "before_rebuild.so"));
  const fs::path kept = folder.path() / "store" / "plugins" / digest / "metric.so";
  ASSERT_TRUE(fs::exists(kept));
  EXPECT_EQ(io::sha256_of_file(kept), digest);
  const fs::path own = fs::path(run_folder) / "plugins" / "1";
  EXPECT_EQ(inode_of(own / "metric.so"), inode_of(kept));
  EXPECT_EQ(io::read_text(own / "source.txt"), file.string() + "\n");
}

// A stage that is stopped leaves what was made before it.
TEST(RunRecord, AStoppedRunRecordsWhatThereIsSoFar) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const Outcome stopped = run("run " + kSmoke + " --set run.time_budget_minutes=1e-7" + where);
  ASSERT_EQ(stopped.code, 5) << stopped.text;
  const fs::path run_folder = fs::directory_iterator(store.path() / "runs")->path();
  const auto record = nlohmann::json::parse(io::read_text(run_folder / "stages.json"));
  EXPECT_EQ(record.at("load").at("state"), "stored");
  EXPECT_EQ(record.at("stage.grpo").at("state"), "not run");
  const Outcome answer = run("recommend " + run_folder.string() + " item-3" + where);
  EXPECT_EQ(answer.code, 2) << answer.text;
  EXPECT_TRUE(contains(answer.text, "the run ended without it (not run)")) << answer.text;
}

}  // namespace
}  // namespace tsrec::test
