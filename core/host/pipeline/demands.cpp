#include "pipeline/demands.hpp"

#include "pipeline/run_context.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {

void check_rows(const Parts& parts, const std::function<int64_t(Split)>& num_rows) {
  const bool has_model = parts.backbone && (parts.evaluate.untrained || !parts.stages.empty());
  const bool is_test = parts.evaluate.split == "test";
  const Split ranked = is_test ? Split::test : Split::valid,
              other = is_test ? Split::valid : Split::test;
  if ((has_model || !parts.recommenders.empty()) && num_rows(ranked) == 0) {
    throw ConfigError(
        "[evaluate] split = \"", parts.evaluate.split, "\", but that split has no rows; ",
        num_rows(other) > 0
            ? c10::str("set split = \"", name(other), "\", which has ", num_rows(other))
            : "give the source rows to rank");
  }
  const int64_t of_training = parts.stages.empty() ? 0 : num_rows(Split::train);
  for (const StageEntry& stage : parts.stages) {
    if (stage.must_rank() && num_rows(Split::valid) == 0)
      throw ConfigError("[[stage]] '", stage.trainer.name, "': curve_rows = ", stage.ranked_rows(),
                        ", but the valid split has no rows to rank; set curve_rows = 0");
    if (of_training > 0 && stage.row_share().of(of_training).size() == 0)
      throw ConfigError("[[stage]] '", stage.trainer.name, "': rows = \"", stage.rows,
                        "\" leaves none of the ", of_training, " training rows");
  }
}

void check_sids(const Parts& parts, const RunSettings& run, const SidTable& sids) {
  if (parts.evaluate.constraint == "level" && (sids.code_NL < 0).any().item<bool>())
    throw ConfigError(
        "[evaluate] constraint = \"level\" needs SIDs of one length, and some of these have fewer "
        "than ",
        sids.num_levels(), " codes; set constraint = \"trie\"");
  RunContext context(run, "plan", /*curve=*/"");
  for (const StageEntry& stage : parts.stages)
    stage.trainer.make<Trainer>(context)->check_sids(sids);
}

}  // namespace tsrec::host
