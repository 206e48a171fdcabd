// What both layouts are asked in the same words: which data set, how its texts and SIDs are read.
#pragma once

#include "tsrec/parts/source.hpp"

namespace tsrec::published_files {

struct Reading {
  std::string dataset, clean = "html", sid_format = SidSpelling::kDefault;

  void declare(Options& o);
  // A text as the data set keeps it; counts what changes among the remarks.
  std::string cleaned(std::string text, const std::string& column,
                      std::map<std::string, int64_t>& remarks) const;
};

}  // namespace tsrec::published_files
