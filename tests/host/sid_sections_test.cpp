// What a page has to show of SIDs and users where some stages are stored, and where none is.
#include "report/page/sid_sections.hpp"

#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "random_sids.hpp"

namespace tsrec::test {
namespace {

using Role = host::StageId::Role;
using nlohmann::ordered_json;

constexpr int64_t kStoredItems = 50, kStoredRows = 20;

// Stages of a run without models, stored one by one.
class StoredStages {
 public:
  StoredStages() : store_(folder_.path() / "store") {
    data_.items = random_items(kStoredItems);
    data_.train = data_.valid = Samples::empty();
    SamplesBuilder test;
    for (int64_t row = 0; row < kStoredRows; ++row)
      test.add(row, std::vector<int64_t>{random.below(kStoredItems)}, random.below(kStoredItems),
               row);
    data_.test = test.build();
    experiment_.parts = std::make_shared<const host::Parts>();
  }

  void add_load() {
    store({Role::load}, [&](ArtifactWriter& out) { host::write_dataset(data_, out); });
  }
  void add_embed(const torch::Tensor& x_ND) {
    store({Role::embed}, [&](ArtifactWriter& out) { out.tensor("x_ND", x_ND); });
  }
  void add_resolve() {
    const SidTable sids = random_sids(kStoredItems, random);
    store({Role::resolve}, [&](ArtifactWriter& out) {
      host::write_sids(sids, std::vector<std::string>(kStoredItems, "key"), out);
    });
  }
  void add_evaluation(bool with_lists) {
    store({Role::rank_recommender, "markov"}, [&](ArtifactWriter& out) {
      host::write_numbers({}, data_.test, out);
      Rankings rankings;
      rankings.item_SM =
          std::get<1>(random.normal({kStoredRows, kStoredItems}).sort(1)).slice(1, 0, 20);
      if (with_lists) host::write_listed_items(rankings, Split::test, out);
    });
  }
  void forget(const host::StageId& id) {
    std::erase_if(stages_, [&](const host::StageResult& stage) { return stage.id == id; });
  }
  host::PageRun page_run() const {
    return {"run", "", folder_.path(), experiment_, store_, stages_, report_};
  }

  RandomNumbers random;

 private:
  void store(const host::StageId& id, const std::function<void(ArtifactWriter&)>& write) {
    forget(id);
    const auto place = folder_.path() / c10::str("artefact", ++count_);
    ArtifactWriter out(place);
    write(out);
    out.close();
    host::StageResult& stage = stages_.emplace_back();
    stage.id = id;
    stage.folder = place;
    stage.state = host::StageResult::State::stored;
    stage.digest = place.string();  // another one for every product
  }

  TempFolder folder_;
  host::Store store_;
  host::Experiment experiment_;
  host::RunReport report_;
  Dataset data_;
  std::vector<host::StageResult> stages_;
  int64_t count_ = 0;
};

// Which of the keys have something.
std::string shown(const StoredStages& stages) {
  const host::PageRun run = stages.page_run();
  std::string text;
  if (!host::depth_section(run).is_null()) text += "depth ";
  if (!host::sid_map_section(run).is_null()) text += "map ";
  if (!host::sid_usage_section(run).is_null()) text += "usage ";
  if (!host::sid_tree_section(run).is_null()) text += "tree ";
  if (!host::examples_section(run).is_null()) text += "examples ";
  return text;
}

TEST(SidSections, ShowWhatIsStored) {
  StoredStages stages;
  EXPECT_EQ(shown(stages), "");
  stages.add_load();
  EXPECT_EQ(shown(stages), "");
  stages.add_evaluation(/*with_lists=*/false);
  EXPECT_EQ(shown(stages), "");
  stages.add_evaluation(/*with_lists=*/true);
  EXPECT_EQ(shown(stages), "examples ");
  stages.add_resolve();
  EXPECT_EQ(shown(stages), "depth usage tree examples ");
  stages.add_embed(stages.random.normal({kStoredItems, 4}));
  EXPECT_EQ(shown(stages), "depth map usage tree examples ");
  const ordered_json map = host::sid_map_section(stages.page_run());
  EXPECT_EQ(map["items"]["title"].size(), static_cast<size_t>(kStoredItems));
  EXPECT_TRUE(map["tokens"].is_null());
  stages.forget({Role::load});
  EXPECT_EQ(shown(stages), "");
}

TEST(SidSections, SayWhyAMapCannotBeDrawn) {
  StoredStages stages;
  stages.add_load();
  stages.add_resolve();
  stages.add_embed(torch::ones({kStoredItems, 4}));
  EXPECT_TRUE(contains(host::sid_map_section(stages.page_run())["items"]["left_out"],
                       "all equal, span no plane"));
}

TEST(SidSections, FollowWhatIsStoredNow) {
  StoredStages stages;
  stages.add_load();
  stages.add_resolve();
  const ordered_json before = host::sid_tree_section(stages.page_run());
  EXPECT_EQ(host::sid_tree_section(stages.page_run()), before);
  stages.add_resolve();  // others
  EXPECT_NE(host::sid_tree_section(stages.page_run()), before);
}

}  // namespace
}  // namespace tsrec::test
