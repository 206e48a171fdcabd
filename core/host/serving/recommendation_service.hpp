// A trained model that answers: which items come next after these.
#pragma once

#include <span>

#include "pipeline/run_context.hpp"
#include "serving/filters.hpp"
#include "serving/stored_model.hpp"

namespace tsrec::host::serving {

struct Request {
  std::vector<int64_t> history;  // item ids, oldest first; at least one
  int64_t count = 10;            // items of the answer; it is shorter where no more are allowed
  AllowList allowed;             // nothing else is recommended; null: the whole catalogue
};

struct Recommendation {
  int64_t item = -1;
  double score = 0;  // log-probability of its SID
};
using Answer = std::vector<Recommendation>;  // best first

// Made once from what a run stored; every call of after() is independent of all others. The
// registry that the experiment's parts come from must outlive it.
//
// Threads: after() may be called from any number of threads at the same time, and gives the answers
// of calls one after the other. What it reads (model, SIDs, trie, prompts) never changes once the
// constructor is through; what it writes is its own, except for the filters and the counters of the
// context, which have a lock each.
class TSREC_HOST_API RecommendationService {
 public:
  // expects_many: spend time and memory now on weights that answer faster.
  // Throws DataError when the stored model and SIDs do not belong together.
  RecommendationService(const Experiment& experiment, const ModelFolders& model, bool expects_many);

  const Items& items() const { return model_.data.items; }

  // One answer for each request, in their order: decoded together, a search for each width and
  // filter that is asked for. Items of a history older than the model ever saw in one are left out.
  // The width is that of [evaluate] beams, or `count` where more items are asked for.
  // Throws DataError: an empty history, an item that is not there, a filter that allows nothing;
  // ConfigError: a count below 1.
  std::vector<Answer> after(std::span<const Request> requests) const;

 private:
  std::vector<int64_t> shown_history(const Request& request) const;
  RunSettings run_;
  std::shared_ptr<const Parts> parts_;
  mutable RunContext context_;
  LoadedModel model_;
  Filters filters_;
  size_t longest_ = 1;  // history of a training row
};

}  // namespace tsrec::host::serving
