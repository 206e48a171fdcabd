// The SIDs of a file, item by item, refused where they are wrong.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::published_files {

class SidRows {
 public:
  // items must outlive it.
  SidRows(const Items& items, SidSpelling spelling);

  // place: "FILE:LINE: ". Throws DataError that begins with it: no such item, an item that came
  // before, tokens that are spelled otherwise or out of order, a code out of range.
  void add(const std::string& key, const std::vector<std::string>& tokens,
           const std::string& place);
  void add(const std::string& key, const std::string& sid, const std::string& place);
  // Shorter SIDs end in -1. Throws DataError: an item without a SID, a SID that is the beginning
  // of another.
  SidTable table(const std::filesystem::path& file) const;

 private:
  template <class Written>
  void read(const std::string& key, const Written& written, const std::string& place);
  void refuse_beginnings(const std::filesystem::path& file) const;
  const Items& items_;
  SidSpelling spelling_;
  std::vector<std::vector<int64_t>> codes_N_;
};

}  // namespace tsrec::published_files
