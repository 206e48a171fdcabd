#include "rules.hpp"

namespace tsrec::kit {
namespace quantizer_rule {  // rules of other kinds have the same names

constexpr int64_t kRows = 320;  // more than the usual 256 codes

std::shared_ptr<Quantizer> fitted(const Subject& subject, const torch::Tensor& x_ND,
                                  uint64_t seed = 17) {
  TestContext context(seed);
  auto quantizer = subject.make_as<Quantizer>(context);
  fit(*quantizer, x_ND, context);
  return quantizer;
}

void codes_fit_their_sizes(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const auto quantizer = fitted(subject, x_ND);
  boundary::check_codes(quantizer->encode(x_ND), quantizer->sizes(), kRows);
  boundary::check_codes(quantizer->encode(x_ND.slice(0, 0, 0)), quantizer->sizes(), 0);
}

void decodes_to_vectors(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const auto quantizer = fitted(subject, x_ND);
  const torch::Tensor decoded_ND = quantizer->decode(quantizer->encode(x_ND));
  boundary::check_decoded(decoded_ND, kRows);
  require(decoded_ND.sizes() == x_ND.sizes(), "decode() gave ", boundary::described(decoded_ND),
          " of ", boundary::described(x_ND), "; expected vectors of the same width");
}

void a_row_decides_its_codes(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const auto quantizer = fitted(subject, x_ND);
  boundary::check_pure(*quantizer, x_ND);
  const torch::Tensor code_NL = quantizer->encode(x_ND);
  require(same(code_NL, quantizer->encode(x_ND)), "the same rows get other codes the second time");
  require(same(code_NL[0], code_NL[1]), "equal rows get different codes");
  const torch::Tensor order = torch::arange(kRows - 1, -1, -1);
  require(same(quantizer->encode(x_ND.index_select(0, order)), code_NL.index_select(0, order)),
          "in another order the rows get other codes");
  require(same(quantizer->encode(x_ND.slice(0, 7, 8)), code_NL.slice(0, 7, 8)),
          "a row alone gets other codes than among others");
}

void the_seed_decides(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const boundary::Untouched given({x_ND});
  const auto quantizer = fitted(subject, x_ND);
  given.check("fit()", "the vectors it is given");
  const torch::Tensor a = quantizer->encode(x_ND);
  given.check("encode()", "the vectors it is given");
  require(same(a, fitted(subject, x_ND)->encode(x_ND)), "two fits with one seed differ");
}

void saved_and_loaded(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const auto quantizer = fitted(subject, x_ND);
  TestContext context;
  const auto again = subject.make_as<Quantizer>(context);
  through_disk([&](ArtifactWriter& writer) { quantizer->save(writer); },
               [&](const ArtifactReader& reader) { again->load(reader); });
  const torch::Tensor code_NL = quantizer->encode(x_ND);
  require(same(code_NL, again->encode(x_ND)), "the loaded part gives other codes");
  require(same(quantizer->decode(code_NL), again->decode(code_NL)),
          "the loaded part decodes otherwise");
  require(quantizer->sizes() == again->sizes(), "the loaded part has other sizes()");
}

void tiny_and_equal_rows(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const std::vector<torch::Tensor> inputs = {x_ND.slice(0, 0, 1), x_ND.slice(0, 0, 3),
                                             x_ND.slice(0, 0, 1).expand({kRows, -1}).contiguous(),
                                             torch::zeros({kRows, 16})};
  for (const torch::Tensor& input : inputs) {
    std::shared_ptr<Quantizer> quantizer;
    if (works_or_says_why([&] { quantizer = fitted(subject, input); }))
      boundary::check_codes(quantizer->encode(input), quantizer->sizes(), input.size(0));
  }
}

void broken_rows_are_refused(const Subject& subject) {
  require(!refusal_of([&] {
             fitted(subject, torch::empty({0, 16}));
           }).empty(),
          "fit() takes a matrix without rows");
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    torch::Tensor x_ND = toy_vectors(kRows);
    x_ND[kRows / 2][3] = bad;
    require(!refusal_of([&] { fitted(subject, x_ND); }).empty(), "fit() takes vectors that hold ",
            bad);
  }
}

void distances_are_distances(const Subject& subject) {
  const torch::Tensor x_ND = toy_vectors(kRows);
  const auto quantizer = fitted(subject, x_ND);
  const auto* measures = dynamic_cast<const HasDistances*>(quantizer.get());
  if (measures == nullptr) throw Skipped{"it does not measure distances to its codes"};
  const torch::Tensor code_NL = quantizer->encode(x_ND);
  const std::vector<int64_t> sizes = quantizer->sizes();
  for (size_t level = 0; level < sizes.size(); ++level) {
    const torch::Tensor distance_NK =
        measures->distances(x_ND, code_NL, static_cast<int64_t>(level));
    boundary::check_distances(distance_NK, kRows, sizes[level]);
    require(distance_NK.min().item<double>() > -1e-3, "a squared distance is ",
            distance_NK.min().item<double>());
  }
}

}  // namespace quantizer_rule

std::vector<Rule> quantizer_rules() {
  using namespace quantizer_rule;
  std::vector<Rule> rules = {
      {"encode() gives one code per level, inside sizes(), for any number of rows",
       codes_fit_their_sizes},
      {"decode() gives one finite float32 vector per row", decodes_to_vectors},
      {"encode() is a function of the row alone", a_row_decides_its_codes},
      {"equal vectors and seed give equal codes, and the vectors stay as they are",
       the_seed_decides},
      {"saved and loaded it gives the same codes and vectors", saved_and_loaded},
      {"one row, few rows, equal rows: codes, or a sentence", tiny_and_equal_rows},
      {"no rows, NaN and infinity are refused with a sentence", broken_rows_are_refused},
      {"distances to codes are finite and not negative", distances_are_distances}};
  append(rules, long_work_rules([](const Subject& subject, Context& context) {
           fit(*subject.make_as<Quantizer>(context), toy_vectors(kRows), context);
         }));
  append(rules, stepwise_rules([](const Subject& subject, Context& context) {
           const auto quantizer = subject.make_as<Quantizer>(context);
           quantizer->fit(toy_vectors(kRows), context);
           return ReadyPart{nullptr, quantizer};
         }));
  return rules;
}

}  // namespace tsrec::kit
