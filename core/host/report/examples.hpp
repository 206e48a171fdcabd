// A few rows of an evaluation to look at: what the user had, what every model lists, and what came.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/columns.hpp"
#include "report/keywords.hpp"

namespace tsrec::host {

struct TSREC_HOST_API ExampleUsers {
  struct List {
    std::string of;
    bool is_model = false;
    int64_t rank = 0;            // of the target in the whole stored list, from 1; 0: not there
    std::vector<int64_t> items;  // the first five
    std::vector<int64_t>
        shared;  // how many first codes each has of the target's; none without SIDs
  };
  struct User {
    int64_t row = 0, user = 0;     // row: of the evaluated ones
    std::string chosen;            // why: "even", or "higher" or "lower" by the later model
    std::vector<int64_t> history;  // the last ten, oldest first
    int64_t earlier = 0;           // items of the history before them
    int64_t target = 0;
    // The item of the history, the latest of several, whose SID has most first codes in common with
    // the target's, and how many; -1 where no item has one.
    int64_t nearest = -1, shared = 0;
    std::vector<List> lists;
  };
  Split split = Split::test;
  int64_t rows = 0;
  std::string before, after;  // the models that rows were chosen by; "" where there is one only
  std::vector<User> users;
};

// Four evenly spaced rows; behind them the two rows where the last trained model's target stands
// higher by the most (as 1 / rank; 0 where it is in no list) than that of the model it was trained
// from, and the two where it stands lower by the most. Of equal rows the first; no row twice. None
// where no column has stored lists.
TSREC_HOST_API ExampleUsers example_users(const Dataset& data, const SidTable* sids,
                                          const std::vector<Column>& columns);
// {"split", "rows", "before", "after", "items": {place: {"title", "sid": [tokens]}}, "keywords":
// {token: "..."}, "users": [{"row", "user", "chosen", "history": [places], "earlier", "target",
// "nearest", "shared", "lists": [{"of", "is_model", "rank", "items": [places], "shared": []}]}]};
// place: of an item in the catalogue. Null without a row.
TSREC_HOST_API nlohmann::ordered_json examples_json(const ExampleUsers& examples,
                                                    const Items& items, const SidTable* sids,
                                                    const std::vector<TokenNote>& notes);

}  // namespace tsrec::host
