// The observers of a training: each of them sees every step once, in the order of the experiment.
#pragma once

#include "pipeline/listener.hpp"
#include "tsrec/parts/observer.hpp"

namespace tsrec::host {

// One that was started, under the name of its entry.
struct StartedObserver {
  std::string name;
  std::shared_ptr<Observer> part;
};

class Observers final : public Listener {
 public:
  explicit Observers(std::vector<StartedObserver> started) : started_(std::move(started)) {}
  const std::vector<StartedObserver>& started() const { return started_; }

  // Kept for the look to come.
  void number(std::string_view name, double value, int64_t step) override;
  // All of them look at what was heard since the last look. Returns who ends the training and why,
  // "observer 'guard': ..."; "" where nobody does.
  std::string look(int64_t index, bool is_validated, Context& context);

 private:
  std::vector<StartedObserver> started_;
  Numbers heard_;
};

}  // namespace tsrec::host
