// A good table of trackers that fail at work, each in its own way.
#include "bad/faulty.hpp"
#include "tsrec/parts/tracker.hpp"

namespace {

using namespace tsrec;
using bad::faulty;

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

}  // namespace

TSREC_PLUGIN("acme.faulty_trackers", "1.2.0",  //
             (faulty<Tracker, ThrowsInMake>("throws_in_make")),
             (faulty<Tracker, ThrowsInOpen>("throws_in_open")),
             (faulty<Tracker, ThrowsInNumber>("throws_in_number")),
             (faulty<Tracker, ThrowsInClose>("throws_in_close")))
