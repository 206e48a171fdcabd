#include "pipeline/trackers.hpp"

#include "pipeline/curve_file.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/runner.hpp"
#include "support/log.hpp"

namespace tsrec::host {
namespace {

void warn_in_log(const std::string& sentence) { log(Level::warning, "warning: " + sentence); }

}  // namespace

Trackers::Trackers() = default;

Trackers::Trackers(const Experiment& experiment, const std::filesystem::path& run_folder)
    : context_(std::make_unique<RunContext>(experiment.run, "tracker", "")) {
  const TrackedRun run{experiment.run.name, run_folder, experiment.resolved_toml};
  for (const PartChoice& choice : experiment.parts->trackers) {
    try {
      const auto tracker = choice.make<Tracker>(*context_);
      tracker->open(run);
      open_.push_back({choice.described(), tracker});
    } catch (...) {
      warn_in_log(choice.described() + " cannot begin: " + reason_of(std::current_exception()) +
                  "; the run goes on without it");
    }
  }
}

Trackers::~Trackers() {
  each([](Tracker& tracker) { tracker.close(); }, warn_in_log);
}

void Trackers::each(const std::function<void(Tracker&)>& action, const Warn& warn) {
  std::erase_if(open_, [&](const Open& open) {
    try {
      action(*open.part);
      return false;
    } catch (...) {
      warn(open.described + " failed: " + reason_of(std::current_exception()) +
           "; the run goes on without it");
      return true;
    }
  });
}

void Trackers::number(const std::string& stage, std::string_view name, double value, int64_t step,
                      const Warn& warn) {
  each([&](Tracker& tracker) { tracker.number(stage, name, value, step); }, warn);
}

void Trackers::replay(const std::string& stage, const std::filesystem::path& curve,
                      const Warn& warn) {
  if (open_.empty() || !std::filesystem::exists(curve)) return;
  for (const CurvePoint& point : read_curve(curve))
    number(stage, point.name, point.value, point.step, warn);
}

void Trackers::replay(const std::string& stage, const std::filesystem::path& curve) {
  replay(stage, curve, warn_in_log);
}

}  // namespace tsrec::host
