// What a report says of a catalogue's SIDs, counted again by their texts.
#include <nlohmann/json.hpp>

#include "random_sids.hpp"
#include "report/keywords.hpp"
#include "report/one_line.hpp"
#include "report/sid_tree.hpp"
#include "report/sid_usage.hpp"

namespace tsrec::test {
namespace {

using host::SidTree;
using host::SidUsage;

constexpr int64_t kReportItems = 70;

TEST(SidUsage, CountsCodesNodesAndCollisions) {
  RandomNumbers random;
  const SidTable sids = random_sids(kReportItems, random);
  SamplesBuilder builder;
  for (int64_t row = 0; row < 200; ++row)
    builder.add(row, std::vector<int64_t>{0}, random.below(kReportItems), row);
  const Samples train = builder.build();
  const SidUsage usage = host::sid_usage(sids, train);

  std::map<std::string, int64_t> items_of_sid;
  for (int64_t item = 0; item < kReportItems; ++item) ++items_of_sid[sids.text(item)];
  EXPECT_EQ(usage.items, kReportItems);
  EXPECT_EQ(usage.sids, static_cast<int64_t>(items_of_sid.size()));
  int64_t collided = 0, collided_rows = 0;
  for (int64_t item = 0; item < kReportItems; ++item) collided += items_of_sid[sids.text(item)] > 1;
  for (int64_t row = 0; row < train.size(); ++row)
    collided_rows += items_of_sid[sids.text(train.target(row))] > 1;
  EXPECT_EQ(usage.collided, collided);
  EXPECT_EQ(usage.rows, 200);
  EXPECT_EQ(usage.collided_rows, collided_rows);
  std::map<int64_t, int64_t> sids_of_size;
  for (const auto& [sid, items] : items_of_sid) ++sids_of_size[items];
  EXPECT_EQ(usage.sids_of_size, sids_of_size);

  ASSERT_EQ(usage.levels.size(), 3u);
  for (int64_t level = 0; level < 3; ++level) {
    std::map<int64_t, int64_t> items_of_code;
    std::map<std::string, std::set<std::string>> children_of;
    std::set<std::string> nodes;
    for (int64_t item = 0; item < kReportItems; ++item) {
      const int64_t code = sids.code_NL[item][level].item<int64_t>();
      if (code < 0) continue;
      ++items_of_code[code];
      nodes.insert(first_codes(sids, item, level + 1));
      children_of[first_codes(sids, item, level)].insert(first_codes(sids, item, level + 1));
    }
    double bits = 0, all = 0;
    std::vector<int64_t> counts;
    for (const auto& [code, items] : items_of_code) all += static_cast<double>(items);
    for (const auto& [code, items] : items_of_code) {
      counts.push_back(items);
      bits -= static_cast<double>(items) / all * std::log2(static_cast<double>(items) / all);
    }
    std::sort(counts.rbegin(), counts.rend());
    const SidUsage::Level& found = usage.levels[static_cast<size_t>(level)];
    EXPECT_EQ(found.size, sids.sizes[static_cast<size_t>(level)]);
    EXPECT_EQ(found.items, counts);
    EXPECT_NEAR(found.perplexity, std::exp2(bits), 1e-9);
    EXPECT_EQ(found.nodes, static_cast<int64_t>(nodes.size()));
    int64_t most = 0, only = 0;
    for (const auto& [parent, children] : children_of) {
      most = std::max(most, static_cast<int64_t>(children.size()));
      only += children.size() == 1;
    }
    EXPECT_EQ(found.most_children, most);
    EXPECT_EQ(found.only_children, only);
    EXPECT_NEAR(found.mean_children,
                static_cast<double>(nodes.size()) / static_cast<double>(children_of.size()), 1e-12);
  }
}

TEST(SidUsage, ItsJsonShowsSomeOfManyCodes) {
  SidUsage usage;
  usage.items = usage.sids = 3000;
  usage.levels.push_back({.size = 2000, .items = std::vector<int64_t>(1100, 2), .nodes = 1100});
  usage.levels.back().items.front() = 802;
  usage.sids_of_size[1] = 3000;
  const auto json = host::sid_usage_json(usage);
  EXPECT_EQ(json["sids_of_size"].dump(), "[[1,3000]]");
  const auto& level = json["levels"][0];
  EXPECT_EQ(level["used"], 1100);
  EXPECT_EQ(level["counts"].size(), 512u);
  EXPECT_EQ(level["counts"][0], 802);
  EXPECT_EQ(level["counts"][511], 2);
}

int64_t below(const SidTable& sids, const std::string& prefix) {
  int64_t items = 0;
  for (int64_t item = 0; item < sids.num_items(); ++item)
    items += sids.text(item).starts_with(prefix);
  return items;
}

int64_t children(const SidTable& sids, const std::string& prefix) {
  std::set<std::string> next;
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    const std::string text = sids.text(item);
    if (text.starts_with(prefix) && text.size() > prefix.size())
      next.insert(text.substr(prefix.size(), text.find('>', prefix.size()) + 1 - prefix.size()));
  }
  return static_cast<int64_t>(next.size());
}

struct Shown {
  int64_t sids = 0, items = 0;
  std::set<std::string> titles, tokens;
};

// Every node holds what the items' texts say.
void look_at(const SidTree::Node& node, const std::string& before, const SidTable& sids,
             Shown& shown) {
  const std::string prefix = before + node.token;
  EXPECT_EQ(node.items, below(sids, prefix)) << prefix;
  EXPECT_EQ(node.children, children(sids, prefix)) << prefix;
  EXPECT_LE(static_cast<int64_t>(node.shown.size()), node.children);
  shown.tokens.insert(node.token);
  if (node.here > 0) {
    EXPECT_EQ(node.here, node.items) << "no SID is the beginning of another";
    EXPECT_EQ(static_cast<int64_t>(node.titles.size()), std::min<int64_t>(3, node.here));
    ++shown.sids;
    shown.items += node.here;
    for (const std::string& title : node.titles) {
      EXPECT_TRUE(shown.titles.insert(title).second) << title;
      const int64_t item = std::stoll(title.substr(title.find_first_of("0123456789")));
      EXPECT_EQ(sids.text(item), prefix) << title;
    }
  }
  for (const SidTree::Node& child : node.shown) look_at(child, prefix, sids, shown);
}

TEST(SidTree, HoldsWhatTheTextsOfItsSidsSay) {
  RandomNumbers random;
  const SidTable sids = random_sids(kReportItems, random);
  std::vector<TokenNote> notes;
  for (const TokenCluster& cluster : token_clusters(sids))
    notes.push_back({cluster.token, "", {"of", cluster.token}});
  std::set<std::string> distinct, firsts;
  for (int64_t item = 0; item < kReportItems; ++item) {
    distinct.insert(sids.text(item));
    firsts.insert(first_codes(sids, item, 1));
  }
  for (const int64_t paths : {1000, 7, 1}) {
    const SidTree tree = host::sid_tree(sids, random_items(kReportItems), notes, paths);
    Shown shown;
    look_at(tree.root, "", sids, shown);
    EXPECT_EQ(tree.sids, static_cast<int64_t>(distinct.size()));
    EXPECT_EQ(tree.shown_sids, std::min(tree.sids, paths));
    EXPECT_EQ(shown.sids, tree.shown_sids);
    EXPECT_EQ(tree.root.items, kReportItems);
    EXPECT_EQ(tree.root.shown.size(), firsts.size());
    if (paths == 1000) {
      EXPECT_EQ(shown.items, kReportItems);
      EXPECT_EQ(shown.tokens.size(), notes.size() + 1);  // and the root
    }
    shown.tokens.erase("");
    EXPECT_EQ(tree.keywords.size(), shown.tokens.size());
    for (const std::string& token : shown.tokens)
      EXPECT_EQ(tree.keywords.at(token), "of, " + token);
  }
}

TEST(SidTree, ItsJsonLeavesOutWhatANodeDoesNotHave) {
  const SidTable sids{torch::tensor({{0, 0}, {0, 1}, {0, 1}, {1, -1}}, torch::kInt64), {2, 2}};
  const auto json = host::sid_tree_json(host::sid_tree(sids, random_items(4), {}));
  EXPECT_EQ(json["sids"], 3);
  EXPECT_EQ(json["shown_sids"], 3);
  EXPECT_EQ(
      json["root"].dump(),
      R"({"token":"","items":4,"children":2,"shown":[{"token":"<a_0>","items":3,"children":2,)"
      R"("shown":[{"token":"<b_0>","items":1,"here":1,"titles":["key0"]},{"token":"<b_1>",)"
      R"("items":2,"here":2,"titles":["title 1","title 2"]}]},{"token":"<a_1>","items":1,)"
      R"("here":1,"titles":["title 3"]}]})");
}

TEST(Keywords, AreTheFirstThatThereIsRoomFor) {
  const auto keywords = host::keywords_of(
      {{"<a_1>", "", {"guitar", "strings", "tuner"}}, {"<a_2>", "", {}}, {"<a_3>", "", {"bass"}}},
      /*most=*/16);
  EXPECT_EQ(keywords, (host::Keywords{{"<a_1>", "guitar, strings"}, {"<a_3>", "bass"}}));
}

TEST(OneLine, IsCutBetweenCharacters) {
  EXPECT_EQ(host::one_line("short\ttext"), "short text");
  EXPECT_EQ(host::one_line("12345", 5), "12345");
  EXPECT_EQ(host::one_line("123456", 5), "12345...");
  EXPECT_EQ(host::one_line("123\u20ac5", 5), "123...");
  EXPECT_EQ(host::shown_title(random_items(8), 7), "key7");
  EXPECT_EQ(host::shown_title(random_items(9), 8), "title 8");
}

}  // namespace
}  // namespace tsrec::test
