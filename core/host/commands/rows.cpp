#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/model_rows.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/store.hpp"
#include "report/figures/figures.hpp"
#include "report/row_map.hpp"
#include "serving/stored_model.hpp"
#include "support/number_text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using Role = StageId::Role;

}  // namespace

int command_rows(const Arguments& arguments) {
  if (arguments.words.empty() || arguments.words.size() > 2)
    throw ConfigError("rows needs a run or an experiment, and a folder if files are wanted");
  const std::string& named = arguments.words.front();
  const Opened opened = open_experiment(arguments, named);
  prepare_process(opened.experiment.run);
  watch_endings();
  const Store store(arguments.store);
  const std::vector<StageResult> stages = stages_of(arguments, named, opened.experiment, store);
  const SidTable sids = read_sids(serving::stored_folder(stages, {Role::resolve}, named));
  serving::stored_folder(stages, {Role::extend}, named);  // the first of the models
  RunContext context(opened.experiment.run, "rows", "");
  const StoredRows rows = stored_rows(*opened.experiment.parts, stages, sids, context);
  const RowMap map = row_map(rows.models, rows.tokens);
  std::cout << row_map_text(map);
  if (arguments.words.size() == 1) return kFine;
  const fs::path folder = arguments.words[1];
  fs::create_directories(folder);
  io::write_text(folder / "rows.csv", row_map_csv(map));
  const std::string problem = figures::write_figures({figures::figure_of(map)}, folder);
  std::cout << "wrote " << (folder / "rows.csv").string() << " and rows.svg: the plane that shows "
            << fixed(100 * map.share, 0) << " % of their variance\n";
  if (!problem.empty()) std::cout << problem << "\n";
  return kFine;
}

}  // namespace tsrec::host
