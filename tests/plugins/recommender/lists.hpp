// The lists of a recommender that went through its files.
#pragma once

#include "support/support.hpp"
#include "tsrec/parts/recommender.hpp"

namespace tsrec::test {

// Fitted, saved, and loaded again; both give the same lists.
inline Rankings lists_of(const std::string& name, const OptionTexts& options, const Dataset& data,
                         int64_t length) {
  TestContext context;
  const auto fitted = make_part<Recommender>(name, context, options);
  fitted->fit({data, nullptr}, context);
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "part");
  fitted->save(writer);
  writer.close();
  const auto loaded = make_part<Recommender>(name, context, options);
  loaded->load(ArtifactReader(folder.path() / "part"));
  Rankings rankings = loaded->rank(data.test, length, context);
  const Rankings before = fitted->rank(data.test, length, context);
  EXPECT_TRUE(torch::equal(rankings.item_SM, before.item_SM));
  EXPECT_TRUE(torch::equal(rankings.score_SM, before.score_SM));
  EXPECT_FALSE(rankings.leaf_SM.defined());
  return rankings;
}

}  // namespace tsrec::test
