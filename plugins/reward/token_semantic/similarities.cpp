#include "similarities.hpp"

#include "tsrec/text/words.hpp"
#include "tsrec/unit_rows.hpp"

namespace tsrec {

Similarities::~Similarities() = default;

namespace {

class Dense final : public Similarities {
 public:
  explicit Dense(const torch::Tensor& x_MD)
      : unit_MD_(unit_rows(x_MD.to(torch::kFloat64)).contiguous()) {}
  double of(size_t a, size_t b) const override {
    const auto width = static_cast<size_t>(unit_MD_.size(1));
    const double* all = unit_MD_.const_data_ptr<double>();
    return std::clamp(
        std::inner_product(all + a * width, all + (a + 1) * width, all + b * width, 0.0), 0.0, 1.0);
  }

 private:
  torch::Tensor unit_MD_;
};

// Few of very many entries, as of words: sorted by the entry's number.
using SparseRow = std::vector<std::pair<int64_t, double>>;

class Sparse final : public Similarities {
 public:
  explicit Sparse(std::vector<SparseRow> rows) : rows_(std::move(rows)) {
    for (SparseRow& row : rows_) {
      double squares = 0;
      for (const auto& [entry, value] : row) squares += value * value;
      for (auto& [entry, value] : row) value /= std::sqrt(squares);
    }
  }
  double of(size_t a, size_t b) const override {
    double sum = 0;
    auto left = rows_[a].begin(), right = rows_[b].begin();
    while (left != rows_[a].end() && right != rows_[b].end()) {
      if (left->first == right->first) {
        sum += left++->second * right++->second;
      } else {
        left->first < right->first ? ++left : ++right;
      }
    }
    return std::clamp(sum, 0.0, 1.0);
  }

 private:
  std::vector<SparseRow> rows_;
};

class Overlaps final : public Similarities {
 public:
  explicit Overlaps(std::vector<std::set<std::string>> words) : words_(std::move(words)) {}
  double of(size_t a, size_t b) const override {
    const auto &left = words_[a], &right = words_[b];
    const auto common = static_cast<double>(std::count_if(
        left.begin(), left.end(), [&](const std::string& word) { return right.contains(word); }));
    return common == 0 ? 0 : common / (static_cast<double>(left.size() + right.size()) - common);
  }

 private:
  std::vector<std::set<std::string>> words_;
};

// Without case, and with one blank between words.
std::string plain(const std::string& keyword) {
  std::string text;
  for (const text::Word& word : text::words_of(keyword))
    text += (text.empty() ? "" : " ") + word.text;
  return text;
}

}  // namespace

std::unique_ptr<const Similarities> cosines(const torch::Tensor& x_MD) {
  return std::make_unique<Dense>(x_MD);
}

std::unique_ptr<const Similarities> tf_idf_cosines(const std::vector<std::string>& texts) {
  std::vector<std::map<std::string, double>> counts(texts.size());
  std::map<std::string, double> texts_with;
  for (size_t m = 0; m < texts.size(); ++m) {
    for (const text::Word& word : text::words_of(texts[m])) ++counts[m][word.text];
    for (const auto& [word, count] : counts[m]) ++texts_with[word];
  }
  std::map<std::string, int64_t> number_of;
  for (const auto& [word, count] : texts_with)
    number_of.emplace(word, static_cast<int64_t>(number_of.size()));
  const auto all = static_cast<double>(texts.size());
  std::vector<SparseRow> rows(texts.size());
  for (size_t m = 0; m < texts.size(); ++m) {
    for (const auto& [word, count] : counts[m])
      rows[m].emplace_back(
          number_of.at(word),
          (1 + std::log(count)) * (1 + std::log((1 + all) / (1 + texts_with.at(word)))));
  }
  return std::make_unique<Sparse>(std::move(rows));
}

std::unique_ptr<const Similarities> keyword_overlaps(
    const std::vector<std::vector<std::string>>& keywords_M) {
  std::vector<std::set<std::string>> words(keywords_M.size());
  for (size_t m = 0; m < words.size(); ++m) {
    for (const std::string& keyword : keywords_M[m]) {
      if (std::string text = plain(keyword); !text.empty()) words[m].insert(std::move(text));
    }
  }
  return std::make_unique<Overlaps>(std::move(words));
}

torch::Tensor mean_residuals(const torch::Tensor& x_ND, const std::vector<TokenCluster>& clusters) {
  const torch::Tensor residual_ND = x_ND.to(torch::kFloat64).clone();
  std::vector<torch::Tensor> mean_MD;
  for (const TokenCluster& cluster : clusters) {  // level by level; a level parts the items
    const torch::Tensor items = torch::tensor(cluster.items, torch::kInt64);
    const torch::Tensor member_ID = residual_ND.index_select(0, items);
    mean_MD.push_back(member_ID.mean(/*dim=*/0));
    residual_ND.index_copy_(0, items, member_ID - mean_MD.back());
  }
  return torch::stack(mean_MD);
}

}  // namespace tsrec
