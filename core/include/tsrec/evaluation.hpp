// Ranked lists, rollouts and the numbers computed from them.
#pragma once

#include <functional>

#include "tsrec/data.hpp"

namespace tsrec {

// Best first, one entry per item; -1 = none. For language models items of one leaf (one SID) are
// neighbours with one leaf number (SidTable::group_N) and one score; recommenders rank items and
// leave leaf_SM undefined.
struct Rankings {
  torch::Tensor leaf_SM, item_SM;  // int64
  torch::Tensor score_SM;          // float32
  // int64: the first that many SIDs of the row are proven to be the best of the whole catalogue
  // under the model; undefined where nobody knows.
  torch::Tensor certified_S;
  // Answers of the model that spell no SID of the catalogue: they stand in no list.
  int64_t num_illegal = 0;
};

// The first of the items of each row that a recommender ranks: [S, min(num_candidates, items)],
// leaf_SM undefined. Looks at the histories, never at the targets. Thread-safe.
using RankItems = std::function<Rankings(const Samples& samples, int64_t num_candidates)>;

// Completions of B prompts, G each, best first (samples as they were drawn): the place of a
// completion is its rank. Items, never strings. Tensors on the CPU.
struct TSREC_API Rollouts {
  // int64; item: the first item of the leaf. -1: by level, where the codes are no item's.
  torch::Tensor leaf_BG, item_BG;
  torch::Tensor log_prob_BG;  // float32, without gradient
  torch::Tensor certified_B;  // int64, as in Rankings; undefined for samples
  torch::Tensor target_B;     // int64; target item of each prompt (-1: none)
  // B rows: what user, history and time each prompt is of. A prompt that asks about no row, such as
  // one with an item's title, has user -1 and no history.
  Samples samples;
  std::vector<std::vector<std::vector<int32_t>>>
      token_BG;  // [B][G] token ids of the SID, without forced suffix

  // For those who judge by the samples. An Error where there is not one for each prompt; asker:
  // what it begins with, such as "reward 'collaborative' judges completions by".
  void require_samples(std::string_view asker) const;
};

struct Evaluation {
  const Rankings& rankings;
  const Samples& samples;
  const Dataset& data;
  const SidTable* sids = nullptr;  // null: no SIDs in this experiment
};

// Where the target of every row stands (method 11).
struct TargetPlaces {
  // SID match: 0-based place of the target's SID among the distinct SIDs of the list; -1 if absent.
  std::vector<int64_t> sid_place;
  // Item match: items listed before the target's group, and the size of that group (items of one
  // leaf share their place: the expectation over a random order inside the group counts). before =
  // -1 if absent.
  std::vector<int64_t> before, group;
};
TSREC_API TargetPlaces target_places(const Evaluation& evaluation);

// Which way of a number is the better one. Only who measures it can say so; a report warns of
// losses where it is known, and claims nothing where it is not.
enum class Better : uint8_t { unknown, higher, lower };

struct Number {
  std::string name;  // "item.hr@10", "sid.ndcg@5", "coverage@10"
  double value = 0;
  torch::Tensor row_S;  // float64 value per sample, if any: intervals and paired tests use it
  Better better = Better::unknown;
};
using Numbers = std::vector<Number>;

}  // namespace tsrec
