// The numbers of one stage, a line of JSON each. The file survives an interruption, and becomes
// part of what the stage stores.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>

#include "pipeline/listener.hpp"
#include "support/api.hpp"
#include "support/at_most_every.hpp"

namespace tsrec::host {

class CurveFile final : public Listener {
 public:
  // Goes on behind what the file holds.
  CurveFile(std::string stage, std::filesystem::path file);
  // Throws DataError when the disk takes no more.
  void number(std::string_view name, double value, int64_t step) override;
  // Size of the file with everything that was said so far, and the way back to it: a resumed stage
  // drops the lines beyond its checkpoint.
  int64_t bytes();
  void truncate(int64_t bytes);
  const std::filesystem::path& file() const { return file_; }

 private:
  void check() const;
  std::string stage_;
  std::filesystem::path file_;
  std::ofstream out_;
  AtMostEvery pace_{std::chrono::seconds(1)};  // somebody may be watching
};

struct CurvePoint {
  std::string name;
  double value;  // NaN where it was not finite
  int64_t step;
};
// What a line says; none where it is no point of a curve.
std::optional<CurvePoint> curve_point(const std::string& line);
// What a curve file says, in its order; throws DataError.
std::vector<CurvePoint> read_curve(const std::filesystem::path& file);

}  // namespace tsrec::host
