#include <cstring>

#include "boundary/tensors.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::boundary {
namespace {

// Four lanes over eight bytes each. Multiplied, a bit moves to higher places only; the shift brings
// it back, or two changed signs could undo each other.
uint64_t mixed(uint64_t lane, uint64_t word) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15;
  const uint64_t product = (lane ^ word) * kFactor;
  return product ^ (product >> 32);
}

uint64_t digest_of(const torch::Tensor& x) {
  if (!x.defined() || !x.device().is_cpu()) return 0;
  const torch::Tensor plain = x.detach().contiguous();
  const auto* bytes = static_cast<const unsigned char*>(plain.const_data_ptr());
  const size_t count = plain.nbytes();
  std::array<uint64_t, 4> lanes = {1, 2, 3, 4};
  size_t at = 0;
  for (; at + sizeof lanes <= count; at += sizeof lanes) {
    std::array<uint64_t, 4> words{};
    std::memcpy(words.data(), bytes + at, sizeof words);
    for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = mixed(lanes[i], words[i]);
  }
  for (; at < count; ++at) lanes[0] = mixed(lanes[0], bytes[at]);
  uint64_t digest = 0;
  for (const uint64_t lane : lanes) digest = mixed(digest, lane);
  return digest;
}

uint64_t digest_of(const std::vector<torch::Tensor>& all) {
  uint64_t digest = 0;
  for (const torch::Tensor& x : all) digest = mixed(digest, digest_of(x));
  return digest;
}

const char* name_of(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat32:
      return "float32";
    case torch::kFloat64:
      return "float64";
    case torch::kFloat16:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kInt64:
      return "int64";
    case torch::kInt32:
      return "int32";
    case torch::kInt16:
      return "int16";
    case torch::kInt8:
      return "int8";
    case torch::kUInt8:
      return "uint8";
    case torch::kBool:
      return "bool";
    default:
      return c10::toString(type);
  }
}

}  // namespace

std::string described(const torch::Tensor& x) {
  if (!x.defined()) return "nothing";
  return c10::str(name_of(x.scalar_type()), " ", x.sizes(),
                  x.device().is_cpu() ? "" : " on " + x.device().str());
}

bool is_cpu_tensor(const torch::Tensor& x, torch::ScalarType type) {
  return x.defined() && x.scalar_type() == type && x.device().is_cpu() &&
         x.layout() == torch::kStrided;
}

std::optional<int64_t> first_not_finite(const torch::Tensor& x) {
  const torch::Tensor plain = x.detach().contiguous();
  const float* value = plain.const_data_ptr<float>();
  for (int64_t i = 0; i < plain.numel(); ++i) {
    if (!std::isfinite(value[i])) return i;
  }
  return std::nullopt;
}

void check_floats(const torch::Tensor& x, at::IntArrayRef shape, const char* method,
                  const char* meaning) {
  if (!is_cpu_tensor(x, torch::kFloat32) || x.sizes() != shape)
    throw BrokenPart(method, " gave ", described(x), "; expected float32 ", shape, ", ", meaning);
  if (const auto at = first_not_finite(x)) {
    const double value = x.detach().reshape({-1})[*at].item<double>();
    const int64_t width = x.dim() > 1 ? x.size(-1) : 1;
    throw BrokenPart(method, " gave ", std::isnan(value) ? "NaN" : "an infinite value", " in row ",
                     *at / std::max<int64_t>(1, width), " of ", described(x),
                     "; expected finite values, ", meaning);
  }
}

void check_options(const Options& options) {
  std::set<std::string> seen;
  for (const auto& field : options.fields()) {
    const Field::Facts& facts = field->facts();
    if (!seen.insert(facts.key).second)
      throw BrokenPart("option '", facts.key,
                       "' is declared twice; every option needs a name of its own");
  }
  for (const auto& field : options.fields()) {
    const std::string complaint = field->facts().is_required ? "" : field->complaint();
    if (!complaint.empty())
      throw BrokenPart("the default of option '", field->facts().key,
                       "' is one that it refuses: ", complaint);
  }
}

void check_names(const Numbers& numbers, const char* method) {
  std::set<std::string_view> seen;
  for (const Number& number : numbers) {
    if (number.name.empty())
      throw BrokenPart(method, " gave a number without a name; expected a name for each");
    if (!seen.insert(number.name).second)
      throw BrokenPart(method, " gave two numbers of the name '", number.name,
                       "'; expected a name of its own for each");
  }
}

Untouched::Untouched(std::vector<torch::Tensor> given)
    : given_(std::move(given)), digest_(digest_of(given_)) {}

Untouched untouched(const Rollouts& rollouts) {
  return Untouched({rollouts.leaf_BG, rollouts.item_BG, rollouts.log_prob_BG, rollouts.target_B,
                    rollouts.samples.history_H});
}

Untouched untouched(const Rankings& rankings) {
  return Untouched({rankings.leaf_SM, rankings.item_SM, rankings.score_SM, rankings.certified_S});
}

void Untouched::check(const char* method, const char* what) const {
  if (digest_of(given_) != digest_)
    throw BrokenPart(method, " wrote into ", what, "; expected to find them as they were");
}

}  // namespace tsrec::boundary
