// A good table of trackers that fail at work, each in its own way.
#include "tsrec/parts/tracker.hpp"

namespace {

using namespace tsrec;

class Quiet : public Tracker {
 public:
  Quiet(const NoSettings&, Context&) {}
  void open(const TrackedRun&) override {}
  void number(std::string_view, std::string_view, double, int64_t) override {}
  void close() override {}
};

class ThrowsInMake final : public Quiet {
 public:
  ThrowsInMake(const NoSettings& settings, Context& context) : Quiet(settings, context) {
    throw std::runtime_error("no paper");
  }
};

class ThrowsInOpen final : public Quiet {
 public:
  using Quiet::Quiet;
  void open(const TrackedRun&) override { throw std::runtime_error("no connection"); }
};

class ThrowsInNumber final : public Quiet {
 public:
  using Quiet::Quiet;
  void number(std::string_view, std::string_view, double, int64_t) override { throw 42; }
};

class ThrowsInClose final : public Quiet {
 public:
  using Quiet::Quiet;
  void close() override { throw std::runtime_error("no goodbye"); }
};

template <class Impl>
constexpr PartInfo faulty(const char* name) {
  return part<Tracker, Impl, NoSettings>(name, 1, "Fails on purpose");
}

}  // namespace

TSREC_PLUGIN("acme.faulty_trackers", "1.2.0", faulty<ThrowsInMake>("throws_in_make"),
             faulty<ThrowsInOpen>("throws_in_open"), faulty<ThrowsInNumber>("throws_in_number"),
             faulty<ThrowsInClose>("throws_in_close"))
