// What the rules of all kinds are written with.
#pragma once

#include "tsrec/boundary.hpp"
#include "tsrec/testing/conformance.hpp"
#include "tsrec/testing/ready.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::kit {

struct Broken {
  std::string detail;
};
struct Skipped {
  std::string reason;
};

template <class... Detail>
void require(bool is_kept, const Detail&... detail) {
  if (!is_kept) throw Broken{c10::str(detail...)};
}

// True when it worked; false when it refused with a sentence. Anything else breaks the rule.
template <class Action>
bool works_or_says_why(const Action& action) {
  try {
    action();
    return true;
  } catch (const BrokenPart&) {
    throw;
  } catch (const Error& error) {
    require(std::string(error.what()).size() > 8, "refuses with '", error.what(),
            "', which says too little");
    return false;
  }
}

// The sentence; "" when it did not refuse.
template <class Action>
std::string refusal_of(const Action& action) {
  try {
    action();
  } catch (const BrokenPart&) {
    throw;
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// By its kNeeds, or with some value of an option. Rules give what a host would give.
bool may_need(const Subject& subject, std::string_view kind);

bool same(const torch::Tensor& a,
          const torch::Tensor& b);  // type, shape and bytes; or both undefined

// Saves into a folder, then hands the reader on.
template <class Save, class Load>
void through_disk(const Save& save, const Load& load) {
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "saved");
  save(writer);
  writer.close();
  load(ArtifactReader(folder.path() / "saved"));
}

// The long piece of work of a kind, with the part made afresh.
using Work = std::function<void(const Subject&, Context&)>;
// A stop is obeyed; progress and numbers can be shown.
std::vector<Rule> long_work_rules(const Work& work);

// A part whose entry was called, with all that must outlive it.
struct ReadyPart {
  std::shared_ptr<void> inputs;
  std::shared_ptr<Part> part;
};
using MakeReady = std::function<ReadyPart(const Subject&, Context&)>;
// What the steps of a part of any kind must obey; skipped where it has none.
std::vector<Rule> stepwise_rules(const MakeReady& ready);

void append(std::vector<Rule>& rules, std::vector<Rule> more);

// Every kind's own rules.
std::vector<Rule> any_part_rules();
std::vector<Rule> source_rules();
std::vector<Rule> encoder_rules();
std::vector<Rule> quantizer_rules();
std::vector<Rule> resolver_rules();
std::vector<Rule> extractor_rules();
std::vector<Rule> backbone_rules();
std::vector<Rule> initializer_rules();
std::vector<Rule> task_rules();
std::vector<Rule> trainer_rules();
std::vector<Rule> reward_rules();
std::vector<Rule> observer_rules();
std::vector<Rule> recommender_rules();
std::vector<Rule> metric_rules();
std::vector<Rule> tracker_rules();

}  // namespace tsrec::kit
