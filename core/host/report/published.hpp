// Numbers that others published, to stand beside ours.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct PublishedTable {
  std::string name;  // "table2.industrial"
  struct Row {
    std::string label;                                    // "TS-Rec"
    std::vector<std::pair<std::string, double>> numbers;  // "item.hr@10", 0.1462
  };
  std::vector<Row> rows;
};

// where: "FILE:TABLE", such as "configs/paper/published.toml:table2.industrial", which is
// [table2.industrial.LABEL] "item.hr@10" = 0.1462 in the file. Throws ConfigError, with the tables
// of the file where it has none of that name.
TSREC_HOST_API PublishedTable read_published(const std::string& where);

}  // namespace tsrec::host
