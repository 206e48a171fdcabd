// Items, users' samples, and the data set that a source hands over.
//
// Shape legend, used in names everywhere (x_ND is [N, D]): N items, D width, L SID levels, K codes
// of a level, S samples, H history entries of all samples, V vocabulary rows, E new tokens, T
// packed tokens, R supervised positions, B prompts, G completions per prompt, M ranked candidates.
#pragma once

#include "tsrec/sid.hpp"

namespace tsrec {

// A column table of texts and tensors. The item id is the row number and the primary identity
// everywhere. A value whose copies share keys and columns: copying a catalogue of millions costs
// nothing, and set() of one copy does not show in another.
class TSREC_API Items {
 public:
  Items();
  explicit Items(std::vector<std::string> keys);  // throws DataError on a key given twice
  int64_t size() const;
  const std::string& key(int64_t item) const;  // the catalogue's own identifier
  std::optional<int64_t> find(std::string_view key) const;
  void set(const std::string& column, std::vector<std::string> values);  // one per item
  std::string_view text(std::string_view column,
                        int64_t item) const;  // "title", "description", ...; "" if absent
  std::vector<std::string> columns() const;   // of texts, by name
  // Vectors of an image, a sound or whatever else an item has beside its texts: [N, ...], dense, on
  // the CPU, row by item; columns of texts and of tensors have names of their own. Throws Error
  // when the first dimension is not the number of items.
  void set_tensor(const std::string& column, torch::Tensor value);
  const torch::Tensor& tensor(std::string_view column) const;  // undefined if absent
  std::vector<std::string> tensor_columns() const;             // by name

 private:
  struct Keys;
  using Column = std::shared_ptr<const std::vector<std::string>>;
  std::shared_ptr<const Keys> keys_;
  std::map<std::string, Column, std::less<>> columns_;
  std::map<std::string, torch::Tensor, std::less<>> tensors_;
};

// Rows of history -> target. The target travels with its row, never through a lookup by text. int64
// on the CPU.
struct TSREC_API Samples {
  torch::Tensor user_S, target_S,
      time_S;  // time: seconds or a rank in time; equal times keep row order
  torch::Tensor history_H,
      offset_S1;  // CSR, oldest first: row s owns history_H[offset_S1[s] .. offset_S1[s+1])
  torch::Tensor history_time_H = {};  // seconds, as time_S; undefined where the source knows none
  int64_t size() const { return target_S.defined() ? target_S.size(0) : 0; }
  std::span<const int64_t> history(int64_t row) const;
  std::span<const int64_t> history_times(int64_t row) const;  // empty where there are none
  int64_t target(int64_t row) const;
  int64_t user(int64_t row) const;

  static Samples empty();
  Samples rows(std::span<const int64_t> chosen) const;
};

// Collects samples row by row. history_times: one for each item of the history, in every row or in
// none; build() throws an Error where they fit no histories.
class TSREC_API SamplesBuilder {
 public:
  void add(int64_t user, std::span<const int64_t> history, int64_t target, int64_t time,
           std::span<const int64_t> history_times = {});
  Samples build() const;

 private:
  std::vector<int64_t> user_, target_, time_, history_, history_time_, offset_{0};
};

enum class Split { train, valid, test };
TSREC_API const char* name(Split split);

struct TSREC_API Dataset {
  Items items;
  Samples train, valid, test;
  // What the source met while it read, by what it is, and how often: texts that it cleaned, values
  // that were missing. For people; nothing is computed of it.
  std::map<std::string, int64_t> remarks;
  const Samples& split(Split which) const;
  Dataset without_test() const;  // what everything that fits or trains is given
};

// One user's interactions, oldest first, with their times.
struct UserSequence {
  int64_t user = 0;
  std::vector<int64_t> items, times;
};

// What the times of sequences are: seconds, which rows then have for their histories as well, or
// numbers that tell earlier from later and nothing more.
enum class Times { order, seconds };

// Leave-one-out (method 2.4): last item = test, second last = valid, every earlier one but the
// first = train targets. Histories are capped to the last max_history items. Users with fewer than
// 3 items give train rows only.
TSREC_API void split_leave_one_out(std::span<const UserSequence> users, int64_t max_history,
                                   Dataset& out, Times times = Times::order);
// Global time 8:1:1 (method 2.4): all samples of all users ordered by (target time, user,
// position), cut at 80 % and 90 %.
TSREC_API void split_by_time(std::span<const UserSequence> users, int64_t max_history, Dataset& out,
                             Times times = Times::order);

}  // namespace tsrec
