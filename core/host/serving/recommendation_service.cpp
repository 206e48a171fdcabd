#include "serving/recommendation_service.hpp"

#include <algorithm>

#include "pipeline/wording.hpp"

namespace tsrec::host::serving {
namespace {

void check(const Request& request, int64_t num_items) {
  const auto is_item = [&](int64_t item) { return item >= 0 && item < num_items; };
  if (request.count < 1) throw ConfigError("at least one item must be asked for");
  if (request.history.empty()) throw DataError("a history needs at least one item");
  for (const int64_t item : request.history) {
    if (!is_item(item))
      throw DataError("the history names item ", item, ", but the catalogue has the items 0 .. ",
                      num_items - 1);
  }
}

// Requests that one search answers: of one width, over one trie.
using Group = std::pair<std::shared_ptr<const Trie>, int64_t>;

Answer best_of(const Rankings& rankings, int64_t row, int64_t count) {
  Answer answer;
  for (int64_t m = 0; m < rankings.item_SM.size(1); ++m) {
    const int64_t item = rankings.item_SM[row][m].item<int64_t>();
    if (item < 0 || static_cast<int64_t>(answer.size()) == count) break;
    answer.push_back({item, rankings.score_SM[row][m].item<double>()});
  }
  return answer;
}

}  // namespace

RecommendationService::RecommendationService(const Experiment& experiment,
                                             const ModelFolders& model, bool expects_many)
    : run_(experiment.run),
      parts_(experiment.parts),
      context_(run_, "recommend", ""),
      model_(*parts_, wording_of(*parts_), model, /*with_test=*/false, context_),
      filters_(model_.trie) {
  for (int64_t row = 0; row < model_.data.train.size(); ++row)
    longest_ = std::max(longest_, model_.data.train.history(row).size());
  if (expects_many) model_.backbone->pack_weights();
}

std::vector<int64_t> RecommendationService::shown_history(const Request& request) const {
  const size_t shown = std::min(request.history.size(), longest_);
  return {request.history.end() - static_cast<std::ptrdiff_t>(shown), request.history.end()};
}

std::vector<Answer> RecommendationService::after(std::span<const Request> requests) const {
  std::map<Group, std::vector<size_t>> groups;
  for (size_t r = 0; r < requests.size(); ++r) {
    check(requests[r], items().size());
    const auto trie = filters_.trie_for(requests[r].allowed);
    const int64_t beams = std::max(parts_->evaluate.beams, requests[r].count);
    groups[{trie, std::min(beams, trie->num_leaves())}].push_back(r);
  }
  std::vector<Answer> answers(requests.size());
  for (const auto& [group, members] : groups) {
    SamplesBuilder rows;
    for (const size_t r : members) {
      const std::vector<int64_t> history = shown_history(requests[r]);
      // A row has a target; prompts do not show it. Nobody of the data asks.
      rows.add(/*user=*/-1, history, /*target=*/history.back(), /*time=*/0);
    }
    EvaluateSettings settings = parts_->evaluate;
    settings.beams = group.second;
    settings.constraint = "trie";  // who asks wants items, and as many
    const Rankings rankings = model_.rank(rows.build(), *group.first, settings, context_);
    for (size_t i = 0; i < members.size(); ++i)
      answers[members[i]] = best_of(rankings, static_cast<int64_t>(i), requests[members[i]].count);
  }
  return answers;
}

}  // namespace tsrec::host::serving
