// Parts with one fault at a time, to see that every rule can be broken.
#pragma once

#include <atomic>
#include <chrono>
#include <iostream>
#include <set>
#include <thread>

#include "support/support.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {

// The fault of the parts that are made now; "" is none.
inline std::string current_fault;
inline bool has_fault(const char* name) { return current_fault == name; }

struct Fault {
  const char* name;
  const char* rule;  // the beginning of the sentence that it breaks
};

// A part that behaves well until it has a fault: `good` makes what it hands everything on to.
template <class Interface, class Faulty>
PartInfo faulty_part() {
  return part<Interface, Faulty, NoSettings>("faulty", /*revision=*/1, "Has one fault at a time");
}

inline std::set<std::string> broken_rules(const PartInfo& info) {
  std::set<std::string> broken;
  for (const kit::Finding& finding : kit::conformance(kit::Subject(info))) {
    if (finding.verdict == kit::Verdict::broken) broken.insert(finding.rule);
  }
  return broken;
}

// Without a fault nothing is broken; each fault breaks its rule; every rule of the kind, beyond
// those of any part, is broken by some fault.
inline void expect_every_rule_can_be_broken(const PartInfo& info,
                                            const std::vector<Fault>& faults) {
  current_fault.clear();
  EXPECT_EQ(broken_rules(info), std::set<std::string>()) << info.kind << " without a fault";
  std::set<std::string> seen;
  for (const Fault& fault : faults) {
    current_fault = fault.name;
    bool is_noticed = false;
    for (const std::string& rule : broken_rules(info)) {
      is_noticed = is_noticed || rule.starts_with(fault.rule);
      if (rule.starts_with(fault.rule)) seen.insert(rule);
    }
    EXPECT_TRUE(is_noticed) << info.kind << " with the fault '" << fault.name
                            << "' does not break: " << fault.rule;
  }
  current_fault.clear();
  const auto& rules = kit::rules_of(info.kind);
  constexpr size_t kOfAnyPart = 6;
  for (size_t i = kOfAnyPart; i < rules.size(); ++i)
    EXPECT_TRUE(seen.contains(rules[i].sentence))
        << "no fault of the test breaks the " << info.kind << "'s: " << rules[i].sentence;
}

// What every long piece of work may get wrong.
inline void work_badly(Context& context) {
  if (has_fault("ignores a stop") && context.stopping())
    throw std::runtime_error("stopped by an exception of its own");
  if (has_fault("progress past the end")) context.progress("working", 3, 2);
}
inline const std::vector<Fault> kWorkFaults = {{"ignores a stop", "a stop ends"},
                                               {"progress past the end", "progress runs"}};
inline std::vector<Fault> with_work_faults(std::vector<Fault> faults) {
  faults.insert(faults.end(), kWorkFaults.begin(), kWorkFaults.end());
  return faults;
}

// What every part may get wrong whose work is done in steps: a walk of its first parameter.
class FaultySteps : public Stepwise {
 public:
  std::vector<nn::Parameter> parameters() override {
    return {{"here", here_, false}, {has_fault("one name for two") ? "here" : "there", there_}};
  }
  int64_t num_steps() const override { return 6; }
  void step(int64_t index, Context& context) override {
    static uint64_t calls = 0;
    TestContext own(++calls);
    if (has_fault("steps do nothing")) return;
    Context& from = has_fault("steps have a seed of their own") ? own : context;
    const torch::NoGradGuard no_grad;
    const torch::Tensor value = parameters()[0].value;
    const torch::Tensor way = torch::randn(value.sizes(), from.generator("walk", index));
    momentum_ = momentum_.defined() ? way + 0.5 * momentum_ : way;
    value.add_(0.01 * momentum_);
  }
  Numbers validate(Context&) override {
    const torch::NoGradGuard no_grad;
    const torch::Tensor value = parameters()[0].value;
    if (has_fault("validation walks on")) value.add_(1);
    return {{"loss", value.abs().mean().item<double>(), {}}};
  }
  void save_state(ArtifactWriter& writer) const override { writer.tensor("momentum", momentum_); }
  void load_state(const ArtifactReader& reader) override {
    if (!has_fault("forgets its momentum")) momentum_ = reader.tensor("momentum");
  }

 private:
  torch::Tensor here_ = torch::ones({3}).requires_grad_(),
                there_ = torch::ones({2}).requires_grad_(), momentum_;
};
inline std::vector<Fault> with_step_faults(std::vector<Fault> faults) {
  for (const Fault& fault :
       std::vector<Fault>{{"one name for two", "steps change the parameters"},
                          {"steps do nothing", "steps change the parameters"},
                          {"validation walks on", "validate() begins"},
                          {"steps have a seed of their own",
                           "equal inputs and seed give equal bytes step by step"},
                          {"forgets its momentum", "stopped, saved, loaded"}})
    faults.push_back(fault);
  return with_work_faults(std::move(faults));
}

}  // namespace tsrec::test
