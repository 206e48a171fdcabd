// [compare]: an experiment varied along labelled axes, each combination with several seeds.
#pragma once

#include <optional>

#include "config/document.hpp"

namespace tsrec::host {

// One combination: a label of every axis, and the values that it overrides.
struct CompareCell {
  std::vector<std::pair<std::string, std::string>> labels;  // axis, label
  DocumentRequest::Overrides overrides;
  std::string name() const;  // "sa_init_3", or "office/sa_init_3" with two axes
};

// Seeds one by one until every difference is decided; how, support/sequential.hpp says.
struct StopRule {
  void declare(Options& options);

  std::string number;
  double margin = 0;
  int64_t min_seeds = 3, max_seeds = 10;
};

struct CompareSettings {
  void declare(Options& options);

  std::vector<int64_t> seeds;
  std::vector<CompareCell> cells;  // the product of the axes; empty without [compare]
  std::optional<StopRule> stop_when;
  std::string against;               // name of the cell that the others are tested against
  std::vector<std::string> numbers;  // columns of the table
  std::vector<std::string> curves;   // numbers over steps, such as "valid.loss"
};

// The seeds of every cell, in their order: those of [compare], or the run's; where there is a rule
// to stop by, max_seeds of them, counted up from the run's where [compare] names none.
std::vector<int64_t> seeds_of(const CompareSettings& settings, int64_t of_run);

// One run of a comparison.
struct CellUnderSeed {
  const CompareCell* cell;  // of the settings
  int64_t seed;
  std::string name() const;    // "words, seed 17"
  std::string folder() const;  // in the comparison's: "cells/words-seed17"
};
// Every cell under all of seeds_of(), cell by cell.
std::vector<CellUnderSeed> cells_under_seeds(const CompareSettings& settings, int64_t of_run);

// Problems go to document.complain(). An experiment without [compare] has no cells.
CompareSettings read_compare(const Document& document);

}  // namespace tsrec::host
