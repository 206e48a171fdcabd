// Hands the numbers of a running stage on to the trackers of the run.
#pragma once

#include "pipeline/listener.hpp"
#include "pipeline/trackers.hpp"

namespace tsrec::host {

class TrackerFeed final : public Listener {
 public:
  // waits: the stage goes on from a checkpoint. What it says before it is there again was said
  // before, so nothing is handed on until go_on().
  TrackerFeed(Trackers& trackers, std::string stage, bool waits, Trackers::Warn warn)
      : trackers_(trackers), stage_(std::move(stage)), waits_(waits), warn_(std::move(warn)) {}
  void number(std::string_view name, double value, int64_t step) override {
    if (!waits_) trackers_.number(stage_, name, value, step, warn_);
  }
  // The stage stands at its checkpoint, and the file holds what it said up to there.
  void go_on(const std::filesystem::path& curve) {
    if (waits_) trackers_.replay(stage_, curve, warn_);
    waits_ = false;
  }

 private:
  Trackers& trackers_;
  std::string stage_;
  bool waits_;
  Trackers::Warn warn_;
};

}  // namespace tsrec::host
