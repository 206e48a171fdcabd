// Items as rows of tokens, for encoders of whole texts.
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "tsrec/parts/encoder.hpp"

namespace tsrec {

std::vector<std::string> item_texts(const Items& items, const std::vector<std::string>& columns) {
  const std::vector<std::string> known = items.columns();
  for (const std::string& column : columns) {
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      throw ConfigError(
          "columns names '" + column +
          "', which no item has; the source's columns are: " + c10::Join(", ", known));
    }
  }
  std::vector<std::string> texts;
  for (int64_t item = 0; item < items.size(); ++item) {
    std::string& text = texts.emplace_back();
    for (const std::string& column : columns) {
      const std::string_view value = items.text(column, item);
      if (value.empty()) continue;
      if (!text.empty()) text += '\n';
      text += value;
    }
  }
  return texts;
}

std::vector<std::vector<int32_t>> token_rows(std::span<const std::string> texts,
                                             const text::Tokenizer& tokenizer,
                                             const TokenFrame& frame, Context& context) {
  const auto most = static_cast<size_t>(frame.most);
  std::vector<std::vector<int32_t>> row_N(texts.size());
  std::atomic<int64_t> num_cut = 0;
  const auto write_row = [&](size_t i) {
    std::vector<int32_t> ids = tokenizer.encode(texts[i]);
    if (ids.size() > most) {
      ids.resize(most);
      ++num_cut;
    }
    std::vector<int32_t>& row = row_N[i];
    row = frame.before;
    row.insert(row.end(), ids.begin(), ids.end());
    row.insert(row.end(), frame.behind.begin(), frame.behind.end());
  };
  at::parallel_for(0, static_cast<int64_t>(texts.size()), /*grain_size=*/64,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) write_row(static_cast<size_t>(i));
                   });
  if (num_cut > 0)
    context.log(Level::info, c10::str(num_cut.load(), " of ", texts.size(),
                                      " item texts are cut after ", most, " tokens"));
  return row_N;
}

}  // namespace tsrec
