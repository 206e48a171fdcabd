// Random bytes with the ids that another implementation gives them (tests/golden/make.py).
#pragma once

#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

inline void expect_ids_of_bytes(const text::Tokenizer& tokenizer, const std::string& folder) {
  const std::filesystem::path file =
      std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden" / folder / "bytes.json";
  const auto rows = nlohmann::json::parse(io::read_text(file));
  EXPECT_GE(rows.size(), 150u);
  for (const auto& row : rows) {
    const auto hex = row.at("hex").get<std::string>();
    EXPECT_EQ(tokenizer.encode(from_hex(hex)), row.at("ids").get<std::vector<int32_t>>()) << hex;
  }
}

}  // namespace tsrec::test
