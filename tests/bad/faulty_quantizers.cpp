// A good table of parts that fail at work, each in its own way.
#include <csignal>

#include "bad/plain_quantizer.hpp"

namespace {

using namespace tsrec;

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

template <class Impl>
constexpr PartInfo faulty(const char* name) {
  return part<Quantizer, Impl, NoSettings>(name, 1, "Fails on purpose");
}

}  // namespace

TSREC_PLUGIN("acme.faulty", "1.2.0", faulty<ThrowsInMake>("throws_in_make"),
             faulty<ThrowsInFit>("throws_in_fit"), faulty<ThrowsANumber>("throws_a_number"),
             faulty<Crashes>("crashes"))
