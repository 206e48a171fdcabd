#include "pipeline/expected_seconds.hpp"

#include <algorithm>

#include "pipeline/runner.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {

std::optional<double> expected_seconds(const Stage& stage, const RunSettings& run,
                                       const std::vector<StageResult>& done, const Store& store) {
  // What inputs will hold is not known before they are there; all else of the key is.
  std::vector<std::string> digests;
  for (const StageId& input : stage.inputs) {
    const auto found = std::find_if(done.begin(), done.end(),
                                    [&](const StageResult& result) { return result.id == input; });
    digests.push_back(found == done.end() ? "" : found->digest);
  }
  const std::string nearest =
      store.closest_key_text(stage.id.text(), key_text(stage, run, digests, store));
  const double seconds = nearest.empty() ? 0 : store.seconds(io::sha256(nearest));
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

}  // namespace tsrec::host
