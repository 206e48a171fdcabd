// What stages wrote while they ran: numbers over steps.
#pragma once

#include "pipeline/curve_file.hpp"
#include "pipeline/pipeline.hpp"

namespace tsrec::host {

struct Curve {
  StageId stage;
  std::string name;  // "valid.loss"
  std::vector<int64_t> steps;
  std::vector<double> values;  // one for each step; NaN where the stage wrote what is no number
};

// To the curve of this stage and name, which begins with its first point.
void add_point(std::vector<Curve>& curves, const StageId& stage, const CurvePoint& point);
// Of every stage that has some, in the order of the stages and of first appearance.
std::vector<Curve> curves_of(const std::vector<StageResult>& results);

}  // namespace tsrec::host
