// What a run is doing now, read from what it leaves in its store while it runs. Nothing is written
// and nobody is asked, so the run does not know of it.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>

#include "pipeline/progress_file.hpp"
#include "pipeline/store.hpp"
#include "report/live/curve_follower.hpp"

namespace tsrec::host {

class TSREC_HOST_API LiveRun {
 public:
  // folder: the run's own; empty: whoever makes the stages of the experiment. The experiment and
  // the store outlive it. patience: between two stages nobody holds one, for so long at most.
  LiveRun(std::string name, std::filesystem::path folder, const Experiment& experiment,
          const Store& store, std::chrono::milliseconds patience = std::chrono::seconds(10));

  void look();  // again

  // As they lie in the store: what the run recorded at its end, else what is planned.
  const std::vector<StageResult>& stages() const { return stages_; }
  // Rises when something more is stored, or written down by the run.
  int64_t revision() const { return revision_; }
  // It recorded that it came to its end, a good one or not; or all of its stages are stored.
  bool has_ended() const { return has_ended_; }
  // Somebody makes one of its stages, or did just now.
  bool is_worked_on() const;

  // Stages that are not there yet. key: "" where an input decides it that is not there either.
  struct ToCome {
    std::string key, name;
    std::optional<double> seconds;  // that it will take from now on; none: nobody knows
    bool is_running = false;
  };
  std::vector<ToCome> to_come() const;

  // {"name", "seed", "state": "running", "idle", "ended" or "failed",
  //  "stages": [{"name", "state": "stored", "running", "to come" or "failed", "seconds",
  //  "expected",
  //              "why"}],
  //  "running": [{"stage", "by", "seconds", "left",
  //               "steps", "loop": {"what", "done", "total"} or null,
  //               "validation": CurveFollower's, "curves": CurveFollower's}]}.
  // Times are those of the last sign of life, so equal files give equal text.
  nlohmann::ordered_json json() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    std::string by;  // "process 4711 on node7"
    CurveFollower curves;
    std::optional<StageProgress> progress = {};
    std::filesystem::file_time_type said_at = {};  // when it wrote that
    double silent = 0;                             // seconds behind that, when it was read
    double seconds() const { return progress ? progress->seconds + silent : 0; }
    std::optional<double> left(std::optional<double> expected) const;
  };
  bool has_more() const;
  std::string written_down() const;
  void read_stages();
  void look_at_running();
  void read_progress_of(const std::string& key, Running& running) const;
  std::filesystem::path work(const std::string& key) const;
  bool is_running(const StageResult& stage) const;
  std::optional<double> expected(const StageResult& stage) const;

  std::string name_;
  std::filesystem::path folder_;
  const Experiment& experiment_;
  const Store& store_;
  Clock::duration patience_;
  std::string written_;
  int64_t revision_ = 0;
  bool has_ended_ = false;
  std::vector<StageResult> stages_;
  std::map<std::string, double> expected_;   // seconds, by the stage's name, where they are known
  std::map<std::string, Running> running_;   // by key
  std::optional<Clock::time_point> worked_;  // when somebody was last seen at work
};

// Of all of them, which may be the cells of a comparison, and of what they have to do together:
// {"version": 1, "state", "left": seconds or null, "unknown": [names of stages that nobody knows
// the time of], "runs": [LiveRun::json()]}. A stage that several wait for counts once, and as many
// are made side by side as are being made now.
TSREC_HOST_API nlohmann::ordered_json live_json(const std::vector<const LiveRun*>& runs,
                                                bool has_ended);

}  // namespace tsrec::host
