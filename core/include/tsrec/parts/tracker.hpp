// A tracker shows the numbers of a run somewhere while they come: in a file, in a program that
// draws curves. It looks on: nothing of it enters a key, and no result depends on it.
#pragma once

#include "tsrec/plugin.hpp"

namespace tsrec {

// The run that is looked at.
struct TrackedRun {
  std::string name;              // [run] name
  std::filesystem::path folder;  // the run's own, which is there; a tracker may write below it
  std::string resolved_toml;     // the whole experiment
};

// open(), any number of number(), close(): once each in the life of a part, and from one thread at
// a time. Where one of them throws, the run says so once and goes on without the tracker, which is
// then destroyed without close().
class TSREC_API Tracker : public Part {
 public:
  static constexpr const char* kKind = "tracker";
  static constexpr int kContract = 1;
  ~Tracker() override;
  virtual void open(const TrackedRun& run) = 0;
  // A point of the curve `name` ("train.loss") of a stage ("stage.sft"); value may be NaN or
  // infinite. Every point comes once, those of one stage in the order in which they were measured:
  // a stage that was stored before, and the part of a resumed stage that was done before, are told
  // again from what is stored of them.
  virtual void number(std::string_view stage, std::string_view name, double value,
                      int64_t step) = 0;
  // Everything that was told stands where it belongs when it returns.
  virtual void close() = 0;
};

}  // namespace tsrec
