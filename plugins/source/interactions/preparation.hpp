// From events to a data set: what is left out, who comes first, and how it is split. All sources
// of interactions are asked in the same words, and go the same way.
#pragma once

#include "events.hpp"
#include "text_file.hpp"
#include "tsrec/options.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::interactions {

struct Preparation {
  explicit Preparation(int64_t k = 1) : k_user(k), k_item(k) {}

  int64_t k_user, k_item, max_history = 20;
  double min_rating = 0;
  std::string since, until, duplicates = "keep", split = "leave_one_out", boundary_ties = "by_row";

  // splits: beside leave_one_out and global_time.
  void declare(Options& o, const std::vector<std::string>& splits = {});
  bool asks_for_times() const { return !since.empty() || !until.empty(); }
  bool asks_for_ratings() const { return min_rating != 0; }
  bool leaves_out() const;  // something of what it is given
  // Window, duplicates, k-core, sequences, split, in this order, with what each left out among the
  // remarks. The items have keys and no texts yet. catalogue: the first so many names of items are
  // the catalogue; nullopt: those that have events left. Throws DataError when nothing remains to
  // train or test on. what: the file, for sentences.
  Dataset prepared(Events events, std::optional<size_t> catalogue, const std::string& what,
                   Remarks remarks, Context& context) const;

 private:
  void filter(Events& events, const std::string& what, Remarks& remarks) const;
};

}  // namespace tsrec::interactions
