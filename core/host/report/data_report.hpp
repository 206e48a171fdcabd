// What a source gives, as a value: items and their columns, rows of each split, and what is odd.
#pragma once

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct ColumnFacts {
  std::string name;
  int64_t filled = 0, distinct = 0;  // items with a text; different texts among those
  double mean_words = 0;             // of the filled
  std::string example;               // the first filled
};

struct SplitFacts {
  Split split = Split::train;
  int64_t rows = 0, users = 0, targets = 0;  // distinct users and targets
  int64_t unseen = 0;                        // rows whose target no training row holds anywhere
  int64_t in_history = 0;                    // rows whose target stands in their own history
  int64_t shortest = 0, longest = 0;         // histories, in items
  double median = 0, mean = 0;
};

struct TSREC_HOST_API DataReport {
  int64_t items = 0;
  std::vector<ColumnFacts> columns;
  std::map<std::string, std::vector<int64_t>> tensors;  // shape by column
  std::vector<SplitFacts> splits;                       // train, valid, test
  int64_t same_title = 0;                               // items that share their title with another
  int64_t unused = 0;                                   // items in no row
  std::map<std::string, int64_t> remarks;               // of the source
  std::optional<std::vector<int64_t>> sid_sizes;        // of SIDs that the source ships
  int64_t distinct_sids = 0;
};

// sids: those that the source ships, where the experiment reads them.
TSREC_HOST_API DataReport data_report(const Dataset& data, const std::optional<SidTable>& sids);
// For a terminal.
TSREC_HOST_API std::string text_of(const DataReport& report);

}  // namespace tsrec::host
