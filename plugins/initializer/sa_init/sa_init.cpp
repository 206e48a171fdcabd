// SA-Init: a SID token starts as the mean of the word embeddings of its keywords (paper Eq. 8-9).
#include "tsrec/nn/row_moments.hpp"
#include "tsrec/parts/initializer.hpp"

namespace {

using namespace tsrec;

struct Settings {
  int64_t depth = 3;
  std::string rescale = "none", beyond = "gaussian", missing = "fallback";
  bool center = false;

  void declare(Options& o) {
    o.add("depth", depth)
        .range(1, 64)
        .unit("levels")
        .help("levels 1 to depth start from their keywords");
    o.add("rescale", rescale)
        .one_of({"none", "frozen_norm", "mean_row_norm"})
        .help(
            "none: the mean as it is (the paper); frozen_norm: scaled to the mean length of the "
            "tokenizer's rows; "
            "mean_row_norm: to the mean length of the matrix as it grows (the published code)");
    o.add("center", center)
        .help("subtract the mean of the tokenizer's rows first: what all words share says nothing");
    o.add("beyond", beyond)
        .one_of({"gaussian", "random"})
        .help(
            "rows of levels below `depth`: gaussian has the moments of the pre-trained rows, "
            "random the model's noise");
    o.add("missing", missing)
        .one_of({"fallback", "error"})
        .help("a token without keywords: take the row that `beyond` gives it, or stop");
  }
};

// One matrix of the model: the input embedding, or an untied head.
class Rows {
 public:
  Rows(const torch::Tensor& matrix_VD, int64_t tokenizer_size, const Settings& settings)
      : known_VD_(matrix_VD.detach().cpu().to(torch::kFloat64).slice(0, 0, tokenizer_size)),
        settings_(settings),
        mean_D_(known_VD_.mean(0)),
        frozen_norm_(known_VD_.norm(2, 1).mean().item<double>()) {
    const torch::Tensor norm_V = matrix_VD.detach().cpu().to(torch::kFloat64).norm(2, 1);
    norms_.assign(norm_V.const_data_ptr<double>(),
                  norm_V.const_data_ptr<double>() + norm_V.size(0));
    norm_sum_ = std::accumulate(norms_.begin(), norms_.end(), 0.0);
  }

  // e_s = 1/|T_s| sum of E[v] over v in T_s, multiplicity counts (Eq. 9); then centred and rescaled
  // as the options say.
  torch::Tensor mean_of(const std::vector<int32_t>& ids) const {
    torch::Tensor row_D = nn::mean_row(known_VD_, ids);
    if (settings_.center) row_D = row_D - mean_D_;
    if (settings_.rescale == "none") return row_D;
    const double norm = settings_.rescale == "frozen_norm"
                            ? frozen_norm_
                            : norm_sum_ / static_cast<double>(norms_.size());
    return row_D * (norm / (row_D.norm().item<double>() + 1e-6));
  }

  // The published code measures the matrix as it is at that moment, so that rows already written
  // count.
  void written(int64_t id, const torch::Tensor& row_D) {
    const double norm = row_D.norm().item<double>();
    if (id < static_cast<int64_t>(norms_.size())) {
      norm_sum_ += norm - norms_[static_cast<size_t>(id)];
      norms_[static_cast<size_t>(id)] = norm;
    } else {
      norm_sum_ += norm;
      norms_.push_back(norm);
    }
  }

  double frozen_norm() const { return frozen_norm_; }
  nn::RowMoments moments() const { return nn::row_moments(known_VD_); }

 private:
  torch::Tensor known_VD_;
  const Settings& settings_;
  torch::Tensor mean_D_;
  double frozen_norm_;
  std::vector<double> norms_;
  double norm_sum_ = 0;
};

std::string joined(const std::vector<std::string>& keywords) {
  std::string text;
  for (const std::string& keyword : keywords) {
    if (!text.empty()) text += ' ';
    text += keyword;
  }
  return text;
}

class SaInit final : public Initializer {
 public:
  SaInit(const Settings& settings, Context&) : settings_(settings) {}

  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    if (inputs.notes.empty()) {
      throw ConfigError(
          "initializer 'sa_init' needs keywords of the SID tokens, and there are none; add an "
          "[extractor] such as use = \"ctfidf\" and items with texts");
    }
    if (settings_.depth > inputs.sids.num_levels()) {
      throw ConfigError("initializer 'sa_init': depth = ", settings_.depth, ", but the SIDs have ",
                        inputs.sids.num_levels(), " levels; choose a depth of at most that");
    }
    const std::vector<std::vector<int32_t>> ids_E = keyword_ids(inputs);
    NewRows result;
    result.input_ED = matrix_rows(inputs, ids_E, inputs.rows.input_VD, /*stream=*/0, context);
    if (!inputs.rows.tied()) {
      result.output_ED = matrix_rows(inputs, ids_E, inputs.rows.output_VD, /*stream=*/1, context);
    }
    return result;
  }

 private:
  // T_s of every new token (Eq. 8); empty where the token starts as `beyond` says.
  std::vector<std::vector<int32_t>> keyword_ids(const InitializerInputs& inputs) const {
    std::map<std::string, std::string, std::less<>> keywords_of;
    for (const TokenNote& note : inputs.notes) keywords_of[note.token] = joined(note.keywords);
    std::vector<std::vector<int32_t>> ids_E;
    for (const NewToken& token : inputs.tokens.tokens()) {
      ids_E.emplace_back();
      if (token.level >= settings_.depth) continue;
      const auto found = keywords_of.find(token.text);
      if (found != keywords_of.end()) ids_E.back() = inputs.tokenizer.encode(found->second);
      if (ids_E.back().empty() && settings_.missing == "error") {
        throw DataError("initializer 'sa_init': the token ", token.text,
                        " has no keywords; extract some, or set missing = \"fallback\"");
      }
    }
    return ids_E;
  }

  torch::Tensor matrix_rows(const InitializerInputs& inputs,
                            const std::vector<std::vector<int32_t>>& ids_E,
                            const torch::Tensor& matrix_VD, int64_t stream,
                            Context& context) const {
    const int64_t tokenizer_size = inputs.rows.num_tokens;
    Rows rows(matrix_VD, tokenizer_size, settings_);
    const auto count = static_cast<int64_t>(ids_E.size());
    torch::Tensor row_ED = other_rows(inputs, rows, count, matrix_VD.size(1), stream, context);
    int64_t averaged = 0;
    double norm_share = 0;
    for (int64_t e = 0; e < count; ++e) {
      if (!ids_E[static_cast<size_t>(e)].empty()) {
        row_ED[e].copy_(rows.mean_of(ids_E[static_cast<size_t>(e)]));
        norm_share += row_ED[e].norm().item<double>() / rows.frozen_norm();
        ++averaged;
      }
      rows.written(tokenizer_size + e, row_ED[e]);
    }
    context.log(Level::info,
                c10::str("sa_init: ", averaged, " of ", count, " rows from keywords, their length ",
                         averaged > 0 ? norm_share / static_cast<double>(averaged) : 0.0,
                         " of a word's; the others ", settings_.beyond));
    return row_ED;
  }

  torch::Tensor other_rows(const InitializerInputs& inputs, const Rows& rows, int64_t count,
                           int64_t width, int64_t stream, Context& context) const {
    const at::Generator generator = context.generator("rows beyond depth", stream);
    if (settings_.beyond == "gaussian") return nn::sample_rows(rows.moments(), count, generator);
    return inputs.rows.initializer_range * torch::randn({count, width}, generator);
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.sa_init", "0.1.0",
             tsrec::part<tsrec::Initializer, SaInit, Settings>(
                 "sa_init", /*revision=*/1,
                 "Rows start as the mean of their keywords' word embeddings"))
