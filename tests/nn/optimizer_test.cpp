#include "tsrec/nn/optimizer.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

std::vector<nn::Parameter> make_parameters() {
  std::vector<nn::Parameter> parameters;
  parameters.push_back(
      {"matrix", torch::randn({3, 4}, at::detail::createCPUGenerator(1)).requires_grad_(), true});
  parameters.push_back(
      {"bias", torch::randn({4}, at::detail::createCPUGenerator(2)).requires_grad_(), false});
  return parameters;
}

torch::Tensor loss_of(const std::vector<nn::Parameter>& p, int64_t step) {
  const torch::Tensor x =
      torch::randn({3}, at::detail::createCPUGenerator(static_cast<uint64_t>(10 + step)));
  return (torch::matmul(x, p[0].value) + p[1].value).square().sum();
}

TEST(AdamW, FollowsTheFormulaInDoublePrecision) {
  nn::FlatParameters flat(make_parameters());
  nn::AdamW optimizer(flat, {.beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1});
  std::vector<double> w, m, v;
  for (const nn::Parameter& parameter : flat.parameters()) {
    const torch::Tensor value = parameter.value.detach().flatten().to(torch::kFloat64);
    w.insert(w.end(), value.const_data_ptr<double>(),
             value.const_data_ptr<double>() + value.numel());
  }
  m = v = std::vector<double>(w.size(), 0.0);
  for (int64_t step = 1; step <= 20; ++step) {
    flat.zero_gradient();
    loss_of(flat.parameters(), step).backward();
    for (size_t i = 0; i < w.size(); ++i) {
      const double g = flat.gradient()[static_cast<int64_t>(i)].item<double>();
      m[i] = 0.8 * m[i] + 0.2 * g;
      v[i] = 0.95 * v[i] + 0.05 * g * g;
      if (i < 12) w[i] *= 1 - 0.01 * 0.1;
      w[i] -= 0.01 * (m[i] / (1 - std::pow(0.8, step))) /
              (std::sqrt(v[i] / (1 - std::pow(0.95, step))) + 1e-8);
    }
    optimizer.step(0.01);
    for (size_t i = 0; i < w.size(); ++i)
      EXPECT_NEAR(flat.value()[static_cast<int64_t>(i)].item<double>(), w[i], 1e-5);
  }
}

std::vector<nn::Parameter> one_weight(double value) {
  return {{"weight", torch::full({1}, value, torch::kBFloat16).requires_grad_(), false}};
}

// A thousand updates of 2^-12 on a weight of 1: bfloat16 cannot tell 1 from 1 - 2^-12.
TEST(AdamW, UnderBfloat16TheMasterWeightKeepsSmallUpdatesAndPureBfloat16LosesThem) {
  for (const bool float32_state : {true, false}) {
    nn::FlatParameters flat(one_weight(1));
    nn::AdamW optimizer(flat, {.float32_state = float32_state});
    for (int step = 0; step < 1000; ++step) {
      flat.gradient().fill_(1);  // AdamW's step is then the learning rate
      optimizer.step(std::ldexp(1.0, -12));
    }
    const double weight = flat.value()[0].item<double>();
    if (float32_state) {
      EXPECT_NEAR(weight, 1 - 1000.0 / 4096, 4e-3);
    } else {
      EXPECT_EQ(weight, 1);
    }
  }
}

// Gradients are read, and new weights written, in bfloat16; between them lies float32's own step.
TEST(AdamW, UnderBfloat16TheMasterMovesAsInFloat32AndTheWeightsAreItsRoundedNumbers) {
  const int64_t count = 1003;
  const torch::Tensor start =
      torch::randn({count}, at::detail::createCPUGenerator(1)).to(torch::kBFloat16);
  const auto flat_of = [&](torch::ScalarType type) {
    return nn::FlatParameters({{"weight", start.to(type).clone().requires_grad_(), true}});
  };
  nn::FlatParameters half = flat_of(torch::kBFloat16), whole = flat_of(torch::kFloat32);
  const nn::AdamWOptions options{.weight_decay = 0.1};
  nn::AdamW first(half, options), second(whole, options);
  for (uint64_t step = 0; step < 5; ++step) {
    half.gradient().copy_(torch::randn({count}, at::detail::createCPUGenerator(10 + step)));
    whole.gradient().copy_(half.gradient());
    const double norm = whole.gradient().to(torch::kFloat64).norm().item<double>();
    EXPECT_NEAR(half.clip(1e30) / norm, 1, 1e-12);
    first.step(1e-2);
    second.step(1e-2);
    EXPECT_TRUE(torch::equal(half.value(), whole.value().to(torch::kBFloat16)));
  }
  half.gradient()[7] = std::nan("");
  first.step(1e-2);
  EXPECT_TRUE(half.value()[7].isnan().item<bool>());
  EXPECT_EQ(half.value().isnan().sum().item<int64_t>(), 1);
}

TEST(AdamW, ResumesExactlyAndRefusesAnotherModelsState) {
  nn::FlatParameters one(make_parameters()), two(make_parameters());
  nn::AdamW first(one, {}), second(two, {});
  const auto step = [](nn::FlatParameters& flat, nn::AdamW& optimizer, int64_t index) {
    flat.zero_gradient();
    loss_of(flat.parameters(), index).backward();
    optimizer.step(0.01);
  };
  for (int64_t i = 0; i < 3; ++i) step(one, first, i);
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "s");
  first.save(writer);
  writer.close();
  second.load(ArtifactReader(folder.path() / "s"));
  EXPECT_TRUE(torch::equal(one.value(), two.value()));
  for (int64_t i = 3; i < 6; ++i) {
    step(one, first, i);
    step(two, second, i);
  }
  EXPECT_TRUE(torch::equal(one.value(), two.value()));
  nn::FlatParameters other({{"matrix", torch::zeros({2}).requires_grad_(), true}});
  nn::AdamW third(other, {});
  EXPECT_NE(message_of<DataError>([&] {
              third.load(ArtifactReader(folder.path() / "s"));
            }).find("16 parameters"),
            std::string::npos);
}

TEST(FlatParameters, ClipScalesToTheNormAndLeavesWhatIsNotFinite) {
  nn::FlatParameters flat(make_parameters());
  loss_of(flat.parameters(), 1).backward();
  const torch::Tensor before = flat.gradient().clone();
  const double norm = flat.clip(0.5);
  EXPECT_NEAR(norm, before.norm().item<double>(), 1e-5);
  EXPECT_NEAR(flat.gradient().norm().item<double>(), 0.5, 1e-6);
  EXPECT_TRUE(torch::allclose(flat.gradient() * norm / 0.5, before, 1e-4, 1e-6));
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    flat.gradient()[0] = bad;
    const torch::Tensor damaged = flat.gradient().clone();
    EXPECT_FALSE(std::isfinite(flat.clip(0.1)));
    EXPECT_TRUE(torch::equal(flat.gradient().slice(0, 1), damaged.slice(0, 1)));
  }
}

TEST(Schedule, HasItsShape) {
  const nn::Schedule linear{"linear", 20, 0}, cosine{"cosine", 0, 0.1}, constant{"constant", 0, 0};
  EXPECT_EQ(linear.at(0, 240), 0);
  EXPECT_EQ(linear.at(10, 240), 0.5);
  EXPECT_EQ(linear.at(20, 240), 1);
  EXPECT_NEAR(linear.at(130, 240), 0.5, 1e-12);
  EXPECT_NEAR(cosine.at(0, 100), 1, 1e-12);
  EXPECT_NEAR(cosine.at(50, 100), 0.55, 1e-12);
  EXPECT_NEAR(cosine.at(100, 100), 0.1, 1e-12);
  EXPECT_EQ(constant.at(77, 100), 1);
}

TEST(Head, LabelLogProbIsTheLogSoftmaxInChunksWithItsGradients) {
  const torch::Tensor h = torch::randn({17, 6}, at::detail::createCPUGenerator(1)).requires_grad_();
  const torch::Tensor w = torch::randn({40, 6}, at::detail::createCPUGenerator(2)).requires_grad_();
  const torch::Tensor label =
      torch::randint(40, {17}, at::detail::createCPUGenerator(3), torch::kInt64);
  const torch::Tensor probe = torch::randn({17}, at::detail::createCPUGenerator(4));
  const torch::Tensor z = torch::matmul(h.to(torch::kFloat64), w.to(torch::kFloat64).t());
  const torch::Tensor wanted = torch::log_softmax(z, 1).gather(1, label.unsqueeze(1)).squeeze(1);
  const auto b = torch::autograd::grad({(wanted * probe).sum()}, {h, w});
  for (const int64_t chunk : {4, 17, 1000}) {
    const torch::Tensor got = nn::label_log_prob({w}, h, label, chunk);
    EXPECT_LT((got - wanted).abs().max().item<double>(), 1e-5);
    const auto a = torch::autograd::grad({(got * probe).sum()}, {h, w});
    for (size_t i = 0; i < 2; ++i) EXPECT_LT((a[i] - b[i]).abs().max().item<double>(), 1e-5);
    EXPECT_LT(
        (nn::log_normalizer({w}, h, chunk) - torch::logsumexp(z, 1)).abs().max().item<double>(),
        1e-5);
  }
  EXPECT_LT((nn::logits({w}, h, {5, 3}) - z.slice(1, 5, 8)).abs().max().item<double>(), 1e-5);
}

// Larger than a tile of logits in both directions, with labels at its edges and logits far apart.
TEST(Head, TilesOfALargeVocabularyMeetExactly) {
  const int64_t rows = 600, vocabulary = 2500, width = 8;
  const torch::Tensor h =
      torch::randn({rows, width}, at::detail::createCPUGenerator(1)).requires_grad_();
  const torch::Tensor w =
      (3 * torch::randn({vocabulary, width}, at::detail::createCPUGenerator(2))).requires_grad_();
  torch::Tensor label =
      torch::randint(vocabulary, {rows}, at::detail::createCPUGenerator(3), torch::kInt64);
  const std::vector<int64_t> edges = {0, 1023, 1024, 2047, 2048, vocabulary - 1};
  for (size_t i = 0; i < edges.size(); ++i) label[static_cast<int64_t>(i)] = edges[i];
  const torch::Tensor probe = torch::randn({rows}, at::detail::createCPUGenerator(4));
  const torch::Tensor z = torch::matmul(h.to(torch::kFloat64), w.to(torch::kFloat64).t());
  const torch::Tensor wanted = torch::log_softmax(z, 1).gather(1, label.unsqueeze(1)).squeeze(1);
  const torch::Tensor got = nn::label_log_prob({w}, h, label);
  EXPECT_LT((got - wanted).abs().max().item<double>(), 1e-4);
  EXPECT_LT((nn::log_normalizer({w}, h) - torch::logsumexp(z, 1)).abs().max().item<double>(), 1e-4);
  const auto a = torch::autograd::grad({(got * probe).sum()}, {h, w}),
             b = torch::autograd::grad({(wanted * probe).sum()}, {h, w});
  for (size_t i = 0; i < 2; ++i)
    EXPECT_LT((a[i] - b[i]).norm().item<double>(), 1e-5 * b[i].norm().item<double>());
}

// Logits of bfloat16 hidden states are rounded as every product is; sums over the vocabulary, over
// rows and over tiles are not.
TEST(Head, InBfloat16OnlyLogitsAreRounded) {
  const int64_t rows = 300, vocabulary = 2100, width = 8;
  const auto half = [](const torch::Tensor& x) { return x.to(torch::kBFloat16).requires_grad_(); };
  const torch::Tensor h = half(torch::randn({rows, width}, at::detail::createCPUGenerator(1)));
  const torch::Tensor w =
      half(0.5 * torch::randn({vocabulary, width}, at::detail::createCPUGenerator(2)));
  const torch::Tensor label =
      torch::randint(vocabulary, {rows}, at::detail::createCPUGenerator(3), torch::kInt64);
  const torch::Tensor probe = torch::randn({rows}, at::detail::createCPUGenerator(4));
  const torch::Tensor z = torch::matmul(h.to(torch::kFloat64), w.to(torch::kFloat64).t());
  const torch::Tensor wanted = torch::log_softmax(z, 1).gather(1, label.unsqueeze(1)).squeeze(1);
  const torch::Tensor got = nn::label_log_prob({w}, h, label);
  EXPECT_EQ(got.scalar_type(), torch::kFloat32);
  const double ulp = std::ldexp(z.abs().max().item<double>(), -8);  // of the largest logit
  EXPECT_LT((got - wanted).abs().max().item<double>(), 1.1 * ulp);
  // Of 2,100 rounded logits the errors cancel: their sum is far better than one of them.
  EXPECT_LT((nn::log_normalizer({w}, h) - torch::logsumexp(z, 1)).abs().mean().item<double>(),
            0.1 * ulp);
  const auto a = torch::autograd::grad({(got * probe).sum()}, {h, w}),
             b = torch::autograd::grad({(wanted * probe).sum()}, {h, w});
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(a[i].scalar_type(), torch::kBFloat16);
    EXPECT_LT((a[i].to(torch::kFloat64) - b[i].to(torch::kFloat64)).norm().item<double>(),
              6e-3 * b[i].to(torch::kFloat64).norm().item<double>());
  }
}

// Several labels of one state, one of them twice, in an order of their own: what a row for each
// label gives. float64 has no kernel.
TEST(Head, StatesThatPredictSeveralLabelsMeetTheHeadOnce) {
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  const int64_t states = 700, labels = 1500, vocabulary = 2100, width = 8;
  const torch::Tensor at_R = torch::randint(states, {labels}, generator, torch::kInt64),
                      label_R = torch::randint(vocabulary, {labels}, generator, torch::kInt64),
                      probe_R = torch::randn({labels}, generator);
  at_R[1] = at_R[0];
  label_R[1] = label_R[0];
  const nn::StateLabels by_state = nn::by_state(at_R, label_R);
  EXPECT_EQ(by_state.num_states(), std::get<0>(at::_unique(at_R)).numel());
  EXPECT_LT(by_state.num_states(), states);
  const torch::Tensor h_wide = torch::randn({states, width}, generator, torch::kFloat64),
                      w_wide = torch::randn({vocabulary, width}, generator, torch::kFloat64);
  const auto leaves = [&](torch::ScalarType type) {
    return std::vector{h_wide.to(type).detach().clone().requires_grad_(),
                       w_wide.to(type).detach().clone().requires_grad_()};
  };
  const auto exact = leaves(torch::kFloat64);
  const torch::Tensor z_SV = torch::matmul(exact[0], exact[1].t());
  const torch::Tensor wanted_R = torch::log_softmax(z_SV, 1).index({at_R, label_R});
  const auto wanted = torch::autograd::grad({(wanted_R * probe_R).sum()}, exact);
  for (const auto& [type, tolerance] : std::vector<std::pair<torch::ScalarType, double>>{
           {torch::kFloat64, 1e-6}, {torch::kFloat32, 1e-5}, {torch::kBFloat16, 1e-2}}) {
    for (const int64_t chunk : {64, 1024}) {
      const auto leaf = leaves(type);
      const torch::Tensor got_R = nn::label_log_prob({leaf[1]}, leaf[0], by_state, chunk);
      EXPECT_EQ(got_R.scalar_type(), torch::kFloat32);
      EXPECT_LT((got_R - wanted_R).norm().item<double>(),
                tolerance * wanted_R.norm().item<double>())
          << type;
      const auto got = torch::autograd::grad({(got_R * probe_R).sum()}, leaf);
      for (size_t i = 0; i < 2; ++i) {
        EXPECT_LT((got[i].to(torch::kFloat64) - wanted[i]).norm().item<double>(),
                  tolerance * wanted[i].norm().item<double>())
            << type << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace tsrec::test
