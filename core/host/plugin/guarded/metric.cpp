#include "tsrec/parts/metric.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedMetric : public Guard<Metric> {
 public:
  using Guard::Guard;
  Numbers measure(const Evaluation& evaluation, Context& context) const override {
    return call("measure()", [&] {
      const boundary::Untouched given = boundary::untouched(evaluation.rankings);
      Numbers numbers = made().measure(evaluation, context);
      boundary::check_numbers(numbers, evaluation.samples.size(), "measure()");
      given.check("measure()", "the lists it is given");
      return numbers;
    });
  }
};

template <class Base>
class WithDecoder final : public Base, public NeedsDecoder {
 public:
  using Base::Base;
  static bool is_of(const Part& part) {
    return dynamic_cast<const NeedsDecoder*>(&part) != nullptr;
  }
  Numbers measure_with(const nn::LanguageModel& model, const TaskInputs& inputs,
                       const PromptCompiler& compiler, const Trie& trie,
                       Context& context) const override {
    return this->call("measure_with()", [&] {
      Numbers numbers = dynamic_cast<const NeedsDecoder&>(this->made())
                            .measure_with(model, inputs, compiler, trie, context);
      boundary::check_numbers(numbers, std::nullopt, "measure_with()");
      return numbers;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_metric(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedMetric, WithDecoder>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
