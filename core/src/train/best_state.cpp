#include "tsrec/train/best_state.hpp"

namespace tsrec::train {

bool BestState::offer(double value, int64_t step, const std::vector<nn::Parameter>& parameters) {
  if (!(value < value_)) return false;
  value_ = value;
  step_ = step;
  if (values_.size() != parameters.size()) {
    values_ = nn::values_of(parameters);
    return true;
  }
  // In the memory of the values before: a second copy beside it would be the largest of a step.
  for (size_t i = 0; i < values_.size(); ++i) values_[i].copy_(parameters[i].value.detach());
  return true;
}

bool BestState::restore(const std::vector<nn::Parameter>& parameters) const {
  if (step_ < 0) return false;
  nn::set_values(parameters, values_);
  return true;
}

void BestState::save(ArtifactWriter& writer) const {
  writer.number("value", value_);
  writer.number("step", static_cast<double>(step_));
  writer.number("count", static_cast<double>(values_.size()));
  for (size_t i = 0; i < values_.size(); ++i) writer.view(c10::str("values.", i), values_[i]);
}

void BestState::load(const ArtifactReader& reader) {
  value_ = reader.number("value");
  step_ = static_cast<int64_t>(reader.number("step"));
  values_.clear();
  const auto count = static_cast<int64_t>(reader.number("count"));
  for (int64_t i = 0; i < count; ++i) values_.push_back(reader.tensor(c10::str("values.", i)));
}

}  // namespace tsrec::train
