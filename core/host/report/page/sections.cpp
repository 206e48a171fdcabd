#include "report/page/sections.hpp"

#include <algorithm>

#include "report/json.hpp"
#include "report/page/run_json.hpp"
#include "report/page/sid_sections.hpp"

namespace tsrec::host {
namespace {

nlohmann::ordered_json breakdowns_section(const PageRun& run) {
  return breakdowns_json(run.report.breakdowns);
}

nlohmann::ordered_json statistics_section(const PageRun& run) {
  return statistics_json(run.report);
}

}  // namespace

const std::vector<PageSection>& page_sections() {
  static const std::vector<PageSection> all = {
      {"numbers", numbers_section},
      {"columns", columns_section},
      {"differences", differences_section},
      {"statistics", statistics_section},
      {"breakdowns", breakdowns_section},
      {"curves", curves_section},
      {"cost", cost_section},
      {"stages", stages_section},
      {"audit", audit_section},
      {"environment", environment_section},
      {"document", document_section},
      {"depth", depth_section},
      {"sid_map", sid_map_section, /*waits_for_the_end=*/true},
      {"sid_usage", sid_usage_section},
      {"sid_tree", sid_tree_section},
      {"examples", examples_section},
  };
  return all;
}

std::filesystem::path PageRun::stored(const StageId& id) const {
  const auto found = std::find_if(stages.begin(), stages.end(),
                                  [&](const StageResult& stage) { return stage.id == id; });
  return found == stages.end() || found->digest.empty() ? std::filesystem::path() : found->folder;
}

}  // namespace tsrec::host
