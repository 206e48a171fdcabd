// Uniform random codes: the floor that every quantizer must beat.
#include "tsrec/parts/quantizer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t levels = 3, codes = 256;
  void declare(Options& o) {
    o.add("levels", levels).range(1, 26).help("number of codes in a SID");
    o.add("codes", codes).range(1, 65536).help("values of every code");
  }
};

// A code must be a function of the vector alone, so that encode() is pure: the signs and sizes of a
// vector's entries are mixed with a random key.
class RandomCodes final : public Quantizer {
 public:
  RandomCodes(const Settings& settings, Context&) : settings_(settings) {}

  void fit(const torch::Tensor& x_ND, Context& context) override {
    if (x_ND.size(0) == 0 || !x_ND.isfinite().all().item<bool>()) {
      throw DataError(
          "quantizer 'random_codes': there are no vectors, or they hold NaN or infinite values; "
          "check the encoder's output");
    }
    width_ = x_ND.size(1);
    key_L_ = torch::randint(std::numeric_limits<int64_t>::max(), {settings_.levels},
                            context.generator("random codes", 0), torch::kInt64);
  }

  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    const torch::Tensor x = x_ND.to(torch::kFloat32).contiguous();
    torch::Tensor code_NL = torch::empty({x.size(0), settings_.levels}, torch::kInt64);
    auto code = code_NL.accessor<int64_t, 2>();
    for (int64_t n = 0; n < x.size(0); ++n) {
      for (int64_t level = 0; level < settings_.levels; ++level) {
        uint64_t state = static_cast<uint64_t>(key_L_[level].item<int64_t>());
        for (int64_t d = 0; d < x.size(1); ++d) {
          // -0 and 0 are one value.
          state = mixed(
              state ^ std::bit_cast<uint32_t>(x.const_data_ptr<float>()[n * x.size(1) + d] + 0.0F));
        }
        code[n][level] = static_cast<int64_t>(state % static_cast<uint64_t>(settings_.codes));
      }
    }
    return code_NL;
  }

  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    return torch::zeros({code_NL.size(0), width_});
  }
  std::vector<int64_t> sizes() const override {
    return std::vector<int64_t>(static_cast<size_t>(settings_.levels), settings_.codes);
  }
  void save(ArtifactWriter& writer) const override {
    writer.tensor("key_L", key_L_);
    writer.number("width", static_cast<double>(width_));
  }
  void load(const ArtifactReader& reader) override {
    key_L_ = reader.tensor("key_L");
    width_ = static_cast<int64_t>(reader.number("width"));
  }

 private:
  // The finaliser of splitmix64 (Steele, Lea and Flood, 2014).
  static uint64_t mixed(uint64_t z) {
    z += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }

  Settings settings_;
  torch::Tensor key_L_;
  int64_t width_ = 0;
};

}  // namespace

TSREC_PLUGIN("tsrec.random_codes", "0.1.0",
             tsrec::part<tsrec::Quantizer, RandomCodes, Settings>(
                 "random_codes", /*revision=*/1,
                 "Uniform random codes, the floor of all quantizers"))
