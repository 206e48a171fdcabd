// The vectors of several encoders side by side.
#include "tsrec/parts/encoder.hpp"

namespace {

using namespace tsrec;

struct Settings {
  PartList<Encoder> of;

  void declare(Options& o) {
    o.add_parts("of", of).weighted().required().help(
        "the encoders; `weight` scales the vectors of each, so that its square weighs the squared "
        "distances in them");
  }
};

class Concat final : public Encoder {
 public:
  Concat(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    const Items& items = inputs.items;
    std::vector<torch::Tensor> x_ND;
    for (size_t i = 0; i < settings_.of.size(); ++i) {
      x_ND.push_back(settings_.of.weight(i) *
                     settings_.of.make(i, context)->encode(inputs, context));
      if (x_ND.back().dim() != 2 || x_ND.back().size(0) != items.size())
        throw DataError("encoder 'concat': '", settings_.of.name(i), "' gave the shape ",
                        x_ND.back().sizes(), "; expected one row for each of ", items.size(),
                        " items");
    }
    return torch::cat(x_ND, /*dim=*/1).to(torch::kFloat32);
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.concat", "0.1.0",
             tsrec::part<tsrec::Encoder, Concat, Settings>(
                 "concat", /*revision=*/1, "The vectors of several encoders side by side"))
