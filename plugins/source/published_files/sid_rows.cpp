#include "sid_rows.hpp"

#include <algorithm>
#include <numeric>

#include "item_json.hpp"

namespace tsrec::published_files {
namespace {

constexpr int64_t kMaxCodes = 1'000'000;  // of a level: a larger number is a mistake

}  // namespace

SidRows::SidRows(const Items& items, SidSpelling spelling)
    : items_(items), spelling_(std::move(spelling)), codes_N_(static_cast<size_t>(items.size())) {}

template <class Written>
void SidRows::read(const std::string& key, const Written& written, const std::string& place) {
  auto& codes = codes_N_[static_cast<size_t>(item_named(items_, key, place))];
  if (!codes.empty()) throw DataError(place, "item '", key, "' has a second SID; expected one");
  try {
    codes = spelling_.codes(written);
  } catch (const DataError& error) {
    throw DataError(place, "item '", key, "': ", error.what(),
                    "; the source's `sid_format` says how the file spells SIDs");
  }
  for (size_t level = 0; level < codes.size(); ++level) {
    if (codes[level] >= kMaxCodes)
      throw DataError(place, "item '", key, "': the code ", codes[level], " of level ", level + 1,
                      " is out of range; expected 0 .. ", kMaxCodes - 1);
  }
}

void SidRows::add(const std::string& key, const std::vector<std::string>& tokens,
                  const std::string& place) {
  read(key, tokens, place);
}

void SidRows::add(const std::string& key, const std::string& sid, const std::string& place) {
  read(key, sid, place);
}

SidTable SidRows::table(const std::filesystem::path& file) const {
  size_t num_levels = 0;
  int64_t num_missing = 0, first_missing = -1;
  for (size_t item = 0; item < codes_N_.size(); ++item) {
    num_levels = std::max(num_levels, codes_N_[item].size());
    if (codes_N_[item].empty() && num_missing++ == 0) first_missing = static_cast<int64_t>(item);
  }
  if (num_missing > 0)
    throw DataError("'", file.string(), "' has no SID for ", num_missing, " of ", codes_N_.size(),
                    " items, the first is '", items_.key(first_missing),
                    "'; every item of the catalogue needs one: make the file anew for this "
                    "catalogue, or let the experiment make SIDs by a [quantizer]");
  refuse_beginnings(file);
  SidTable sids;
  sids.spelling = spelling_;
  sids.sizes.assign(num_levels, 0);
  sids.code_NL = torch::full({items_.size(), static_cast<int64_t>(num_levels)}, -1, torch::kInt64);
  auto code = sids.code_NL.accessor<int64_t, 2>();
  for (size_t item = 0; item < codes_N_.size(); ++item) {
    for (size_t level = 0; level < codes_N_[item].size(); ++level) {
      code[static_cast<int64_t>(item)][static_cast<int64_t>(level)] = codes_N_[item][level];
      sids.sizes[level] = std::max(sids.sizes[level], codes_N_[item][level] + 1);
    }
  }
  return sids;
}

// In the order of their codes a SID stands just before those that begin with it.
void SidRows::refuse_beginnings(const std::filesystem::path& file) const {
  std::vector<size_t> order(codes_N_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return codes_N_[a] < codes_N_[b]; });
  for (size_t i = 1; i < order.size(); ++i) {
    const std::vector<int64_t>& first = codes_N_[order[i - 1]];
    const std::vector<int64_t>& second = codes_N_[order[i]];
    const bool begins =
        first.size() < second.size() && std::equal(first.begin(), first.end(), second.begin());
    if (begins)
      throw DataError("'", file.string(), "': the SID of item '",
                      items_.key(static_cast<int64_t>(order[i - 1])),
                      "' is the beginning of that of item '",
                      items_.key(static_cast<int64_t>(order[i])),
                      "', so that nobody could tell where the first one ends; give every item of "
                      "such a group one more token, or none of them");
  }
}

}  // namespace tsrec::published_files
