// Watches one number of a training, and ends it, or warns, where the number leaves its bounds.
#include <cmath>
#include <limits>

#include "tsrec/parts/observer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::string watch = "train.loss", action = "stop";
  double below = -std::numeric_limits<double>::infinity();
  double above = std::numeric_limits<double>::infinity();
  int64_t in_a_row = 1, after = 0;

  void declare(Options& o) {
    o.add("watch", watch)
        .help("which number, as its curve is called: train.loss, train.kl, valid.item.hr@10");
    o.add("below", below).help("a value below this is out of bounds").check([this] {
      return below <= above ? "" : "below must not be greater than above: no value would be inside";
    });
    o.add("above", above)
        .help("a value above this is out of bounds; one that is not finite always is");
    o.add("in_a_row", in_a_row)
        .at_least(1)
        .unit("values")
        .help("so many out of bounds one after the other before it acts");
    o.add("after", after).at_least(0).unit("steps").help("the first steps are not looked at");
    o.add("action", action)
        .one_of({"stop", "warn"})
        .help(
            "stop: the training ends, and hands on the state that the stage selects; warn: the log "
            "says so, once until the number has come back");
  }
};

class Guard final : public Observer {
 public:
  Guard(const Settings& settings, Context&) : settings_(settings) {}

  void start(const ObserverInputs&, Context&) override {}

  std::optional<std::string> look(const TrainingStep& step, Context& context) override {
    const std::optional<double> value = step.value(settings_.watch);
    is_known_ = is_known_ || value.has_value();
    if (!is_known_ && step.is_validated) refuse_unknown(step);
    if (!value || step.index < settings_.after) return std::nullopt;
    const bool is_inside =
        std::isfinite(*value) && *value >= settings_.below && *value <= settings_.above;
    outside_ = is_inside ? 0 : outside_ + 1;
    if (outside_ < settings_.in_a_row) return std::nullopt;
    const std::string reason = sentence(*value);
    if (settings_.action == "stop") return reason;
    if (outside_ == settings_.in_a_row)
      context.log(Level::warning, c10::str("step ", step.index + 1, ": ", reason));
    return std::nullopt;
  }

  void save_state(ArtifactWriter& writer) const override {
    writer.number("outside", static_cast<double>(outside_));
    writer.number("is_known", is_known_ ? 1 : 0);
  }
  void load_state(const ArtifactReader& reader) override {
    outside_ = static_cast<int64_t>(reader.number("outside"));
    is_known_ = reader.number("is_known") != 0;
  }

 private:
  // By then a training has said everything once; a name that is misspelt would never be outside.
  [[noreturn]] void refuse_unknown(const TrainingStep& step) const {
    std::string said;
    for (const Number& number : step.numbers) said += (said.empty() ? "" : ", ") + number.name;
    throw ConfigError("observer 'guard' watches '", settings_.watch,
                      "', which nobody said up to the first validation; this step has ",
                      said.empty() ? "no numbers" : said);
  }

  std::string sentence(double value) const {
    const std::string bound = !std::isfinite(value)     ? "not a finite number"
                              : value < settings_.below ? c10::str("below ", settings_.below)
                                                        : c10::str("above ", settings_.above);
    return c10::str(settings_.watch, " is ", value, ", ", bound,
                    outside_ > 1 ? c10::str(", out of bounds ", outside_, " times in a row") : "");
  }

  Settings settings_;
  int64_t outside_ = 0;  // values out of bounds, one after the other
  bool is_known_ = false;
};

}  // namespace

TSREC_PLUGIN("tsrec.guard", "0.1.0",
             tsrec::part<tsrec::Observer, Guard, Settings>(
                 "guard", /*revision=*/1,
                 "Ends a training, or warns, where a number is out of bounds"))
