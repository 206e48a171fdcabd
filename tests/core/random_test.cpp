#include "tsrec/random.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <set>

#include "pipeline/run_context.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

std::vector<int64_t> numbers_of(at::Generator generator, int64_t count = 4) {
  const torch::Tensor drawn = torch::randint(std::numeric_limits<int64_t>::max(), {count},
                                             std::move(generator), torch::kInt64);
  return {drawn.const_data_ptr<int64_t>(), drawn.const_data_ptr<int64_t>() + count};
}

// Indices whose digits run into each other, purposes that hold the separators, both kinds of names.
TEST(Streams, NoTwoNamesShareOne) {
  host::RunSettings settings;
  host::RunContext run(settings, "stage.sft", "");
  TestContext kit;
  for (Context* context : std::vector<Context*>{&run, &kit}) {
    std::set<std::vector<int64_t>> seen;
    size_t count = 0;
    const auto add = [&](at::Generator generator) {
      seen.insert(numbers_of(std::move(generator)));
      ++count;
    };
    for (const std::string purpose : {"dropout", "dropout\n1", "dropout\n1/1", "dropout/1", ""}) {
      for (const int64_t index : {-1, 0, 1, 11, 111, 4096, 8192}) {
        add(context->generator(purpose, index));
        for (const int64_t part : {-1, 0, 1, 11, 4095, 4096, 8192})
          add(context->generator(purpose, index, part));
      }
    }
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(numbers_of(context->generator("dropout", 3, 4)),
              numbers_of(context->generator("dropout", 3, 4)));
  }
}

// The first numbers that mt19937ar.out of the authors lists for this key.
TEST(Streams, AKeyGivesThePublishedNumbers) {
  const std::array<uint32_t, 4> key = {0x123, 0x234, 0x345, 0x456};
  at::Generator generator = generator_of(key);
  auto* impl = at::check_generator<at::CPUGeneratorImpl>(generator);
  for (const uint32_t wanted :
       {1067595299U, 955945823U, 477289528U, 4107218783U, 4228976476U, 3344332714U})
    EXPECT_EQ(impl->random(), wanted);
}

// Seeds of 32 bits would collide among that many with a probability of 99 %.
TEST(Streams, TwoHundredThousandAreAllDifferent) {
  std::set<uint64_t> seen;
  for (int64_t i = 0; i < 200'000; ++i) {
    at::Generator generator = stream_of(std::to_string(i));
    seen.insert(at::check_generator<at::CPUGeneratorImpl>(generator)->random64());
  }
  EXPECT_EQ(seen.size(), 200'000u);
}

TEST(Streams, NumbersAreUniformAndNormal) {
  const torch::Tensor uniform = torch::rand({200'000}, stream_of("a"), torch::kFloat64);
  EXPECT_NEAR(uniform.mean().item<double>(), 0.5, 4 * std::sqrt(1.0 / 12 / 200'000));
  const torch::Tensor bin = torch::histc(uniform, 100, 0, 1);
  const double chi_squared = ((bin - 2000).square() / 2000).sum().item<double>();
  EXPECT_LT(std::abs(chi_squared - 99) / std::sqrt(2 * 99.0), 5);
  const torch::Tensor normal = torch::randn({200'000}, stream_of("b"), torch::kFloat64);
  EXPECT_NEAR(normal.var().item<double>(), 1, 4 * std::sqrt(2.0 / 200'000));
}

}  // namespace
}  // namespace tsrec::test
