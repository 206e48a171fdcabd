// A good table of parts that fail at work, each in its own way.
#include <csignal>

#include "bad/faulty.hpp"
#include "bad/plain_quantizer.hpp"

namespace {

using namespace tsrec;
using bad::faulty;

class ThrowsInMake final : public bad::PlainQuantizer {
 public:
  ThrowsInMake(const NoSettings& settings, Context& context) : PlainQuantizer(settings, context) {
    throw std::runtime_error("no codebook in /opt/acme");
  }
};

class ThrowsInFit final : public bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  void fit(const torch::Tensor& x_ND, Context&) override { torch::mm(x_ND, x_ND); }
};

class ThrowsANumber final : public bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  void fit(const torch::Tensor&, Context&) override { throw 42; }
};

class Crashes final : public bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  void fit(const torch::Tensor&, Context& context) override {
    context.log(Level::info, "about to look at the codebook");
    std::raise(SIGSEGV);
  }
};

}  // namespace

TSREC_PLUGIN("acme.faulty", "1.2.0",  //
             (faulty<Quantizer, ThrowsInMake>("throws_in_make")),
             (faulty<Quantizer, ThrowsInFit>("throws_in_fit")),
             (faulty<Quantizer, ThrowsANumber>("throws_a_number")),
             (faulty<Quantizer, Crashes>("crashes")))
