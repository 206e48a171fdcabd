// The steps of a part behind its guard.
#pragma once

#include "plugin/guarded/guard.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {

// Base: Stepwise, or an interface that is Stepwise itself.
template <class Base>
class GuardedSteps : public Base {
 public:
  GuardedSteps(Stepwise& made, Identity part) : steps_(made), part_(std::move(part)) {}

  std::vector<nn::Parameter> parameters() override {
    return in_call(part_, "parameters()", [&] {
      std::vector<nn::Parameter> all = steps_.parameters();
      boundary::check_parameters(all);
      return all;
    });
  }
  int64_t num_steps() const override {
    return in_call(part_, "num_steps()", [&] {
      const int64_t count = steps_.num_steps();
      boundary::check_num_steps(count);
      return count;
    });
  }
  void step(int64_t index, Context& context) override {
    in_call(part_, "step()", [&] { steps_.step(index, context); });
    done_ = index + 1;
  }
  Numbers validate(Context& context) override {
    return in_call(part_, "validate()", [&] {
      Numbers numbers = validated(steps_, done_, context);
      boundary::check_names(numbers, "validate()");
      return numbers;
    });
  }
  int64_t validate_every() const override {
    return in_call(part_, "validate_every()", [&] {
      const int64_t steps = steps_.validate_every();
      boundary::check_validate_every(steps);
      return steps;
    });
  }
  int64_t patience() const override {
    return in_call(part_, "patience()", [&] {
      const int64_t validations = steps_.patience();
      boundary::check_patience(validations);
      return validations;
    });
  }
  void finish(Context& context) override {
    in_call(part_, "finish()", [&] {
      steps_.finish(context);
      look_at_result("finish()");
    });
  }
  void save_state(ArtifactWriter& writer) const override {
    in_call(part_, "save_state()", [&] { steps_.save_state(writer); });
  }
  void load_state(const ArtifactReader& reader) override {
    in_call(part_, "load_state()", [&] { steps_.load_state(reader); });
  }

 private:
  virtual void look_at_result(const char* /*method*/) const {}

  Stepwise& steps_;
  Identity part_;
  int64_t done_ = 0;
};

// Of a kind whose parts may be Stepwise. Its guard says in look_at_made() what holds when the work
// is done.
template <class Base>
class WithSteps final : public Base, public GuardedSteps<Stepwise> {
 public:
  WithSteps(std::shared_ptr<Part> made, const Identity& part)
      : Base(made, part), GuardedSteps<Stepwise>(*steps_of(*made), part) {}
  static bool is_of(Part& part) { return steps_of(part) != nullptr; }

 private:
  void look_at_result(const char* method) const override { Base::look_at_made(method); }
};

}  // namespace tsrec::host
