// A good table of parts that do not come to an end, or leave something at work behind them.
#include <chrono>
#include <thread>

#include "bad/plain_quantizer.hpp"

namespace {

using namespace tsrec;

[[noreturn]] void sleep_forever() {
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

class NeverFits final : public bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  void fit(const torch::Tensor&, Context&) override { sleep_forever(); }
};

class LeavesAThread final : public bad::PlainQuantizer {
 public:
  using PlainQuantizer::PlainQuantizer;
  void fit(const torch::Tensor&, Context&) override { std::thread(sleep_forever).detach(); }
};

template <class Impl>
constexpr PartInfo endless(const char* name) {
  return part<Quantizer, Impl, NoSettings>(name, 1, "Does not end on purpose");
}

}  // namespace

TSREC_PLUGIN("acme.endless", "1.2.0", endless<NeverFits>("never_fits"),
             endless<LeavesAThread>("leaves_a_thread"))
