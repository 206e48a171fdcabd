#include "rules.hpp"
#include "tsrec/parts/extractor.hpp"

namespace tsrec::kit {
namespace extractor_rule {  // rules of other kinds have the same names

std::vector<TokenNote> extracted(const Subject& subject, const std::vector<TokenCluster>& clusters,
                                 const Items& items) {
  TestContext context;
  return subject.make_as<Extractor>(context)->extract(clusters, items, context);
}

void one_note_per_cluster(const Subject& subject) {
  const std::vector<TokenCluster> clusters = token_clusters(toy_sids());
  boundary::check_notes(extracted(subject, clusters, toy_items()), clusters);
}

void the_same_again(const Subject& subject) {
  const std::vector<TokenCluster> clusters = token_clusters(toy_sids());
  const auto a = extracted(subject, clusters, toy_items()),
             b = extracted(subject, clusters, toy_items());
  require(a.size() == b.size(), a.size(), " notes, then ", b.size());
  for (size_t i = 0; i < a.size(); ++i)
    require(a[i].token == b[i].token && a[i].description == b[i].description &&
                a[i].keywords == b[i].keywords,
            "the note of ", a[i].token, " differs the second time");
}

void few_items_and_no_texts(const Subject& subject) {
  require(extracted(subject, {}, toy_items()).empty(), "no clusters give notes");
  const std::vector<TokenCluster> one = token_clusters(toy_sids(1));
  works_or_says_why([&] { boundary::check_notes(extracted(subject, one, toy_items(1)), one); });
  std::vector<std::string> keys;
  for (int64_t item = 0; item < 60; ++item) keys.push_back(c10::str("item-", item));
  const std::vector<TokenCluster> clusters = token_clusters(toy_sids());
  works_or_says_why(
      [&] { boundary::check_notes(extracted(subject, clusters, Items(keys)), clusters); });
}

}  // namespace extractor_rule

std::vector<Rule> extractor_rules() {
  using namespace extractor_rule;
  std::vector<Rule> rules = {
      {"at most one note per cluster, in their order, in UTF-8, none empty", one_note_per_cluster},
      {"equal clusters and seed give equal notes", the_same_again},
      {"no clusters, one item, items without texts: notes, or a sentence", few_items_and_no_texts}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         subject.make_as<Extractor>(context)->extract(token_clusters(toy_sids()), toy_items(),
                                                      context);
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
