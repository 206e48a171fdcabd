// The trackers of a run: each of its points reaches each of them once.
#pragma once

#include <map>

#include "pipeline/pipeline.hpp"
#include "tsrec/parts/tracker.hpp"

namespace tsrec::host {

class TSREC_HOST_API Trackers {
 public:
  Trackers();  // of a run that nobody looks at
  // Those that the experiment names, opened. run_folder is there, and outlives them.
  Trackers(const Experiment& experiment, const std::filesystem::path& run_folder);
  ~Trackers();  // closes them
  Trackers(const Trackers&) = delete;
  Trackers& operator=(const Trackers&) = delete;

  // A tracker that throws is complained about once and left out from then on.
  using Warn = std::function<void(const std::string& sentence)>;
  void number(const std::string& stage, std::string_view name, double value, int64_t step,
              const Warn& warn);
  // All points of a curve file; none where there is no such file.
  void replay(const std::string& stage, const std::filesystem::path& curve, const Warn& warn);
  void replay(const std::string& stage, const std::filesystem::path& curve);  // warns in the log

 private:
  struct Open {
    std::string described;
    std::shared_ptr<Tracker> part;
  };
  void each(const std::function<void(Tracker&)>& action, const Warn& warn);
  std::unique_ptr<Context> context_;  // what the parts were given
  std::vector<Open> open_;
};

}  // namespace tsrec::host
