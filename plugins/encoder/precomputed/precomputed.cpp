// Item vectors that another program computed.
#include "tsrec/io/files.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/unit_rows.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::filesystem::path file;
  std::string normalize = "none";
  void declare(Options& o) {
    o.add("file", file)
        .required()
        .help(".npy of shape [items, width], row = item number; float16, float32 or float64");
    o.add("normalize", normalize).one_of({"none", "l2"}).help("l2: scale every row to length 1");
  }
};

class Precomputed final : public Encoder {
 public:
  Precomputed(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context&) override {
    const Items& items = inputs.items;
    const torch::Tensor stored = io::read_npy(settings_.file);
    if (stored.dim() != 2 || stored.size(0) != items.size() || stored.size(1) == 0) {
      throw DataError("'", settings_.file.string(), "' has the shape ", stored.sizes(),
                      "; expected [", items.size(),
                      ", width], one row for each item of this catalogue");
    }
    torch::Tensor x_ND = stored.to(torch::kFloat32);
    const torch::Tensor bad_N = x_ND.isfinite().all(1).logical_not();
    if (bad_N.any().item<bool>()) {
      throw DataError("'", settings_.file.string(), "' holds NaN or infinite values in ",
                      bad_N.sum().item<int64_t>(), " rows, the first is item ",
                      bad_N.nonzero()[0].item<int64_t>(), "; compute it again");
    }
    return settings_.normalize == "l2" ? unit_rows(x_ND) : x_ND;
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.precomputed", "0.1.0",
             tsrec::part<tsrec::Encoder, Precomputed, Settings>("precomputed", /*revision=*/1,
                                                                "Item vectors from a .npy file"))
