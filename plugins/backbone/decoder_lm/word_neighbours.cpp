#include "word_neighbours.hpp"

#include "tsrec/nn/transfer.hpp"
#include "tsrec/unit_rows.hpp"

namespace tsrec::decoder_lm {
namespace {

constexpr int64_t kLeastCount = 10;
constexpr size_t kLeastLetters = 4, kLeastLettersAsked = 5;

struct Word {
  std::string text;  // without the blank it begins with
  int64_t id = 0, count = 0;
};

bool is_word(const std::string& token) {
  return token.size() > kLeastLetters && token[0] == ' ' &&
         std::all_of(token.begin() + 1, token.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::vector<Word> frequent_words(const text::Tokenizer& tokenizer,
                                 const std::vector<std::string>& texts) {
  std::vector<int64_t> count_V(static_cast<size_t>(tokenizer.size()), 0);
  for (const std::string& text : texts) {
    for (const int32_t id : tokenizer.encode(text)) ++count_V[static_cast<size_t>(id)];
  }
  std::vector<Word> words;
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    const int64_t count = count_V[static_cast<size_t>(id)];
    const std::string token = tokenizer.decode(std::span(&id, 1));
    if (count >= kLeastCount && is_word(token)) words.push_back({token.substr(1), id, count});
  }
  std::stable_sort(words.begin(), words.end(),
                   [](const Word& a, const Word& b) { return a.count > b.count; });
  return words;
}

}  // namespace

std::vector<WordNeighbours> word_neighbours(const torch::Tensor& embedding_VD,
                                            const text::Tokenizer& tokenizer,
                                            const std::vector<std::string>& texts,
                                            int64_t num_words, int64_t num_neighbours) {
  const torch::NoGradGuard no_grad;
  const std::vector<Word> words = frequent_words(tokenizer, texts);
  if (words.size() < 2) return {};
  std::vector<int64_t> ids;
  for (const Word& word : words) ids.push_back(word.id);
  torch::Tensor row_WD =
      embedding_VD.index_select(0, nn::to_device(torch::tensor(ids), embedding_VD.device()))
          .to(torch::kFloat32);
  row_WD = unit_rows(row_WD - row_WD.mean(0, /*keepdim=*/true));

  std::vector<WordNeighbours> result;
  const int64_t neighbours =
      std::min<int64_t>(num_neighbours, static_cast<int64_t>(words.size()) - 1);
  for (size_t w = 0; w < words.size() && static_cast<int64_t>(result.size()) < num_words; ++w) {
    if (words[w].text.size() < kLeastLettersAsked) continue;
    torch::Tensor cosine_W = torch::mv(row_WD, row_WD[static_cast<int64_t>(w)]).cpu();
    cosine_W[static_cast<int64_t>(w)] = -2;  // not its own neighbour
    const torch::Tensor best = std::get<1>(cosine_W.topk(neighbours));
    WordNeighbours& found = result.emplace_back();
    found.word = words[w].text;
    for (int64_t k = 0; k < neighbours; ++k)
      found.nearest.push_back(words[static_cast<size_t>(best[k].item<int64_t>())].text);
  }
  return result;
}

}  // namespace tsrec::decoder_lm
