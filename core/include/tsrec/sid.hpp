// Semantic IDs: every item is a short tuple of level tokens such as <a_12><b_7><c_201>.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

struct LevelCode {
  int64_t level = -1, code = -1;
};

// How SIDs are written. A format names the tokens of a SID, separated by blanks. The one that has
// {code} and {level:a} (the level's letter; or {level:A}, or {level:0} and {level:1}, its number
// counted from there) comes once for each level; the others stand before and behind the levels.
//
//   "<{level:a}_{code}>"                             <a_236><b_231><c_226>
//   "<|sid_begin|> <s_{level:a}_{code}> <|sid_end|>"   <|sid_begin|><s_a_236><s_b_231><|sid_end|>
//
// What stands before and behind is read in files and left out everywhere else: the tokens of a
// vocabulary are those of the levels.
class TSREC_API SidSpelling {
 public:
  static constexpr const char* kDefault = "<{level:a}_{code}>";
  // Throws ConfigError that says what the format lacks.
  explicit SidSpelling(std::string format = kDefault);
  const std::string& format() const { return format_; }
  std::string token(int64_t level, int64_t code) const;  // level 0, code 236: "<a_236>"
  // Reads what token() writes, and nothing else; throws DataError with the text and an example.
  LevelCode parse(std::string_view token) const;
  // The codes of a whole SID, level by level: of its tokens, or of all of them in one text. Throws
  // DataError with what is there and what was expected.
  std::vector<int64_t> codes(std::span<const std::string> tokens) const;
  std::vector<int64_t> codes(std::string_view sid) const;

 private:
  size_t token_at_begin(std::string_view text, LevelCode& found) const;
  std::string format_;
  std::vector<std::string> before_, behind_;  // tokens around the levels
  std::string head_, middle_, tail_;          // of a level's token, around level and code
  bool level_is_first_ = true;
  char level_ = 'a';  // what {level:} begins with: a, A, 0 or 1
};

// The SIDs of the whole catalogue.
struct TSREC_API SidTable {
  torch::Tensor code_NL;       // int64 on the CPU; -1 after the end of a shorter SID
  std::vector<int64_t> sizes;  // K_1 .. K_L: codes of level l are in [0, K_l)
  SidSpelling spelling = SidSpelling();
  int64_t num_items() const { return code_NL.size(0); }
  int64_t num_levels() const { return code_NL.size(1); }
  std::string text(int64_t item) const;  // "<a_236><b_231><c_226>"
  // Group number of every item: items with one SID share it. Numbered by first appearance.
  std::vector<int64_t> group_N() const;
  int64_t num_distinct() const;  // groups
  // SHA-256 over the item keys and their tokens in item order; carried by every model, a mismatch
  // is refused.
  std::string fingerprint(const std::vector<std::string>& item_keys) const;
};

struct TokenCluster {  // I_s of Eq. 6: the items whose SID contains this token
  std::string token;
  int64_t level = -1, code = -1;
  std::vector<int64_t> items;
};
// (D_s, W_s) of Eq. 7. A list of notes has the order of token_clusters(), level by level and code
// ascending, with at most one for each; an extractor that gives another is refused.
struct TokenNote {
  std::string token, description;
  std::vector<std::string> keywords;
};
TSREC_API std::vector<TokenCluster> token_clusters(
    const SidTable& sids);  // used tokens only, level by level, code ascending

struct NewToken {
  std::string text;
  int64_t level = -1, code = -1;
  int32_t id = -1;
  bool is_known = false;  // the vocabulary had it before
};

// The SID tokens as they stand in the model's vocabulary, level by level, codes ascending within a
// level. Tokens that the vocabulary has already keep their ids; those of the others follow
// first_id.
class TSREC_API Vocabulary {
 public:
  Vocabulary() = default;
  // find gives the id of a token that the vocabulary has (none is known without it).
  using FindToken = std::function<std::optional<int32_t>(std::string_view token)>;
  Vocabulary(const SidTable& sids, int32_t first_id,
             const FindToken& find = {});  // the used codes only
  const std::vector<NewToken>& tokens() const { return tokens_; }
  int32_t id(int64_t level, int64_t code) const;  // -1 when no item uses the code
  std::vector<int32_t> ids(const SidTable& sids,
                           int64_t item) const;  // the item's SID as token ids

 private:
  std::vector<NewToken> tokens_;
  std::vector<std::vector<int32_t>> id_of_code_;
};

}  // namespace tsrec
