// What a language model is asked about a SID token: the paper's prompt (appendix A.1) over a sample
// of the items that have the token.
#pragma once

#include "tsrec/parts/extractor.hpp"

namespace tsrec::language_model {

// The prompt for semantic extraction as the paper prints it; {category} and {items} are filled in.
const std::string& paper_prompt();

// Declared by each part with its own defaults.
struct QuestionOptions {
  std::string prompt, category = "retail";
  std::vector<std::string> columns = {"title", "description", "brand", "categories"};
  int64_t items_per_token = 30, item_characters = 600;
  bool prefix_conditioned = false;
  bool asks_for_json = true;  // no option: false where the answer's form is seen to otherwise

  void declare(Options& o);
};

// --- one item ------------------------------------------------------------------------------------
// The item's columns, a line each ("Title: Hex bolt"), empty ones left out. Their white space
// is single blanks, so that no text can break out of its line. Where they have more than
// `characters` code points together, short columns stay whole and long ones share what is left, cut
// at the end of a word. "" when the item has no text.
std::string item_text(const Items& items, int64_t item, const std::vector<std::string>& columns,
                      int64_t characters);

// Which items stand for the token, ascending: all that have a text when there are no more than
// `count`, else a uniform draw among them without replacement, by seed and token.
std::vector<int64_t> sampled_items(const TokenCluster& cluster, const Items& items,
                                   const std::vector<std::string>& columns, int64_t count,
                                   Context& context);

// --- all tokens of a catalogue -------------------------------------------------------------------
// clusters and items are those given to extract(), and outlive it.
class Questions {
 public:
  Questions(const QuestionOptions& options, const std::vector<TokenCluster>& clusters,
            const Items& items);

  // Clusters [first, second) that may be asked about side by side: all of them, or one level after
  // the other when a question says what the earlier tokens of its items mean.
  std::vector<std::pair<size_t, size_t>> rounds() const;
  // The whole text for the model; "" when none of the cluster's items has a text. It ends with how
  // to answer, which read_answer() understands, unless the options say otherwise. May be called
  // from several threads.
  std::string about(size_t cluster, Context& context) const;
  // What every text says beside the items.
  std::string instructions() const;
  // What a token of an earlier round means. Not beside about().
  void learn(const TokenNote& note);

 private:
  std::string asked(const std::string& listed_items) const;
  std::string listed_items(const TokenCluster& cluster, Context& context) const;
  std::string family_of(int64_t item, int64_t level) const;

  const QuestionOptions& options_;
  const std::vector<TokenCluster>& clusters_;
  const Items& items_;
  std::map<std::string, std::string, std::less<>> meaning_of_;  // token -> its first keywords
  // Per item, its tokens of every level: filled only when questions name them.
  std::map<int64_t, std::vector<const TokenCluster*>> tokens_of_;
};

// What is said after an answer that cannot be used; complaint: of read_answer().
std::string repair_request(const std::string& complaint);

}  // namespace tsrec::language_model
