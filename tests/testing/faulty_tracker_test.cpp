#include <cmath>

#include "faults.hpp"
#include "tsrec/parts/tracker.hpp"

namespace tsrec::test {
namespace {

// Writes its numbers into a file of the run's folder.
class FaultyTracker final : public Tracker {
 public:
  FaultyTracker(const NoSettings&, Context&) {}
  void open(const TrackedRun& run) override {
    static std::filesystem::path first;
    std::filesystem::path folder = run.folder;
    if (has_fault("the folder above")) folder = folder.parent_path();
    if (has_fault("one file for all")) {
      if (first.empty() || !std::filesystem::exists(first)) first = folder;
      folder = first;
    }
    if (has_fault("changes its neighbour"))
      std::ofstream(run.folder.parent_path() / "neighbour.txt") << "as I like it";
    out_.open(folder / "numbers.txt", std::ios::app);
    if (out_) return;
    if (has_fault("says too little")) throw DataError("no");
    throw DataError("cannot write below '", folder.string(), "'");
  }
  void number(std::string_view stage, std::string_view name, double value, int64_t step) override {
    if (has_fault("finite numbers only") && !std::isfinite(value)) throw DataError("not finite");
    told_ = true;
    out_ << stage << ' ' << name << ' ' << value << ' ' << step << std::endl;
  }
  void close() override {
    if (has_fault("must be told something") && !told_) throw DataError("nothing was told");
    out_.close();
  }

 private:
  std::ofstream out_;
  bool told_ = false;
};

TEST(Conformance, RulesOfTrackersCanBeBroken) {
  expect_every_rule_can_be_broken(faulty_part<Tracker, FaultyTracker>(),
                                  {{"must be told something", "it is told many numbers"},
                                   {"finite numbers only", "every number can be told"},
                                   {"the folder above", "it writes into the folder"},
                                   {"changes its neighbour", "it writes into the folder"},
                                   {"one file for all", "two runs at the same time"},
                                   {"says too little", "a folder that cannot be written into"}});
}

}  // namespace
}  // namespace tsrec::test
