// The curves of a stage that is being made, while their file grows.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "report/curves.hpp"

namespace tsrec::host {

class TSREC_HOST_API CurveFollower {
 public:
  CurveFollower(StageId stage, std::filesystem::path file);

  // Takes in the lines that have come since, each as soon as it is whole. A file that has become
  // shorter is that of a stage that was resumed, and is read anew. However long the stage is, so
  // many points of a curve are kept at most.
  void read();

  // [curve_json()] of all so far.
  nlohmann::ordered_json curves_json() const;
  // {"step", "numbers": {"loss": 2.5}}: of the last validation; null where there was none.
  nlohmann::ordered_json validation_json() const;

  static constexpr size_t kMostPoints = 4000;

 private:
  void take(const std::string& line);
  StageId stage_;
  std::filesystem::path file_;
  std::streamoff taken_ = 0;  // bytes of whole lines
  std::vector<Curve> curves_;
  std::map<std::string, size_t> points_;  // that were there, of each curve
};

}  // namespace tsrec::host
