#include <cmath>
#include <fstream>

#include "rules.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/tracker.hpp"

namespace tsrec::kit {
namespace tracker_rule {  // rules of other kinds have the same names

namespace fs = std::filesystem;

// A run's folder among others.
struct Place {
  Place() {
    fs::create_directory(run);
    io::write_text(above.path() / "neighbour.txt", "as it was");
  }
  TrackedRun tracked() const { return {"toy", run, "[run]\nname = \"toy\"\n"}; }
  TempFolder above;
  fs::path run = above.path() / "run";
};

void tell(Tracker& tracker, int64_t steps) {
  for (int64_t step = 0; step < steps; ++step) {
    tracker.number("stage.sft", "train.loss", 1.0 / static_cast<double>(step + 1), step);
    tracker.number("stage.grpo", "valid.loss", 3, 2 * step);
  }
}

void told_and_closed(const Subject& subject) {
  for (const int64_t steps : {0, 1, 300}) {
    const Place place;
    TestContext context;
    const auto tracker = subject.make_as<Tracker>(context);
    tracker->open(place.tracked());
    tell(*tracker, steps);
    tracker->close();
  }
}

void every_number_can_be_told(const Subject& subject) {
  const Place place;
  TestContext context;
  const auto tracker = subject.make_as<Tracker>(context);
  tracker->open(place.tracked());
  for (const double value : {0.0, -1e300, 1e-300, std::nan(""), HUGE_VAL, -HUGE_VAL})
    tracker->number("quantize", "valid.item.hr@10 \"best\" of \xC3\xA9", value, 0);
  tracker->number("quantize", "train.loss", 1, std::numeric_limits<int64_t>::max());
  tracker->close();
}

void only_the_runs_folder(const Subject& subject) {
  const Place place;
  TestContext context;
  const auto tracker = subject.make_as<Tracker>(context);
  tracker->open(place.tracked());
  tell(*tracker, 3);
  tracker->close();
  for (const auto& entry : fs::directory_iterator(place.above.path())) {
    const std::string name = entry.path().filename();
    require(name == "run" || name == "neighbour.txt", "it made '", name,
            "' beside the folder of the run");
  }
  require(io::read_text(place.above.path() / "neighbour.txt") == "as it was",
          "it changed a file beside the folder of the run");
}

uintmax_t bytes_below(const fs::path& folder) {
  uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

// Each of two runs at once leaves as much as it does alone.
void runs_do_not_mix(const Subject& subject) {
  constexpr int64_t kFirst = 5, kSecond = 3;
  TestContext context;
  const auto alone = [&](int64_t steps) {
    const Place place;
    const auto tracker = subject.make_as<Tracker>(context);
    tracker->open(place.tracked());
    tell(*tracker, steps);
    tracker->close();
    return bytes_below(place.run);
  };
  const Place one, other;
  const auto first = subject.make_as<Tracker>(context), second = subject.make_as<Tracker>(context);
  first->open(one.tracked());
  second->open(other.tracked());
  tell(*first, kFirst);
  tell(*second, kSecond);
  first->close();
  second->close();
  require(bytes_below(one.run) == alone(kFirst) && bytes_below(other.run) == alone(kSecond),
          "two runs at once leave other files than each of them alone");
}

void a_folder_that_is_not_there(const Subject& subject) {
  const Place place;
  TestContext context;
  works_or_says_why([&] {
    const auto tracker = subject.make_as<Tracker>(context);
    tracker->open({"toy", place.above.path() / "neighbour.txt" / "run", ""});
    tell(*tracker, 2);
    tracker->close();
  });
}

}  // namespace tracker_rule

std::vector<Rule> tracker_rules() {
  using namespace tracker_rule;
  return {
      {"it is told many numbers of several stages, one, or none, and closes", told_and_closed},
      {"every number can be told: NaN, infinite, far steps, odd names", every_number_can_be_told},
      {"it writes into the folder of the run only", only_the_runs_folder},
      {"two runs at the same time do not mix", runs_do_not_mix},
      {"a folder that cannot be written into: it works, or a sentence",
       a_folder_that_is_not_there}};
}

}  // namespace tsrec::kit
