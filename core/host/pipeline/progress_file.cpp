#include "pipeline/progress_file.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/unflushed_file.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::optional<LoopProgress> loop_from(const ordered_json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_object()) return std::nullopt;
  return LoopProgress{at->at("what").get<std::string>(), at->at("from").get<int64_t>(),
                      at->at("done").get<int64_t>(), at->at("total").get<int64_t>(),
                      at->at("seconds").get<double>()};
}

}  // namespace

std::optional<double> LoopProgress::seconds_left() const {
  if (done <= from || done > total) return std::nullopt;
  return seconds / static_cast<double>(done - from) * static_cast<double>(total - done);
}

ProgressFile::ProgressFile(std::string stage, fs::path file, Clock::duration every)
    : stage_(std::move(stage)), file_(std::move(file)), pace_(every), began_(Clock::now()) {
  write();
}

void ProgressFile::progress(std::string_view what, int64_t done, int64_t total) {
  // A training that pauses for a validation goes on in the same loop of steps.
  std::optional<Loop>& known = what == stage_ ? steps_ : loop_;
  const bool goes_on = known && known->what == what && known->total == total && done >= known->done;
  if (!goes_on) known = Loop{std::string(what), done, done, total, Clock::now()};
  known->done = done;
  if (what == stage_) loop_.reset();
  if (pace_.is_due()) write();
}

// Where it cannot be written nobody looks on, and the stage goes on.
void ProgressFile::write() const {
  const auto json_of = [&](const std::optional<Loop>& loop) -> ordered_json {
    if (!loop) return nullptr;
    return {{"what", loop->what},
            {"from", loop->from},
            {"done", loop->done},
            {"total", loop->total},
            {"seconds", seconds_since(loop->began)}};
  };
  const ordered_json json = {
      {"seconds", seconds_since(began_)}, {"steps", json_of(steps_)}, {"loop", json_of(loop_)}};
  write_unflushed(file_, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

std::optional<StageProgress> read_progress(const fs::path& file) {
  std::ifstream in(file);
  const auto json = ordered_json::parse(in, nullptr, /*allow_exceptions=*/false);
  try {
    return StageProgress{json.at("seconds").get<double>(), loop_from(json, "steps"),
                         loop_from(json, "loop")};
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

}  // namespace tsrec::host
