// Latent semantic analysis: TF-IDF of words and word pairs, then a truncated SVD (Deerwester et
// al., 1990).
#include <Spectra/SymEigsSolver.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SparseCore>

#include "tsrec/parts/encoder.hpp"
#include "tsrec/text/words.hpp"
#include "tsrec/unit_rows.hpp"

namespace {

using namespace tsrec;
using Sparse = Eigen::SparseMatrix<double, Eigen::RowMajor>;

struct Settings {
  int64_t dimensions = 128, min_items = 2, max_terms = 20000;
  bool bigrams = true;
  std::vector<std::string> columns = {"title", "description"};

  void declare(Options& o) {
    o.add("dimensions", dimensions)
        .range(1, 4096)
        .help("width of the vectors; at most as many as items or terms tell apart are used");
    o.add("columns", columns).help("item columns that are read");
    o.add("bigrams", bigrams).help("count pairs of neighbouring words as terms too");
    o.add("min_items", min_items).at_least(1).unit("items").help("rarer terms are left out");
    o.add("max_terms", max_terms).range(1, 10'000'000).help("the terms of most items are kept");
  }
};

// Of all columns, in their order.
std::vector<text::Word> words_of(const Items& items, int64_t item,
                                 const std::vector<std::string>& columns) {
  std::vector<text::Word> words;
  for (const std::string& column : columns) {
    for (text::Word& word : text::words_of(items.text(column, item)))
      words.push_back(std::move(word));
  }
  return words;
}

using TermCounts = std::map<std::string, int64_t>;

TermCounts terms_of(const std::vector<text::Word>& words, bool bigrams) {
  TermCounts counts;
  for (size_t w = 0; w < words.size(); ++w) {
    ++counts[words[w].text];
    if (bigrams && w > 0) ++counts[text::joined(words[w - 1], words[w])];
  }
  return counts;
}

// Column of every kept term; terms in alphabetical order.
std::map<std::string, int64_t> kept_terms(const std::vector<TermCounts>& counts_N,
                                          const Settings& settings) {
  TermCounts items_with;
  for (const TermCounts& counts : counts_N) {
    for (const auto& [term, count] : counts) ++items_with[term];
  }
  std::vector<std::pair<int64_t, std::string>> ranked;
  for (const auto& [term, items] : items_with) {
    if (items >= settings.min_items) ranked.emplace_back(-items, term);
  }
  std::sort(ranked.begin(), ranked.end());
  if (static_cast<int64_t>(ranked.size()) > settings.max_terms)
    ranked.resize(static_cast<size_t>(settings.max_terms));
  std::map<std::string, int64_t> columns;
  for (const auto& [items, term] : ranked) columns[term] = 0;
  int64_t next = 0;
  for (auto& [term, column] : columns) column = next++;
  return columns;
}

// (1 + ln tf) (1 + ln((1 + N) / (1 + df))), rows scaled to length 1.
Sparse tf_idf(const std::vector<TermCounts>& counts_N,
              const std::map<std::string, int64_t>& column_of) {
  std::vector<double> items_with(column_of.size(), 0);
  for (const TermCounts& counts : counts_N) {
    for (const auto& [term, count] : counts) {
      if (const auto at = column_of.find(term); at != column_of.end())
        ++items_with[static_cast<size_t>(at->second)];
    }
  }
  const auto num_items = static_cast<double>(counts_N.size());
  std::vector<Eigen::Triplet<double>> entries;
  for (size_t item = 0; item < counts_N.size(); ++item) {
    std::vector<std::pair<int64_t, double>> row;
    double square = 0;
    for (const auto& [term, count] : counts_N[item]) {
      const auto at = column_of.find(term);
      if (at == column_of.end()) continue;
      const double idf =
          1 + std::log((1 + num_items) / (1 + items_with[static_cast<size_t>(at->second)]));
      row.emplace_back(at->second, (1 + std::log(static_cast<double>(count))) * idf);
      square += row.back().second * row.back().second;
    }
    for (const auto& [column, weight] : row) {
      entries.emplace_back(static_cast<int>(item), static_cast<int>(column),
                           weight / std::sqrt(square));
    }
  }
  Sparse matrix(static_cast<Eigen::Index>(counts_N.size()),
                static_cast<Eigen::Index>(column_of.size()));
  matrix.setFromTriplets(entries.begin(), entries.end());
  return matrix;
}

// x -> A A' x, the operator whose leading eigenvectors are A's left singular vectors.
class Gram {
 public:
  using Scalar = double;
  explicit Gram(const Sparse& matrix) : matrix_(matrix), transposed_(matrix.transpose()) {}
  Eigen::Index rows() const { return matrix_.rows(); }
  Eigen::Index cols() const { return matrix_.rows(); }
  void perform_op(const double* in, double* out) const {
    const Eigen::Map<const Eigen::VectorXd> x(in, rows());
    Eigen::Map<Eigen::VectorXd>(out, rows()).noalias() = matrix_ * (transposed_ * x);
  }

 private:
  const Sparse& matrix_;
  Sparse transposed_;
};

// The leading eigenvalues of A A', largest first, and their vectors in columns.
struct Spectrum {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};

// By a dense solver, of the distinct rows: those that are equal share an entry of every vector.
Spectrum of_distinct_rows(const Sparse& matrix) {
  std::map<std::vector<std::pair<int, double>>, Eigen::Index> numbers;
  std::vector<Eigen::Index> number_N;
  for (Eigen::Index n = 0; n < matrix.rows(); ++n) {
    std::vector<std::pair<int, double>> row;
    for (Sparse::InnerIterator at(matrix, n); at; ++at)
      row.emplace_back(static_cast<int>(at.col()), at.value());
    const auto next = static_cast<Eigen::Index>(numbers.size());
    number_N.push_back(numbers.emplace(std::move(row), next).first->second);
  }
  const auto distinct = static_cast<Eigen::Index>(numbers.size());
  constexpr Eigen::Index kMost = 4096;
  if (distinct > kMost) {
    throw Error(
        "encoder 'lsa': the singular value decomposition did not converge; ask for fewer "
        "dimensions");
  }
  Eigen::ArrayXd times = Eigen::ArrayXd::Zero(distinct);
  for (const Eigen::Index number : number_N) ++times(number);
  std::vector<Eigen::Triplet<double>> entries;
  for (const auto& [row, number] : numbers) {
    for (const auto& [column, weight] : row)
      entries.emplace_back(static_cast<int>(number), column, std::sqrt(times(number)) * weight);
  }
  Sparse rows(distinct, matrix.cols());
  rows.setFromTriplets(entries.begin(), entries.end());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
      Eigen::MatrixXd(rows * rows.transpose()));
  Eigen::MatrixXd vectors(matrix.rows(), distinct);
  for (Eigen::Index n = 0; n < matrix.rows(); ++n) {
    const Eigen::Index number = number_N[static_cast<size_t>(n)];
    vectors.row(n) = solver.eigenvectors().row(number).reverse() / std::sqrt(times(number));
  }
  return {solver.eigenvalues().reverse(), std::move(vectors)};
}

// Whether these are orthonormal eigenvectors.
bool is_sound(const Spectrum& spectrum, const Sparse& matrix) {
  const auto& [values, vectors] = spectrum;
  if (values.size() == 0 || !values.allFinite() || !vectors.allFinite()) return false;
  const auto size = [](const Eigen::MatrixXd& m) { return m.cwiseAbs().maxCoeff(); };
  const Eigen::MatrixXd product = matrix * (matrix.transpose() * vectors);
  return size(product - vectors * values.asDiagonal()) <= 1e-6 * values(0) &&
         size(vectors.transpose() * vectors -
              Eigen::MatrixXd::Identity(values.size(), values.size())) <= 1e-6;
}

// By Lanczos. Nothing where that finds none or wrong ones, as it may where the rank is less than
// what is wanted.
std::optional<Spectrum> by_lanczos(const Sparse& matrix, Eigen::Index wanted) {
  Gram gram(matrix);
  const Eigen::Index krylov =
      std::min<Eigen::Index>(matrix.rows(), std::max<Eigen::Index>(2 * wanted + 1, 20));
  Spectra::SymEigsSolver<Gram> solver(gram, wanted, krylov);
  try {
    solver.init();
    solver.compute(Spectra::SortRule::LargestAlge, 1000, 1e-10);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (solver.info() != Spectra::CompInfo::Successful) return std::nullopt;
  const Spectrum found = {solver.eigenvalues(), solver.eigenvectors()};
  return is_sound(found, matrix) ? std::optional(found) : std::nullopt;
}

// It finds at least one vector less than there are rows.
Spectrum leading_spectrum(const Sparse& matrix, Eigen::Index wanted) {
  if (wanted < matrix.rows()) {
    if (const auto found = by_lanczos(matrix, wanted)) return *found;
  }
  return of_distinct_rows(matrix);
}

// U S of the leading singular values, [N, D], without those that are nothing but rounding. The sign
// of a vector is free: its largest entry is made positive.
torch::Tensor scaled_left_vectors(const Sparse& matrix, int64_t dimensions) {
  const auto [values, vectors] = leading_spectrum(matrix, dimensions);
  const auto rank = static_cast<int64_t>((values.array() > 1e-12 * values(0)).count());
  torch::Tensor x_ND = torch::empty({matrix.rows(), std::min(dimensions, rank)}, torch::kFloat32);
  auto x = x_ND.accessor<float, 2>();
  for (Eigen::Index d = 0; d < x_ND.size(1); ++d) {
    Eigen::Index largest = 0;
    vectors.col(d).cwiseAbs().maxCoeff(&largest);
    const double scale = std::sqrt(values(d)) * (vectors(largest, d) < 0 ? -1 : 1);
    for (Eigen::Index n = 0; n < matrix.rows(); ++n)
      x[n][d] = static_cast<float>(scale * vectors(n, d));
  }
  return x_ND;
}

class Lsa final : public Encoder {
 public:
  Lsa(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    const Items& items = inputs.items;
    std::vector<TermCounts> counts_N;
    int64_t empty = 0;
    for (int64_t item = 0; item < items.size(); ++item) {
      counts_N.push_back(terms_of(words_of(items, item, settings_.columns), settings_.bigrams));
      empty += counts_N.back().empty();
    }
    const auto column_of = kept_terms(counts_N, settings_);
    refuse_no_terms(empty == items.size(), column_of.empty());
    if (empty > 0)
      context.log(Level::warning,
                  c10::str("lsa: ", empty, " items have no text; their vectors are zero"));
    const auto most = static_cast<int64_t>(std::min(column_of.size(), counts_N.size()));
    const torch::Tensor x_ND =
        scaled_left_vectors(tf_idf(counts_N, column_of), std::min(settings_.dimensions, most));
    if (x_ND.size(1) < settings_.dimensions) {
      context.log(Level::warning, c10::str("lsa: ", items.size(), " items and ", column_of.size(),
                                           " terms give only ", x_ND.size(1), " dimensions"));
    }
    if (x_ND.size(1) == 1 && items.size() > 1) {
      context.log(
          Level::warning,
          "lsa: in one dimension the vectors of all items with a text are the same; ask for "
          "more dimensions, give the items longer texts, or name other columns");
    }
    return unit_rows(x_ND);
  }

 private:
  void refuse_no_terms(bool has_no_words, bool has_no_terms) const {
    if (has_no_words) {
      throw DataError("encoder 'lsa': no item has a word in the columns ",
                      c10::Join(", ", settings_.columns),
                      "; name columns with texts, or use an encoder that needs none");
    }
    if (has_no_terms) {
      throw DataError("encoder 'lsa': no term occurs in ", settings_.min_items,
                      " items of the columns ", c10::Join(", ", settings_.columns),
                      "; lower min_items or name other columns");
    }
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.lsa", "0.1.0",
             tsrec::part<tsrec::Encoder, Lsa, Settings>(
                 "lsa", /*revision=*/2, "TF-IDF and truncated SVD of the item texts"))
