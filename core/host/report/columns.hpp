// What the evaluate stages of a run measured.
#pragma once

#include "pipeline/artefacts.hpp"
#include "pipeline/pipeline.hpp"

namespace tsrec::host {

struct Column {
  std::string name;       // what was evaluated: "markov", "sft"
  bool is_model = false;  // else a recommender
  StoredNumbers stored;
};

std::vector<Column> columns_of(const std::vector<StageResult>& results);
const Number* number_of(const Column& column, const std::string& name);  // null when not measured
std::vector<std::string> number_names(const std::vector<Column>& columns);  // by first appearance

}  // namespace tsrec::host
