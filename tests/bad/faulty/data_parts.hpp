// Sources, encoders, quantizers, resolvers and extractors with one fault each.
#pragma once

#include <csignal>
#include <cstdlib>

#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::bad {

// --- source: the toy's data, spoiled
template <void (*spoil)(Dataset&)>
class SpoiledData final : public Source {
 public:
  SpoiledData(const NoSettings&, Context&) {}
  Dataset load(Context&) override {
    Dataset data = kit::toy_data();
    spoil(data);
    return data;
  }
};
inline void unknown_item(Dataset& data) { data.train.history_H[1] = data.items.size(); }
inline void short_times(Dataset& data) {
  data.valid.time_S = data.valid.time_S.slice(0, 1).clone();
}
inline void crash(Dataset&) { std::raise(SIGSEGV); }
inline void leave(Dataset&) { std::exit(0); }

// --- encoder
template <torch::Tensor (*spoil)(torch::Tensor)>
class SpoiledVectors final : public Encoder {
 public:
  SpoiledVectors(const NoSettings&, Context&) {}
  torch::Tensor encode(const EncoderInputs& inputs, Context&) override {
    return spoil(kit::toy_vectors(inputs.items.size()));
  }
};
inline torch::Tensor to_double(torch::Tensor x) { return x.to(torch::kFloat64); }
inline torch::Tensor with_nan(torch::Tensor x) { return x[2][1] = std::nan(""), x; }
inline torch::Tensor without_last(torch::Tensor x) { return x.slice(0, 0, x.size(0) - 1).clone(); }

class NeedsAFile final : public Encoder {
 public:
  NeedsAFile(const NoSettings&, Context&) { throw ConfigError("file = \"\" names no file"); }
  torch::Tensor encode(const EncoderInputs&, Context&) override { return {}; }
};

// --- quantizer: the toy's codes, spoiled
struct ToyCodes {
  int64_t levels = 3;
  void declare(Options& o) { o.add("levels", levels).range(1, 3).help("number of codes in a SID"); }
};

class ToyLike : public Quantizer {
 public:
  ToyLike(const ToyCodes& settings, Context&) : toy_(settings.levels, /*codes=*/8) {}
  void fit(const torch::Tensor& x_ND, Context& context) override { toy_.fit(x_ND, context); }
  torch::Tensor encode(const torch::Tensor& x_ND) const override { return toy_.encode(x_ND); }
  torch::Tensor decode(const torch::Tensor& code_NL) const override { return toy_.decode(code_NL); }
  std::vector<int64_t> sizes() const override { return toy_.sizes(); }
  void save(ArtifactWriter& writer) const override { toy_.save(writer); }
  void load(const ArtifactReader& reader) override { toy_.load(reader); }

 private:
  kit::ToyQuantizer toy_;
};

template <torch::Tensor (*spoil)(torch::Tensor)>
class SpoiledCodes final : public ToyLike {
 public:
  using ToyLike::ToyLike;
  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    return spoil(ToyLike::encode(x_ND));
  }
};
inline torch::Tensor to_float(torch::Tensor code_NL) { return code_NL.to(torch::kFloat32); }
inline torch::Tensor to_int32(torch::Tensor code_NL) { return code_NL.to(torch::kInt32); }
inline torch::Tensor transposed(torch::Tensor code_NL) { return code_NL.t().contiguous(); }
inline torch::Tensor first_level(torch::Tensor code_NL) { return code_NL.select(1, 0).clone(); }
inline torch::Tensor below_zero(torch::Tensor code_NL) { return torch::full_like(code_NL, -1); }
inline torch::Tensor above_sizes(torch::Tensor code_NL) { return torch::full_like(code_NL, 8); }
inline torch::Tensor other_each_time(torch::Tensor code_NL) {
  static int64_t calls = 0;
  return (code_NL + ++calls) % 8;
}

class ShortSizes final : public ToyLike {
 public:
  using ToyLike::ToyLike;
  std::vector<int64_t> sizes() const override { return {8, 8}; }
};

class OverwritingFit final : public ToyLike {
 public:
  using ToyLike::ToyLike;
  void fit(const torch::Tensor& x_ND, Context& context) override {
    ToyLike::fit(x_ND, context);
    x_ND.sub_(x_ND.mean(0));
  }
};

class NoCodebook final : public ToyLike {
 public:
  using ToyLike::ToyLike;
  void fit(const torch::Tensor&, Context&) override { throw DataError("the codebook is empty"); }
};

// Never made: their options are refused.
struct DeclaredTwice : ToyCodes {
  void declare(Options& o) {
    ToyCodes::declare(o);
    ToyCodes::declare(o);
  }
};
struct DefaultOutside {
  int64_t codes = 0;
  void declare(Options& o) { o.add("codes", codes).range(1, 256).help("clusters of every level"); }
};
template <class Settings>
class NeverMade final : public ToyLike {
 public:
  NeverMade(const Settings&, Context& context) : ToyLike({}, context) {}
};

// --- resolver
template <void (*spoil)(SidTable&)>
class SpoiledSids final : public Resolver {
 public:
  SpoiledSids(const NoSettings&, Context&) {}
  SidTable resolve(const ResolverInputs& inputs, Context&) override {
    SidTable sids{inputs.code_NL.clone(), inputs.quantizer.sizes()};
    spoil(sids);
    return sids;
  }
};
inline void one_for_all(SidTable& sids) { sids.code_NL.zero_(); }
inline void one_level_less(SidTable& sids) {
  sids.code_NL = sids.code_NL.slice(1, 0, sids.num_levels() - 1).contiguous();
}

// --- extractor
class ForeignToken final : public Extractor {
 public:
  ForeignToken(const NoSettings&, Context&) {}
  std::vector<TokenNote> extract(const std::vector<TokenCluster>&, const Items&,
                                 Context&) override {
    return {{"<a_999>", "Nothing has this code.", {}}};
  }
};

}  // namespace tsrec::bad
