// Every SID token starts at the mean of the word embeddings of its keywords, and where nothing is
// known of it at the mean of all words; a little noise keeps equal ones apart.
#include "tsrec/parts/initializer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  double noise = 0.05;
  void declare(Options& o) {
    o.add("noise", noise)
        .range(0, 10)
        .help("deviation around the mean, as a share of the word embeddings' own");
  }
};

class KeywordRowsInitializer final : public Initializer {
 public:
  KeywordRowsInitializer(const Settings& settings, Context&) : settings_(settings) {}

  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    NewRows rows;
    rows.input_ED = rows_out_of(inputs.rows.input_VD, inputs, context.generator("noise", 0));
    if (!inputs.rows.tied())
      rows.output_ED = rows_out_of(inputs.rows.output_VD, inputs, context.generator("noise", 1));
    return rows;
  }

 private:
  torch::Tensor rows_out_of(const torch::Tensor& matrix_VD, const InitializerInputs& inputs,
                            at::Generator generator) const {
    const torch::Tensor word_VD =
        matrix_VD.detach().slice(0, 0, inputs.rows.num_tokens).to(torch::kCPU, torch::kFloat32);
    std::map<std::string, std::string> keywords;
    for (const TokenNote& note : inputs.notes) keywords[note.token] = c10::Join(" ", note.keywords);
    std::vector<torch::Tensor> mean_E;
    for (const NewToken& token : inputs.tokens.tokens()) {
      std::vector<int64_t> ids;
      for (const int32_t id : inputs.tokenizer.encode(keywords[token.text])) ids.push_back(id);
      mean_E.push_back(
          (ids.empty() ? word_VD : word_VD.index_select(0, torch::tensor(ids, torch::kInt64)))
              .mean(0));
    }
    const torch::Tensor mean_ED = torch::stack(mean_E);
    return mean_ED + settings_.noise * word_VD.std(0) * torch::randn(mean_ED.sizes(), generator);
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("example.keyword_rows", "0.1.0",
             tsrec::part<tsrec::Initializer, KeywordRowsInitializer, Settings>(
                 "keyword_rows", /*revision=*/1, "The mean word embedding of a token's keywords"))
