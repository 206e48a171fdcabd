#include "pipeline/model_rows.hpp"

#include "pipeline/loaded_model.hpp"
#include "tsrec/parts/backbone.hpp"

namespace tsrec::host {
namespace {

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

StoredRows stored_rows(const Parts& parts, const std::vector<StageResult>& stages,
                       const SidTable& sids, Context& context) {
  StoredRows stored;
  for (const StageResult& stage : stages) {
    const bool is_model = stage.id.role == Role::extend || stage.id.role == Role::train;
    if (!is_model || stage.digest.empty()) continue;
    const auto backbone = parts.backbone->make<Backbone>(context);
    backbone->load(ArtifactReader(stage.folder).folder("model"));
    stored.tokens = Vocabulary(sids, /*first_id=*/0, finder_of(backbone->tokenizer())).tokens();
    stored.models.push_back(rows_of(*backbone, stored.tokens,
                                    stage.id.role == Role::extend ? kUntrained : stage.id.of));
  }
  return stored;
}

}  // namespace tsrec::host
