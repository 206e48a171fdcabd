// Preferences over answers of the catalogue: DPO, S-DPO for recommendation, and SimPO.
#include "preference_trainer.hpp"

namespace {

using namespace tsrec;

struct DpoSettings : preference::Settings {
  double beta = 0.1;
  void declare(Options& o) {
    o.add("beta", beta)
        .range(0, 100)
        .help("weight of log p / q, p the model's and q that of before");
    preference::Settings::declare(o);
  }
};

// One other answer for each target (Rafailov et al., 2023).
class Dpo final : public preference::PreferenceTrainer {
 public:
  Dpo(const DpoSettings& settings, Context&)
      : PreferenceTrainer(settings, {.name = "dpo", .beta = settings.beta}) {}
};

struct SDpoSettings : preference::Settings {
  double beta = 1;
  SDpoSettings() { num_negatives = 3; }
  void declare(Options& o) {
    o.add("num_negatives", num_negatives)
        .range(1, 1023)
        .help("other answers that each target is preferred to, all of them at once");
    o.add("beta", beta)
        .range(0, 100)
        .help("weight of log p / q, p the model's and q that of before");
    preference::Settings::declare(o);
  }
};

// Several (Chen et al., 2024).
class SDpo final : public preference::PreferenceTrainer {
 public:
  SDpo(const SDpoSettings& settings, Context&)
      : PreferenceTrainer(settings, {.name = "s_dpo", .beta = settings.beta}) {}
};

struct SimpoSettings : preference::Settings {
  double beta = 2, gamma = 1;
  void declare(Options& o) {
    o.add("beta", beta).range(0, 100).help("weight of the mean log p of an answer's tokens");
    o.add("gamma", gamma)
        .range(0, 100)
        .help("by how much the target's weighted mean is to be above the other's");
    preference::Settings::declare(o);
  }
};

// One, without a reference (Meng et al., 2024).
class Simpo final : public preference::PreferenceTrainer {
 public:
  Simpo(const SimpoSettings& settings, Context&)
      : PreferenceTrainer(settings, {.name = "simpo",
                                     .beta = settings.beta,
                                     .gamma = settings.gamma,
                                     .has_reference = false}) {}
};

}  // namespace

TSREC_PLUGIN(
    "tsrec.preference", "0.1.0",
    tsrec::part<tsrec::Trainer, Dpo, DpoSettings>(
        "dpo", /*revision=*/3, "Direct preference optimisation: the target before another SID"),
    tsrec::part<tsrec::Trainer, SDpo, SDpoSettings>(
        "s_dpo", /*revision=*/3, "DPO for recommendation: the target before several other SIDs"),
    tsrec::part<tsrec::Trainer, Simpo, SimpoSettings>(
        "simpo", /*revision=*/3, "The target before another SID, without a reference model"))
