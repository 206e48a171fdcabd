#include "faults.hpp"
#include "tsrec/parts/observer.hpp"

namespace tsrec::test {
namespace {

// Ends a training behind ten losses that are low.
class FaultyObserver final : public Observer {
 public:
  FaultyObserver(const NoSettings&, Context&) {}
  void start(const ObserverInputs& inputs, Context&) override { policy_ = &inputs.policy; }
  std::optional<std::string> look(const TrainingStep& step, Context& context) override {
    if (has_fault("must be told something") && step.numbers.empty()) throw std::out_of_range("at");
    if (has_fault("counts its calls")) ++calls_;
    if (has_fault("changes the model")) {
      const torch::NoGradGuard no_grad;
      torch::Tensor weight_VD = policy_->head().weight_VD;
      weight_VD.mul_(0.5);
    }
    if (has_fault("says what cannot be shown")) context.number("", 1, step.index);
    low_ += step.value("train.loss").value_or(1) < 0.15;
    if (low_ < 10) return std::nullopt;
    return has_fault("ends without a reason") ? "" : c10::str("low ", low_, " times", calls_);
  }
  void save_state(ArtifactWriter& writer) const override {
    writer.number("low", static_cast<double>(low_));
  }
  void load_state(const ArtifactReader& reader) override {
    if (!has_fault("forgets its count")) low_ = static_cast<int64_t>(reader.number("low"));
  }

 private:
  static inline int64_t calls_ = 0;
  const nn::LanguageModel* policy_ = nullptr;
  int64_t low_ = 0;
};

TEST(Conformance, RulesOfObserversCanBeBroken) {
  expect_every_rule_can_be_broken(faulty_part<Observer, FaultyObserver>(),
                                  {{"must be told something", "it sees any step"},
                                   {"ends without a reason", "it sees any step"},
                                   {"counts its calls", "what it is given decides"},
                                   {"forgets its count", "saved and loaded"},
                                   {"changes the model", "the model stays"},
                                   {"says what cannot be shown", "its numbers and names"}});
}

}  // namespace
}  // namespace tsrec::test
