// What the evaluate stages of a run measured, as it lies in the store.
#pragma once

#include "pipeline/artefacts.hpp"
#include "report/lineage.hpp"

namespace tsrec::host {

struct Column {
  std::string name;       // what was evaluated: "markov", "sft"
  bool is_model = false;  // else a recommender
  std::string from;       // the nearest evaluated model that it was trained from; "": none
  StoredNumbers stored;
};

std::vector<Column> columns_of(const std::vector<StageResult>& results, const Lineage& lineage);
// What a cell is compared by: its last model, of a cell without one its last recommender. Null
// where nothing was evaluated.
const Column* last_model(const std::vector<Column>& columns);
const Column* column_of(const std::vector<Column>& columns, const std::string& name);  // or null
const Number* number_of(const Column& column, const std::string& name);     // null: not measured
std::vector<std::string> number_names(const std::vector<Column>& columns);  // by first appearance

}  // namespace tsrec::host
