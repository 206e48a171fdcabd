// What a training asks of earlier stages: the items' vectors and the lists of recommenders, for the
// rewards that its trainer owns.
#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"
#include "support/published_files.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using host::StageId;
using Role = StageId::Role;

class EarlierStagesOf : public ::testing::Test {
 protected:
  host::Experiment read(const std::string& reward, const std::string& rest = "") {
    folder_.write("experiment.toml", "include = [\"" + std::string(TSREC_SOURCE_FOLDER) +
                                         "/experiments/000_smoke/experiment.toml\"]\n" + rest +
                                         "[[stage]]\nuse = \"grpo\"\n[[stage.reward]]\n" + reward);
    host::DocumentRequest request;
    request.file = folder_.path() / "experiment.toml";
    return host::make_experiment(host::Document::load(request), registry_);
  }
  static const host::Stage& stage(const host::Experiment& experiment, const StageId& id) {
    return *std::find_if(experiment.stages.begin(), experiment.stages.end(),
                         [&](const host::Stage& stage) { return stage.id == id; });
  }
  static bool reads(const host::Experiment& experiment, const StageId& id) {
    const auto& inputs = stage(experiment, {Role::train, "grpo"}).inputs;
    return std::find(inputs.begin(), inputs.end(), id) != inputs.end();
  }

  TempFolder folder_;
  host::Registry registry_{{}, ""};
};

TEST_F(EarlierStagesOf, ATrainingAreWhatItsRewardsAskFor) {
  const StageId vectors{Role::embed}, markov{Role::recommender, "markov"},
      popularity{Role::recommender, "popularity"};
  const host::Experiment neither = read("use = \"hierarchical\"\n");
  EXPECT_FALSE(reads(neither, vectors));
  EXPECT_FALSE(reads(neither, markov));
  for (const std::string name : {"cosine", "token_centroid"}) {
    const host::Experiment experiment = read("use = \"" + name + "\"\n");
    EXPECT_TRUE(reads(experiment, vectors)) << name;
    EXPECT_FALSE(reads(experiment, markov)) << name;
  }
  const host::Experiment asks = read("use = \"collaborative\"\nrecommender = \"popularity\"\n");
  EXPECT_FALSE(reads(asks, vectors));
  EXPECT_FALSE(reads(asks, markov));
  EXPECT_TRUE(reads(asks, popularity));
}

// markov's decay stands in no artefact of its stage, but decides what it answers.
TEST_F(EarlierStagesOf, TheRecommendersOptionsStandInTheKeyOfTheTraining) {
  const auto key = [&](const std::string& decay) {
    const host::Experiment experiment = read(
        "use = \"collaborative\"\n", "[[recommender]]\nuse = \"markov\"\ndecay = " + decay + "\n");
    const host::Stage& training = stage(experiment, {Role::train, "grpo"});
    const std::vector<std::string> digests(training.inputs.size(), "d");
    return host::key_text(training, experiment.run, digests, host::Store(folder_.path() / "store"));
  };
  EXPECT_EQ(key("0.5"), key("0.5"));
  EXPECT_NE(key("0.5"), key("0.25"));
}

TEST_F(EarlierStagesOf, ARecommenderThatIsNotThereIsRefused) {
  const auto refused = [&](const std::string& rest) {
    return message_of<ConfigError>(
        [&] { read("use = \"collaborative\"\nrecommender = \"markow\"\n", rest); });
  };
  EXPECT_TRUE(contains(refused(""),
                       "a part of the stage 'grpo' asks the [[recommender]] 'markow', and the "
                       "experiment has none of that name; did you mean 'markov'?"));
  std::string none;
  for (const char* name : {"popularity", "repeat_last", "markov"})
    none += c10::str("[[recommender]]\nuse = \"", name, "\"\nenabled = false\n");
  EXPECT_TRUE(contains(refused(none), "add one, such as configs/recommender/floors.toml"));
}

// From files to scores: what rewards are given is what those stages stored.
TEST_F(EarlierStagesOf, AreHandedOn) {
  const host::Experiment experiment =
      read("use = \"cosine\"\n[[stage.reward]]\nuse = \"collaborative\"\n",
           "[[stage]]\nuse = \"sft\"\nmax_steps = 2\n");
  const host::Store store(folder_.path() / "store");
  host::Trackers nobody;
  for (const host::StageResult& result :
       host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody)) {
    EXPECT_EQ(result.state, host::StageResult::State::ran)
        << result.id.text() << ": " << result.why;
    if (result.id == StageId{Role::train, "grpo"}) {
      const std::string curves = io::read_text(result.folder / "curves.jsonl");
      EXPECT_TRUE(contains(curves, "train.reward.cosine"));
      EXPECT_TRUE(contains(curves, "train.reward.collaborative"));
    }
  }
}

// An experiment whose SIDs come with its data has vectors for the rewards alone.
TEST_F(EarlierStagesOf, VectorsAreMadeWithoutAQuantizerToo) {
  const auto names = [&](const std::string& reward) {
    const LcRecFolder data;
    folder_.write("shipped.toml",
                  "[source]\nuse = \"lc_rec\"\nfolder = \"" + data.path().string() +
                      "\"\n[encoder]\nuse = \"lsa\"\n[backbone]\nuse = \"scratch\"\n"
                      "[initializer]\nuse = \"random\"\n[[task]]\nuse = \"next_item\"\n"
                      "[[stage]]\nuse = \"grpo\"\n[[stage.reward]]\nuse = \"" +
                      reward + "\"\n[evaluate]\nmetric = [{ use = \"hr\" }]\n" +
                      "[prompt]\nframe = \"{input}=\"\n[prompt.next_item]\ninput = "
                      "\"{history}\"\ntarget = \"{answer}\"\n");
    host::DocumentRequest request;
    request.file = folder_.path() / "shipped.toml";
    std::vector<std::string> found;
    for (const host::Stage& made :
         host::make_experiment(host::Document::load(request), registry_).stages)
      found.push_back(made.id.text());
    return found;
  };
  const std::vector<std::string> plain = names("exact_match"), with_vectors = names("cosine");
  EXPECT_EQ(std::count(plain.begin(), plain.end(), "embed"), 0);
  EXPECT_EQ(std::count(with_vectors.begin(), with_vectors.end(), "embed"), 1);
  EXPECT_EQ(std::count(with_vectors.begin(), with_vectors.end(), "quantize"), 0);
}

}  // namespace
}  // namespace tsrec::test
