#include "question.hpp"

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

constexpr size_t kKeywordsOfAFamily = 5;

// How to answer: the paper leaves it open, and published its results in this form.
constexpr const char* kAnswerFormat =
    "Output:\n\n"
    "Answer with one JSON object and nothing else:\n"
    R"({"description": "the product family description", "keywords": ["keyword", "keyword"]})";

// Of the levels behind the first: their codes divide what the earlier ones have in common.
constexpr const char* kFamilies =
    "Every item belongs to a product family that is known already; it is named behind \"Family\". "
    "Describe what the items share beyond their families: what sets them apart from other items "
    "of the same families.";

// --- text ----------------------------------------------------------------------------------------
// The first `count` characters, without the word that would be cut. Where that would take more than
// half of them, as in scripts without blanks, the word is cut.
std::string shortened(const std::string& text, int64_t count) {
  const std::string_view first = first_characters(text, count);
  if (first.size() == text.size()) return text;
  const size_t blank = text.rfind(' ', first.size());  // may be the first one behind the cut
  const std::string_view words = first.substr(0, std::min(blank, first.size()));
  const bool keeps_most = blank != std::string::npos && 2 * num_characters(words) >= count;
  return std::string(keeps_most ? words : first);
}

// How many characters each text may keep: short ones all of theirs, long ones equal shares.
std::vector<int64_t> shares(const std::vector<std::string>& texts, int64_t characters) {
  std::vector<size_t> by_length(texts.size());
  std::iota(by_length.begin(), by_length.end(), size_t{0});
  std::vector<int64_t> length;
  for (const std::string& text : texts) length.push_back(num_characters(text));
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](size_t a, size_t b) { return length[a] < length[b]; });
  std::vector<int64_t> share(texts.size());
  for (size_t i = 0; i < by_length.size(); ++i) {
    const int64_t equal = characters / static_cast<int64_t>(by_length.size() - i);
    share[by_length[i]] = std::min(length[by_length[i]], equal);
    characters -= share[by_length[i]];
  }
  return share;
}

std::string labelled(std::string column, const std::string& text) {
  if (!column.empty())
    column[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(column[0])));
  return column + ": " + text;
}

bool has_text(const Items& items, int64_t item, const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(), [&](const std::string& column) {
    return !single_blanks(items.text(column, item)).empty();
  });
}

// --- placeholders --------------------------------------------------------------------------------
using Filling = std::map<std::string, std::string, std::less<>>;

// Calls text(piece) and placeholder(name) in turn. {name} is a placeholder where the name is of
// small letters and underscores; any other brace is text.
template <class OnText, class OnPlaceholder>
void walk(std::string_view prompt, const OnText& text, const OnPlaceholder& placeholder) {
  size_t done = 0;
  for (size_t open = prompt.find('{'); open != std::string_view::npos;
       open = prompt.find('{', open + 1)) {
    const size_t close = prompt.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
    if (close == std::string_view::npos || prompt[close] != '}' || close == open + 1) continue;
    text(prompt.substr(done, open - done));
    placeholder(prompt.substr(open + 1, close - open - 1));
    done = close + 1;
  }
  text(prompt.substr(done));
}

// Once, from left to right: braces in the items' own texts stay what they are.
std::string filled(std::string_view prompt, const Filling& filling) {
  std::string text;
  walk(
      prompt, [&](std::string_view piece) { text += piece; },
      [&](std::string_view name) { text += filling.find(name)->second; });
  return text;
}

std::string complaint_about(std::string_view prompt) {
  bool has_items = false;
  std::string unknown;
  walk(
      prompt, [](std::string_view) {},
      [&](std::string_view name) {
        if (name == "items") {
          has_items = true;
        } else if (name != "category" && unknown.empty()) {
          unknown = name;
        }
      });
  if (!unknown.empty())
    return "prompt has {" + unknown + "}, which nothing fills; there are {category} and {items}";
  if (!has_items) return "prompt lacks {items}: the model would not see what it is to describe";
  return "";
}

}  // namespace

const std::string& paper_prompt() {
  static const std::string text =
      R"(Role:

You are a Senior Product Content Analyst and Catalog Specialist with expertise in {category} product classification and summarization.

Task: Analyze a provided list of diverse product items and synthesize their shared characteristics into a single, cohesive "Product Family Description," then produce a related keyword list.

##Input Format: Each item provides:

- Title: product name
- Description: detailed text about features, functions, and specifications
- Brand: brand name
- Categories: classification field(s)

Core Objective:

- Identify Commonalities: Determine the underlying functional, design, usage, or performance traits that ALL listed items share.
- Filter Fluff: Exclude brand-specific marketing slogans, proprietary technology names, or promotional phrases (e.g., "award-winning," "exclusive edition").
- Abstract Specifications: Replace exact measurements, quantities, or configurations with generalized terms (e.g., "various sizes," "multiple capacity options," "bulk packaging").
- Synthesize: Produce a high-level overview that describes the product family as a category, rather than a list of individual items.
- Extract Keywords: Identify 10-20 domain-relevant, semantically meaningful keywords derived from the description.

Style & Tone:

- Professional, neutral, and domain-agnostic.
- Objective third-person, suitable for product catalogs and technical documentation.
- One paragraph of 3-5 sentences that flows naturally.
- Clear, concise, and focused on function, durability, applicability, or end-user benefits.

Constraints:

- No brand names in the output.
- No bullet points; provide a cohesive, continuous paragraph.
- Ensure the description is broad enough to encompass all items in the list but specific enough to convey meaningful shared traits.
- Avoid overly promotional adjectives; emphasize factual, verifiable characteristics.

Input:

Items:
{items})";
  return text;
}

void QuestionOptions::declare(Options& o) {
  o.add("prompt", prompt)
      .help(
          "what is asked, with {category} and {items}; how to answer is added behind it. Empty: "
          "the paper's prompt (appendix A.1)")
      .check([this] { return prompt.empty() ? std::string() : complaint_about(prompt); });
  o.add("category", category).help("what the catalogue sells: fills {category}");
  o.add("columns", columns).help("item columns that the model sees, a line each");
  o.add("items_per_token", items_per_token)
      .range(1, 10000)
      .unit("items")
      .help("a token with more items is described by that many of them, drawn by seed");
  o.add("item_characters", item_characters)
      .range(16, 1000000)
      .unit("characters")
      .help("an item with more text is shortened, its longest columns first");
  o.add("prefix_conditioned", prefix_conditioned)
      .help(
          "beyond the first level, say what the earlier tokens of each item mean and ask for what "
          "the items share beyond that; the levels are then asked one after the other");
}

// --- one item ------------------------------------------------------------------------------------
std::string item_text(const Items& items, int64_t item, const std::vector<std::string>& columns,
                      int64_t characters) {
  std::vector<std::string> names, texts;
  for (const std::string& column : columns) {
    std::string text = single_blanks(items.text(column, item));
    if (text.empty()) continue;
    names.push_back(column);
    texts.push_back(std::move(text));
  }
  const std::vector<int64_t> share = shares(texts, characters);
  std::string lines;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string text = shortened(texts[i], share[i]);
    if (text.empty()) continue;
    if (!lines.empty()) lines += '\n';
    lines += labelled(names[i], text);
  }
  return lines;
}

std::vector<int64_t> sampled_items(const TokenCluster& cluster, const Items& items,
                                   const std::vector<std::string>& columns, int64_t count,
                                   Context& context) {
  std::vector<int64_t> described;
  std::copy_if(cluster.items.begin(), cluster.items.end(), std::back_inserter(described),
               [&](int64_t item) { return has_text(items, item, columns); });
  const auto total = static_cast<int64_t>(described.size());
  if (total <= count) return described;
  const at::Generator generator =
      context.generator("items of a token", cluster.level, cluster.code);
  const torch::Tensor order = torch::randperm(total, generator, torch::kInt64);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i)
    chosen.push_back(described[static_cast<size_t>(order[i].item<int64_t>())]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// --- all tokens of a catalogue -------------------------------------------------------------------
Questions::Questions(const QuestionOptions& options, const std::vector<TokenCluster>& clusters,
                     const Items& items)
    : options_(options), clusters_(clusters), items_(items) {
  if (!options.prefix_conditioned) return;
  for (const TokenCluster& cluster : clusters) {  // level by level, so every list ascends
    for (const int64_t item : cluster.items) tokens_of_[item].push_back(&cluster);
  }
}

std::vector<std::pair<size_t, size_t>> Questions::rounds() const {
  std::vector<std::pair<size_t, size_t>> rounds;
  for (size_t begin = 0; begin < clusters_.size();) {
    size_t end = clusters_.size();
    if (options_.prefix_conditioned) {
      end = begin;
      while (end < clusters_.size() && clusters_[end].level == clusters_[begin].level) ++end;
    }
    rounds.emplace_back(begin, end);
    begin = end;
  }
  return rounds;
}

std::string Questions::about(size_t cluster, Context& context) const {
  const std::string listed = listed_items(clusters_[cluster], context);
  if (listed.empty()) return "";
  std::string text = asked(listed);
  if (options_.prefix_conditioned && clusters_[cluster].level > 0)
    text.append("\n\n").append(kFamilies);
  if (options_.asks_for_json) text.append("\n\n").append(kAnswerFormat);
  return text;
}

std::string Questions::instructions() const {
  return asked("") + "\n\n" + kFamilies + "\n\n" + kAnswerFormat;
}

std::string Questions::asked(const std::string& listed_items) const {
  const std::string& prompt = options_.prompt.empty() ? paper_prompt() : options_.prompt;
  return filled(prompt, {{"category", options_.category}, {"items", listed_items}});
}

std::string Questions::listed_items(const TokenCluster& cluster, Context& context) const {
  std::string listed;
  int64_t number = 0;
  for (const int64_t item :
       sampled_items(cluster, items_, options_.columns, options_.items_per_token, context)) {
    if (number > 0) listed += "\n\n";
    listed += c10::str("Item ", ++number, "\n",
                       item_text(items_, item, options_.columns, options_.item_characters));
    if (const std::string family = family_of(item, cluster.level); !family.empty())
      listed += "\n" + labelled("family", family);
  }
  return listed;
}

std::string Questions::family_of(int64_t item, int64_t level) const {
  const auto found = tokens_of_.find(item);
  if (found == tokens_of_.end()) return "";
  std::string family;
  for (const TokenCluster* earlier : found->second) {
    if (earlier->level >= level) break;
    const auto meaning = meaning_of_.find(earlier->token);
    if (meaning == meaning_of_.end()) continue;  // nothing was found out about it
    if (!family.empty()) family += "; ";
    family += meaning->second;
  }
  return family;
}

void Questions::learn(const TokenNote& note) {
  std::string meaning;
  for (size_t k = 0; k < std::min(note.keywords.size(), kKeywordsOfAFamily); ++k) {
    if (k > 0) meaning += ", ";
    meaning += note.keywords[k];
  }
  meaning_of_[note.token] = meaning.empty() ? note.description : meaning;
}

std::string repair_request(const std::string& complaint) {
  return "This answer cannot be used: " + complaint + ".\n\n" + kAnswerFormat;
}

}  // namespace tsrec::language_model
