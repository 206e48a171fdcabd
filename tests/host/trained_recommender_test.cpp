// A recommender that trains, in an experiment: its stages, what it is given, and how it ends.
#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using host::StageId;
using Role = StageId::Role;

class TrainedRecommender : public ::testing::Test {
 protected:
  host::Experiment read(const std::string& options, const std::string& encoder) {
    folder_.write("experiment.toml",
                  "[source]\nuse = \"synthetic\"\nitems = 60\nusers = 80\n" + encoder +
                      "[[recommender]]\nuse = \"sasrec\"\nwidth = 8\n" + options +
                      "[evaluate]\nmetric = [{ use = \"hr\", k = [1] }]\n");
    host::DocumentRequest request;
    request.file = folder_.path() / "experiment.toml";
    return host::make_experiment(host::Document::load(request), registry_);
  }
  static std::vector<std::string> stages_of(const host::Experiment& experiment) {
    std::vector<std::string> names;
    for (const host::Stage& stage : experiment.stages) names.push_back(stage.id.text());
    return names;
  }

  TempFolder folder_;
  host::Registry registry_{{}, ""};
};

const std::string kLsa = "[encoder]\nuse = \"lsa\"\ndimensions = 8\n";
using Names = std::vector<std::string>;

TEST_F(TrainedRecommender, HasTheVectorsWhereAnOptionAsksForThem) {
  const Names without = {"load", "audit", "recommender.sasrec", "evaluate.sasrec"};
  EXPECT_EQ(stages_of(read("", kLsa)), without);
  EXPECT_EQ(stages_of(read("", "")), without);
  EXPECT_EQ(stages_of(read("item_vectors = \"add\"\n", kLsa)),
            (Names{"load", "embed", "audit", "recommender.sasrec", "evaluate.sasrec"}));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { read("item_vectors = \"init\"\n", ""); }),
                       "the recommender 'sasrec' needs [encoder]"));
}

TEST_F(TrainedRecommender, TrainsUntilItGetsNoBetterAndIsRanked) {
  const host::Experiment experiment =
      read("item_vectors = \"add\"\nepochs = 1000\nlearning_rate = 0.05\nstop_after = 2\n", kLsa);
  const host::Store store(folder_.path() / "store");
  host::Trackers nobody;
  int64_t validations = 0;
  for (const host::StageResult& result :
       host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody)) {
    ASSERT_EQ(result.state, host::StageResult::State::ran)
        << result.id.text() << ": " << result.why;
    if (result.id != StageId{Role::recommender, "sasrec"}) continue;
    const std::string curves = io::read_text(result.folder / "curves.jsonl");
    for (size_t at = curves.find("valid.loss"); at != std::string::npos;
         at = curves.find("valid.loss", at + 1))
      ++validations;
  }
  EXPECT_GE(validations, 3);
  EXPECT_LT(validations, 1000);  // the part says when, without a word in the experiment's stage
}

// sid_neighbours says kNeeds = "quantizer", sasrec does not.
class RecommenderOverSids : public ::testing::Test {
 protected:
  host::Experiment read(const std::string& sids) {
    folder_.write("experiment.toml",
                  "[source]\nuse = \"synthetic\"\nitems = 60\nusers = 80\n" + sids +
                      "[[recommender]]\nuse = \"sasrec\"\nwidth = 8\nepochs = 1\n"
                      "[[recommender]]\nuse = \"sid_neighbours\"\n"
                      "[evaluate]\nmetric = [{ use = \"hr\", k = [1] }]\n");
    host::DocumentRequest request;
    request.file = folder_.path() / "experiment.toml";
    return host::make_experiment(host::Document::load(request), registry_);
  }
  static std::vector<StageId> inputs_of(const host::Experiment& experiment,
                                        const std::string& recommender) {
    return std::find_if(experiment.stages.begin(), experiment.stages.end(),
                        [&](const host::Stage& stage) {
                          return stage.id == StageId{Role::recommender, recommender};
                        })
        ->inputs;
  }

  TempFolder folder_;
  host::Registry registry_{{TSREC_TOKENS_ONLY}, ""};
};

const std::string kSids =
    "[quantizer]\nuse = \"rq_kmeans\"\nlevels = 2\ncodes = 4\n[resolver]\nuse = \"none\"\n";

TEST_F(RecommenderOverSids, HasThemAsAnInputAndOthersHaveNot) {
  const host::Experiment experiment = read(kLsa + kSids);
  EXPECT_EQ(inputs_of(experiment, "sasrec"), (std::vector<StageId>{{Role::load}}));
  EXPECT_EQ(inputs_of(experiment, "sid_neighbours"),
            (std::vector<StageId>{{Role::load}, {Role::resolve}}));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { read(""); }),
                       "the recommender 'sid_neighbours' needs [quantizer]"));
}

TEST_F(RecommenderOverSids, IsGivenThoseOfTheExperiment) {
  const host::Experiment experiment = read(kLsa + kSids);
  const host::Store store(folder_.path() / "store");
  host::Trackers nobody;
  std::map<std::string, std::filesystem::path> made;
  for (const host::StageResult& result :
       host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody)) {
    ASSERT_EQ(result.state, host::StageResult::State::ran)
        << result.id.text() << ": " << result.why;
    made[result.id.text()] = result.folder;
  }
  const torch::Tensor given =
      ArtifactReader(made["recommender.sid_neighbours"] / "recommender").tensor("code_NL");
  EXPECT_TRUE(torch::equal(given, host::read_sids(made["resolve"]).code_NL));
  EXPECT_TRUE(ArtifactReader(made["evaluate.sid_neighbours"]).has("item.hr@1"));
}

}  // namespace
}  // namespace tsrec::test
