#include "pipeline/demands.hpp"

#include "pipeline/run_context.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {

void check_rows(const Parts& parts, const Dataset& data) {
  const bool has_model = parts.backbone && (parts.evaluate.untrained || !parts.stages.empty());
  const bool is_test = parts.evaluate.split == "test";
  const Samples &ranked = is_test ? data.test : data.valid,
                &other = is_test ? data.valid : data.test;
  if ((has_model || !parts.recommenders.empty()) && ranked.size() == 0) {
    throw ConfigError(
        "[evaluate] split = \"", parts.evaluate.split, "\", but that split has no rows; ",
        other.size() > 0
            ? c10::str("set split = \"", is_test ? "valid" : "test", "\", which has ", other.size())
            : "give the source rows to rank");
  }
  for (const StageEntry& stage : parts.stages) {
    if (stage.must_rank() && data.valid.size() == 0)
      throw ConfigError("[[stage]] '", stage.trainer.name, "': curve_rows = ", stage.ranked_rows(),
                        ", but the valid split has no rows to rank; set curve_rows = 0");
    if (data.train.size() > 0 && stage.row_share().of(data.train.size()).size() == 0)
      throw ConfigError("[[stage]] '", stage.trainer.name, "': rows = \"", stage.rows,
                        "\" leaves none of the ", data.train.size(), " training rows");
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
