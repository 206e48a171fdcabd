// Every part that we ship obeys the rules that third parties are held to.
#include <nlohmann/json.hpp>
#include <set>

#include "support/chat_server.hpp"
#include "support/published_files.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {
namespace {

using kit::Finding;
using kit::Subject;
using kit::Verdict;

// Files for the parts that read some, and shorter training for those that would take long.
class Options {
 public:
  Options() {
    io::write_npy(folder_.path() / "x.npy", kit::toy_vectors(60, 4));
    const kit::ToyWorld world;
    world.plain->save(folder_.path() / "model");
    nlohmann::json notes = nlohmann::json::array();
    for (const TokenNote& note : world.notes)
      notes.push_back(
          {{"token", note.token}, {"description", note.description}, {"keywords", note.keywords}});
    io::write_text(folder_.path() / "notes.json", notes.dump());
    write_user_texts(world.data);
    write_events();
    const auto in = [&](const char* name) { return (folder_.path() / name).string(); };
    of_ = {
        {"pretrained", {{"path", in("model")}}},
        {"precomputed", {{"file", in("x.npy")}}},
        {"transformer",
         {{"path",
           (std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/sentence_bert").string()}}},
        {"published", {{"file", in("notes.json")}}},
        {"intention_to_sid", {{"file", in("users.json")}}},
        {"history_to_preference", {{"file", in("users.json")}}},
        {"local", {{"path", in("model")}, {"max_tokens", "16"}, {"description_tokens", "6"}}},
        {"openai", {{"base_url", chat_.url()}, {"model", "toy"}, {"cache", in("replies")}}},
        {"lc_rec", {{"folder", lc_rec_.path().string()}}},
        {"minionerec", {{"folder", minionerec_.path().string()}}},
        {"sasrec", {{"epochs", "3"}}},
        {"hstu", {{"epochs", "3"}, {"item_vectors", "add"}, {"loss", "sampled_softmax"}}},
        {"gru4rec", {{"epochs", "3"}, {"variant", "minionerec"}, {"loss", "bpr_max"}}},
        {"caser", {{"epochs", "3"}, {"loss", "bce"}, {"negatives", "1"}}},
        {"bert4rec", {{"epochs", "3"}}},
        {"csv", {{"file", in("events.csv")}}},
        {"movielens", {{"folder", in("movies")}, {"k_user", "1"}, {"k_item", "1"}}},
        {"recbole", {{"folder", in("atomic")}}},
        {"amazon_reviews",
         {{"reviews", in("reviews.json")},
          {"products", in("meta.json")},
          {"k_user", "1"},
          {"k_item", "1"}}},
        {"rq_vae", {{"epochs", "3"}, {"evaluate_every", "2"}}},
        {"scratch", {{"pretrain_steps", "5"}, {"pretrain_batch_tokens", "256"}}},
        {"grpo", {{"completions", "4"}, {"batch_prompts", "4"}}},
        {"guard", {{"below", "0.2"}, {"in_a_row", "8"}}}};
  }
  // Of every training row a text or two, in LC-Rec's layout.
  void write_user_texts(const Dataset& data) {
    nlohmann::json preferences, train;
    for (int64_t row = 0; row < data.train.size(); ++row) {
      const std::string user = std::to_string(row);
      preferences[user] = {"likes bolts", "likes what is red"};
      train[user] = {{"item", data.items.key(data.train.target(row))},
                     {"inters", nlohmann::json::array()},
                     {"querys", {"a bolt", "something red"}}};
      for (const int64_t item : data.train.history(row))
        train[user]["inters"].push_back(data.items.key(item));
    }
    io::write_text(folder_.path() / "users.json",
                   nlohmann::json{{"user_explicit_preference", preferences},
                                  {"user_vague_intention",
                                   {{"train", train}, {"test", nlohmann::json::object()}}}}
                       .dump());
  }
  // The same four events for each source of events.
  void write_events() {
    const auto write_events_as = [&](const std::string& file, std::string bytes, auto line) {
      for (int item = 1; item <= 4; ++item) bytes += line(item);
      folder_.write(file, bytes);
    };
    write_events_as("events.csv", "user_id,item_id,timestamp\n",
                    [](int item) { return c10::str("u,", item, ",", item, "\n"); });
    write_events_as("movies/ratings.dat", "",
                    [](int item) { return c10::str("1::", item, "::5::", item, "\n"); });
    write_events_as("movies/movies.dat", "",
                    [](int item) { return c10::str(item, "::Movie::War\n"); });
    write_events_as("atomic/toy.inter", "user_id:token\titem_id:token\ttimestamp:float\n",
                    [](int item) { return c10::str("u\t", item, "\t", item, "\n"); });
    write_events_as("reviews.json", "", [](int item) {
      return c10::str(R"({"reviewerID": "u", "asin": "B)", item, R"(", "unixReviewTime": )", item,
                      "}\n");
    });
    write_events_as("meta.json", "", [](int item) {
      return c10::str(R"({"asin": "B)", item, R"(", "title": "a title"})", "\n");
    });
  }
  OptionTexts of(const std::string& part) const {
    const auto found = of_.find(part);
    return found == of_.end() ? OptionTexts() : found->second;
  }

 private:
  ChatServer chat_;
  TempFolder folder_;
  LcRecFolder lc_rec_;
  MiniOneRecFolder minionerec_;
  std::map<std::string, OptionTexts> of_;
};

std::vector<std::filesystem::path> shipped() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TSREC_PLUGIN_FOLDER)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(OwnPlugins, ObeyEveryRule) {
  const Options options;
  int64_t parts = 0;
  std::set<std::string> in_steps;
  for (const auto& file : shipped()) {
    const PluginInfo& plugin = kit::open_plugin(file);
    for (size_t i = 0; i < plugin.count; ++i) {
      const Subject subject(plugin.parts[i], options.of(plugin.parts[i].name));
      ++parts;
      for (const Finding& finding : kit::conformance(subject)) {
        EXPECT_NE(finding.verdict, Verdict::broken)
            << plugin.parts[i].kind << " " << plugin.parts[i].name << ": " << finding.rule << "\n  "
            << finding.detail;
        EXPECT_FALSE(contains(finding.detail, "it needs a value for"))
            << plugin.parts[i].name << " was not tried";
        if (finding.rule.starts_with("stopped, saved") && finding.verdict == Verdict::kept)
          in_steps.insert(plugin.parts[i].name);
      }
    }
  }
  EXPECT_EQ(parts, 81);
  EXPECT_EQ(in_steps,
            (std::set<std::string>{"bert4rec", "caser", "dpo", "gru4rec", "grpo", "hstu", "rq_vae",
                                   "s_dpo", "sasrec", "scratch", "sft", "simpo"}));
}

TEST(OwnPlugins, ExportExactlyTwoNames) {
  for (const auto& file : shipped()) {
    const std::string command = "nm -D --defined-only --format=just-symbols " + file.string();
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string names;
    std::array<char, 256> buffer;
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) names += buffer.data();
    ASSERT_EQ(::pclose(pipe), 0);
    EXPECT_EQ(names, "tsrec_facts\ntsrec_plugin\n") << file;
  }
}

}  // namespace
}  // namespace tsrec::test
