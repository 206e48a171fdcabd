#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/store.hpp"
#include "report/row_map.hpp"
#include "serving/stored_model.hpp"
#include "support/number_text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using Role = StageId::Role;

// Splits a model's input rows into those of SID tokens and those of all other tokens.
ModelRows rows_of(const Backbone& backbone, const std::vector<NewToken>& tokens,
                  const std::string& model) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor row_VD = backbone.embedding().detach().cpu().to(torch::kFloat32);
  torch::Tensor is_word_V = torch::arange(row_VD.size(0)) < backbone.tokenizer().size();
  std::vector<int64_t> ids;
  for (const NewToken& token : tokens) ids.push_back(token.id);
  const torch::Tensor id_E = torch::tensor(ids, torch::kInt64);
  is_word_V.index_fill_(0, id_E, false);
  return {model, row_VD.index_select(0, id_E), row_VD.index({is_word_V})};
}

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
  std::vector<ModelRows> models;
  std::vector<NewToken> tokens;
  for (const StageResult& stage : stages) {
    const bool is_model = stage.id.role == Role::extend || stage.id.role == Role::train;
    if (!is_model || stage.state != StageResult::State::stored) continue;
    const auto backbone = opened.experiment.parts->backbone->make<Backbone>(context);
    backbone->load(ArtifactReader(stage.folder).folder("model"));
    tokens = Vocabulary(sids, /*first_id=*/0, finder_of(backbone->tokenizer())).tokens();
    models.push_back(
        rows_of(*backbone, tokens, stage.id.role == Role::extend ? kUntrained : stage.id.of));
  }
  const RowMap map = row_map(models, tokens);
  std::cout << row_map_text(map);
  if (arguments.words.size() == 1) return kFine;
  const fs::path folder = arguments.words[1];
  fs::create_directories(folder);
  io::write_text(folder / "rows.csv", row_map_csv(map));
  io::write_text(folder / "rows.svg", row_map_svg(map));
  std::cout << "wrote " << (folder / "rows.csv").string() << " and rows.svg: the plane that shows "
            << fixed(100 * map.share, 0) << " % of their variance\n";
  return kFine;
}

}  // namespace tsrec::host
