// [compare]: an experiment varied along labelled axes, each combination with several seeds.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

// One combination: a label of every axis, and the values that it overrides.
struct CompareCell {
  std::vector<std::pair<std::string, std::string>> labels;  // axis, label
  DocumentRequest::Overrides overrides;
  std::string name() const;  // "sa_init_3", or "office/sa_init_3" with two axes
};

struct CompareSettings {
  void declare(Options& options);

  std::vector<int64_t> seeds;
  std::vector<CompareCell> cells;    // the product of the axes; empty without [compare]
  std::string against;               // name of the cell that the others are tested against
  std::vector<std::string> numbers;  // columns of the table
  std::vector<std::string> curves;   // numbers over steps, such as "valid.loss"
};

// Problems go to document.complain(). An experiment without [compare] has no cells.
CompareSettings read_compare(const Document& document);

}  // namespace tsrec::host
