#include "report/work.hpp"

#include <nlohmann/json.hpp>

#include "report/table.hpp"
#include "support/roof.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

int64_t counted(const StageResult& stage, const char* name) {
  const auto found = stage.counters.find(name);
  return found == stage.counters.end() ? 0 : found->second;
}

const char* word_of(StageResult::State state) {
  switch (state) {
    case StageResult::State::stored:
      return "stored";
    case StageResult::State::ran:
      return "ran";
    case StageResult::State::failed:
      return "failed";
    default:
      return "not run";
  }
}

bool has_flops(const StageResult& stage) {
  return stage.state == StageResult::State::ran && counted(stage, "flops") > 0;
}

const char* name_of(torch::ScalarType precision) {
  return precision == torch::kBFloat16 ? "bfloat16" : "float32";
}

std::string whole_or_blank(int64_t value) { return value > 0 ? std::to_string(value) : ""; }

}  // namespace

std::string report_work(const RunSettings& run, const std::vector<StageResult>& results,
                        const std::filesystem::path& folder) {
  const bool needs_roof = std::any_of(results.begin(), results.end(), has_flops);
  double roof = needs_roof ? measured_roof(run.torch_precision, run.torch_device) : 0;
  for (const StageResult& stage : results) roof = std::max(roof, stage.roof);
  std::vector<std::vector<std::string>> rows = {
      {"stage", "state", "seconds", "rows", "tokens/row", "GFLOP", "of the roof", "peak MiB"}};
  ordered_json json = {{"threads", run.threads},
                       {"precision", name_of(run.torch_precision)},
                       {"roof_gflops", roof / 1e9},
                       {"stages", ordered_json::object()}};
  for (const StageResult& stage : results) {
    if (stage.state != StageResult::State::ran) {
      rows.push_back({stage.id.text(), word_of(stage.state), "", "", "", "", "", ""});
      continue;
    }
    const int64_t num_rows = counted(stage, "rows"), tokens = counted(stage, "token_forwards");
    const auto flops = static_cast<double>(counted(stage, "flops"));
    const double share = roof > 0 && stage.seconds > 0 ? flops / stage.seconds / roof : 0;
    const bool is_small = flops < 5e7;  // of no work there is no share worth a number
    rows.push_back(
        {stage.id.text(), word_of(stage.state), fixed(stage.seconds, 1), whole_or_blank(num_rows),
         num_rows > 0 ? fixed(static_cast<double>(tokens) / static_cast<double>(num_rows), 1) : "",
         is_small ? "" : fixed(flops / 1e9, 1), is_small ? "" : fixed(100 * share, 0) + " %",
         whole_or_blank(counted(stage, "peak_memory") >> 20)});
    ordered_json& entry = json["stages"][stage.id.text()];
    entry["seconds"] = stage.seconds;
    for (const auto& [name, value] : stage.counters) entry[name] = value;
    if (!is_small) entry["share_of_roof"] = share;
  }
  io::write_text(folder / "work.json", json.dump(1) + "\n");
  const std::string note =
      needs_roof
          ? c10::str("the roof: ", fixed(roof / 1e9, 0), " GFLOP/s in a large matrix product, ",
                     name_of(run.torch_precision), ", ", run.threads, " threads\n")
          : "";
  return table_text(rows) + note;
}

}  // namespace tsrec::host
