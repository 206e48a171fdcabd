// The tokenizer against independent references: naive merging, naive training, published ids.
#include "tsrec/text/tokenizer.hpp"

#include <atomic>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec {
namespace {

using test::contains;
using test::message_of;
using test::TempFolder;
using text::Tokenizer;
using Ids = std::vector<int32_t>;

std::vector<std::string> random_words(uint32_t seed, size_t count, size_t longest,
                                      const std::string& alphabet) {
  std::mt19937 random(seed);
  std::vector<std::string> words(count);
  for (auto& word : words) {
    for (size_t n = 1 + random() % longest; n > 0; --n)
      word += alphabet[random() % alphabet.size()];
  }
  return words;
}

// Texts that every part of the tokenizer must survive.
std::vector<std::string> hard_texts() {
  return {"",
          " ",
          "don't YOU'LL  I'm",
          "a\r\n\r\n  b \n c   ",
          "price: 3.14 $1,000",
          "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C",                   // CJK
          "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",  // emoji
          "\xC3\xA9t\xC3\xA9 \xE1\xBA\x9E",
          "tab\tand\x0B\xC2\x85\xC2\xA0\xE2\x80\xA8 blanks",
          std::string("nul\0inside", 10),
          "<a_1><b_2><c_3>, <a_1>"};
}

// Pieces and merges as save() spells them; test words are ASCII letters, which spell themselves.
struct Saved {
  explicit Saved(const Tokenizer& tokenizer) {
    const TempFolder folder;
    tokenizer.save(folder.path());
    std::istringstream lines(io::read_text(folder.path() / "merges.txt"));
    std::string left, right;
    std::getline(lines, left);
    while (lines >> left >> right) merges.emplace_back(left, right);
  }
  std::vector<std::pair<std::string, std::string>> merges;
};

// Scans for the best-ranked pair again after every single merge.
std::vector<std::string> naive_bpe(const std::string& word, const Saved& saved) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  for (bool merged = true; merged;) {
    merged = false;
    for (const auto& [left, right] : saved.merges) {
      for (size_t i = 0; i + 1 < parts.size() && !merged; ++i) {
        if (parts[i] != left || parts[i + 1] != right) continue;
        parts[i] += right;
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        merged = true;
      }
      if (merged) break;
    }
  }
  return parts;
}

// Counts all pairs again after every merge. Ids of letters follow their codes.
std::vector<std::pair<std::string, std::string>> naive_training(
    const std::vector<std::string>& words, size_t pieces) {
  std::map<std::string, int> id;
  for (int c = 0; c < 128; ++c) id[std::string(1, static_cast<char>(c))] = c;
  std::vector<std::vector<std::string>> split;
  for (const auto& word : words) {
    split.emplace_back();
    for (const char c : word) split.back().emplace_back(1, c);
  }
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t known = 256; known < pieces;) {
    std::map<std::pair<int, int>, std::pair<int64_t, std::pair<std::string, std::string>>> counts;
    for (const auto& parts : split) {
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        auto& entry = counts[{id.at(parts[i]), id.at(parts[i + 1])}];
        ++entry.first;
        entry.second = {parts[i], parts[i + 1]};
      }
    }
    int64_t most = 1;
    std::pair<std::string, std::string> best;
    for (const auto& [pair, entry] : counts) {  // ascending pairs: the first of equals stays
      if (entry.first > most) std::tie(most, best) = entry;
    }
    if (most < 2) break;
    merges.push_back(best);
    if (id.emplace(best.first + best.second, 1000 + static_cast<int>(known)).second) ++known;
    for (auto& parts : split) {
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i] != best.first || parts[i + 1] != best.second) continue;
        parts[i] += parts[i + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(Tokenizer, TrainingLearnsTheMergesOfARecountAfterEveryStep) {
  for (const uint32_t seed : {1u, 2u, 3u, 4u}) {
    const std::vector<std::string> words =
        random_words(seed, 60, 12, seed % 2 == 0 ? "ab" : "abcde");
    for (const int64_t size : {257, 270, 400}) {
      const Tokenizer tokenizer = Tokenizer::train(words, size);
      EXPECT_LE(tokenizer.size(), size);
      EXPECT_EQ(Saved(tokenizer).merges, naive_training(words, static_cast<size_t>(size) - 1));
    }
  }
}

TEST(Tokenizer, MergingEqualsTheNaiveScan) {
  const Tokenizer tokenizer = Tokenizer::train(random_words(5, 300, 10, "abcd"), 400);
  const Saved saved(tokenizer);
  ASSERT_GT(saved.merges.size(), 100u);
  for (const std::string& word : random_words(6, 60, 150, "abcd")) {
    std::vector<std::string> parts;
    for (const int32_t id : tokenizer.encode(word)) parts.push_back(tokenizer.decode({{id}}));
    EXPECT_EQ(parts, naive_bpe(word, saved));
  }
}

TEST(Tokenizer, DecodingAnEncodingGivesTheTextBack) {
  std::vector<std::string> texts = hard_texts();
  std::mt19937 random(8);
  const std::vector<std::string> atoms = {"a",
                                          "Z",
                                          "7",
                                          " ",
                                          "  ",
                                          "\n",
                                          "\r",
                                          "'s",
                                          "\xC3\xA9",
                                          "\xE7\x95\x8C",
                                          "\xF0\x9F\x94\xAC",
                                          "-",
                                          "<a_1>",
                                          "\t"};
  for (int i = 0; i < 200; ++i) {
    texts.emplace_back();
    for (size_t n = random() % 40; n > 0; --n) texts.back() += atoms[random() % atoms.size()];
  }
  Tokenizer tokenizer = Tokenizer::train(texts, 500);
  tokenizer.add(std::vector<std::string>{"<a_1>", "<a_12>"});
  for (const auto& text : texts) EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(Tokenizer, TextIsBroughtToNormalFormC) {
  const Tokenizer tokenizer = Tokenizer::train({}, 257);
  const auto round_trip = [&](std::string_view text) {
    return tokenizer.decode(tokenizer.encode(text));
  };
  EXPECT_EQ(round_trip("e\xCC\x81"), "\xC3\xA9");                     // e + acute
  EXPECT_EQ(round_trip("q\xCC\x87\xCC\xA3"), "q\xCC\xA3\xCC\x87");    // marks are ordered
  EXPECT_EQ(round_trip("\xE1\x84\x80\xE1\x85\xA1"), "\xEA\xB0\x80");  // Hangul
  EXPECT_EQ(round_trip("\xE2\x84\xAB"), "\xC3\x85");                  // Angstrom sign
  EXPECT_EQ(round_trip("\xEF\xAC\x81"), "\xEF\xAC\x81");              // a ligature stays
}

TEST(Tokenizer, InvalidUtf8BecomesReplacementCharacters) {
  const Tokenizer tokenizer = Tokenizer::train({}, 257);
  const std::string r = "\xEF\xBF\xBD";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\xFFz", "a" + r + "z"},  // no first byte
      {"\xE2\x82", r},            // cut off: one maximal part
      {"\xE2\x82z", r + "z"},
      {"\xC0\xAF", r + r},                  // overlong
      {"\xED\xA0\x80", r + r + r},          // a surrogate
      {"\xF4\x90\x80\x80", r + r + r + r},  // above U+10FFFF
      {"\xF0\x9F\x94", r},
      {"\x80", r}};
  for (const auto& [bytes, expected] : cases) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes)), expected);
  }
  const Ids ids = tokenizer.encode("\xE7\x95\x8C");
  EXPECT_EQ(tokenizer.decode({ids.data(), 2}), r);  // half a character
}

TEST(Tokenizer, AddedTokensMatchFirstAndLongest) {
  Tokenizer tokenizer = Tokenizer::train({}, 300);
  EXPECT_EQ(tokenizer.size(), 257);
  EXPECT_EQ(tokenizer.eos(), 256);
  tokenizer.add(std::vector<std::string>{"<a_1>", "<a_1><b>", "ab"});
  EXPECT_EQ(tokenizer.size(), 260);
  EXPECT_EQ(tokenizer.encode("<a_1><b><a_1><|endoftext|>ab"), (Ids{258, 257, 256, 259}));
  EXPECT_EQ(tokenizer.encode("<a_1><"), (Ids{257, tokenizer.encode("<").at(0)}));
  EXPECT_EQ(tokenizer.find("ab"), 259);
  EXPECT_EQ(tokenizer.find("a"), std::nullopt);
  EXPECT_TRUE(tokenizer.is_added(256));
  EXPECT_FALSE(tokenizer.is_added(255));
}

TEST(Tokenizer, TokensThatExistAreRefusedAndNothingIsAdded) {
  Tokenizer tokenizer = Tokenizer::train(std::vector<std::string>{"ab ab"}, 300);
  const int64_t size = tokenizer.size();
  for (const std::vector<std::string>& tokens : std::vector<std::vector<std::string>>{
           {"<x>", "<x>"}, {"<x>", "<|endoftext|>"}, {"<x>", "ab"}, {"<x>", ""}, {"\xFF"}}) {
    EXPECT_THROW(tokenizer.add(tokens), ConfigError);
    EXPECT_EQ(tokenizer.size(), size);
  }
  const std::string message =
      message_of<ConfigError>([&] { tokenizer.add(std::vector<std::string>{"<|endoftext|>"}); });
  EXPECT_TRUE(contains(message, "<|endoftext|>; the tokenizer has it already")) << message;
}

TEST(Tokenizer, CopiesAreIndependent) {
  const Tokenizer one = Tokenizer::train({}, 257);
  Tokenizer two(one);
  two.add(std::vector<std::string>{"<x>"});
  EXPECT_EQ(one.size(), 257);
  EXPECT_EQ(one.encode("<x>").size(), 3u);
  EXPECT_EQ(two.encode("<x>"), Ids{257});
}

TEST(Tokenizer, SavedFoldersLoadAndSaveTheSameBytes) {
  const TempFolder folder;
  Tokenizer tokenizer = Tokenizer::train(random_words(10, 200, 9, "abc\xC3\xA9\" \\\n"), 350);
  tokenizer.add(std::vector<std::string>{"<a_1>", "quote\"d"});
  tokenizer.save(folder.path() / "one");
  const Tokenizer loaded = Tokenizer::load(folder.path() / "one");
  loaded.save(folder.path() / "two");
  for (const char* file : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
    EXPECT_EQ(io::read_text(folder.path() / "one" / file),
              io::read_text(folder.path() / "two" / file));
  }
  EXPECT_EQ(loaded.size(), tokenizer.size());
  EXPECT_EQ(loaded.eos(), tokenizer.eos());
  for (const auto& text : hard_texts()) EXPECT_EQ(loaded.encode(text), tokenizer.encode(text));
}

// What a Qwen2Tokenizer's vocab.json and merges.txt mean, as a tokenizer.json.
nlohmann::json whole_of(const TempFolder& folder, const Tokenizer& tokenizer) {
  using nlohmann::json;
  json merges = json::array();
  for (const auto& [left, right] : Saved(tokenizer).merges)
    merges.push_back(merges.size() % 2 == 0 ? json(left + " " + right) : json{left, right});
  const std::string words =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
      R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const json split = {{"type", "Split"}, {"pattern", {{"Regex", words}}}, {"behavior", "Isolated"}};
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {
      {"normalizer", {{"type", "NFC"}}},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", json::array({split, bytes})}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", json::parse(io::read_text(folder.path() / "vocab.json"))},
        {"merges", merges}}},
      {"added_tokens",
       json::array({{{"id", tokenizer.eos()}, {"content", "<|endoftext|>"}, {"special", true}}})}};
}

TEST(Tokenizer, TokenizerJsonSaysTheSameAsVocabularyFilesAndWinsOverThem) {
  const TempFolder folder;
  const Tokenizer tokenizer = Tokenizer::train(random_words(11, 100, 9, "abc"), 300);
  tokenizer.save(folder.path());
  nlohmann::json whole = whole_of(folder, tokenizer);
  folder.write("tokenizer.json", whole.dump());
  const Tokenizer both = Tokenizer::load(folder.path());
  std::filesystem::remove(folder.path() / "vocab.json");
  const Tokenizer loaded = Tokenizer::load(folder.path());
  EXPECT_EQ(loaded.eos(), tokenizer.eos());
  for (const auto& word : random_words(12, 20, 50, "abc ")) {
    EXPECT_EQ(loaded.encode(word), tokenizer.encode(word));
    EXPECT_EQ(both.encode(word), tokenizer.encode(word));
  }
  whole["normalizer"] = {{"type", "Lowercase"}};
  folder.write("tokenizer.json", whole.dump());
  EXPECT_EQ(Tokenizer::load(folder.path()).encode("ABC"), tokenizer.encode("abc"));
}

TEST(Tokenizer, FoldersOfManyMakersNameTheEndOfTextAndTheirClass) {
  const TempFolder folder;
  const Tokenizer tokenizer = Tokenizer::train(random_words(16, 100, 9, "abc"), 300);
  tokenizer.save(folder.path());
  folder.write("tokenizer.json", whole_of(folder, tokenizer).dump());
  const auto eos_with = [&](const std::string& config) {
    folder.write("tokenizer_config.json", config);
    return Tokenizer::load(folder.path()).eos();
  };
  EXPECT_EQ(eos_with(R"({"eos_token": "<|endoftext|>"})"), tokenizer.eos());
  EXPECT_EQ(eos_with(R"({"eos_token": {"content": "<|endoftext|>"},
                         "tokenizer_class": "TokenizersBackend"})"),
            tokenizer.eos());
  EXPECT_EQ(eos_with(R"({"eos_token": null, "sep_token": "<|endoftext|>"})"), tokenizer.eos());
  EXPECT_EQ(eos_with(R"({"eos_token": "b"})"), tokenizer.encode("b").at(0));  // not added yet
  folder.write("special_tokens_map.json", R"({"eos_token": "<|endoftext|>"})");
  EXPECT_EQ(eos_with("{}"), tokenizer.eos());
  std::filesystem::remove(folder.path() / "tokenizer_config.json");
  EXPECT_EQ(Tokenizer::load(folder.path()).eos(), tokenizer.eos());
}

TEST(Tokenizer, StepsThatAreNotComputedAreRefusedByName) {
  using nlohmann::json;
  const TempFolder folder;
  const Tokenizer tokenizer = Tokenizer::train(random_words(17, 100, 9, "abc"), 300);
  tokenizer.save(folder.path());
  const json good = whole_of(folder, tokenizer);
  const auto complaint = [&](const std::string& place, const json& value) {
    json whole = good;
    whole[json::json_pointer(place)] = value;
    folder.write("tokenizer.json", whole.dump());
    return message_of<DataError>([&] { Tokenizer::load(folder.path()); });
  };
  const std::string split = "/pre_tokenizer/pretokenizers/0";
  const std::vector<std::tuple<std::string, json, std::string>> cases = {
      {"/normalizer", {{"type", "Nmt"}}, "the normalizer 'Nmt' is not supported"},
      {"/normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "?"}}, "is damaged"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, "the pre_tokenizer 'UnicodeScripts'"},
      {"/pre_tokenizer/pretokenizers/2", {{"type", "Digits"}}, "it follows ByteLevel"},
      {split + "/pattern", {{"Regex", "(x"}}, "the regular expression '(x' is not supported"},
      {split + "/pattern", {{"Regex", "[a&&b]"}}, "an intersection of sets"},
      {split + "/pattern", {{"Regex", "[a[b]]"}}, "a set inside a set"},
      {split + "/pattern", {{"Regex", "a{1,3}+"}}, "a count with a '+' behind it"},
      {split + "/pattern", {{"Regex", "[\\W]"}}, "complement of a set inside another set"},
      {split + "/pattern", 7, "neither a String nor a Regex"},
      {split + "/behavior", "Sideways", "the behavior 'Sideways' is not known"},
      {"/model/type", "WordLevel", "the model 'WordLevel' is not supported"},
      {"/model/type", "WordPiece", "behind the pre-tokenizer ByteLevel only BPE"},
      {"/model/byte_fallback", true, "byte_fallback"},
      {"/model/dropout", 0.1, "dropout is not supported"},
      {"/model/unk_token", "<unk>", "unk_token names <unk>, which is not in the vocabulary"},
      {"/model/merges/0", json{"a", "Q"}, "the token aQ is not in the vocabulary"},
      {"/post_processor", {{"type", "Other"}}, "the post_processor 'Other' is not supported"},
      {"/post_processor", {{"type", "TemplateProcessing"}, {"single", json::array()}}, "once"},
      {"/decoder", {{"type", "CTC"}}, "the decoder 'CTC' is not supported"},
      {"/added_tokens/0/id", 300, "ids must follow the vocabulary without holes"}};
  for (const auto& [place, value, wanted] : cases)
    EXPECT_TRUE(contains(complaint(place, value), wanted)) << place << " " << value;
}

TEST(Tokenizer, BrokenFoldersAreNamedWithFileAndPlace) {
  const TempFolder folder;
  Tokenizer::train(random_words(13, 100, 9, "ab"), 270).save(folder.path());
  const auto complaint = [&](const std::string& file, const std::string& from,
                             const std::string& to) {
    const std::string good = io::read_text(folder.path() / file);
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    folder.write(file, bad);
    const std::string message = message_of<DataError>([&] { Tokenizer::load(folder.path()); });
    folder.write(file, good);
    return message;
  };
  EXPECT_TRUE(contains(complaint("vocab.json", "{", "{{"),
                       "vocab.json: malformed JSON: parse error at line 1"));
  EXPECT_TRUE(contains(complaint("vocab.json", "{", "["), "expected an object of names"));
  EXPECT_TRUE(
      contains(complaint("vocab.json", "{", "version https://git-lfs.github.com/spec/v1\n{"),
               "vocab.json holds nothing but the pointer that git-lfs leaves in its place; run "
               "'git lfs pull'"));
  EXPECT_TRUE(contains(complaint("vocab.json", ":7,", ":7.5,"), "has no whole number"));
  EXPECT_TRUE(contains(complaint("vocab.json", ":7,", ":{\"x\":7},"), "has no whole number"));
  EXPECT_TRUE(contains(complaint("vocab.json", "\"B\"", "\"A\""), "listed twice"));
  EXPECT_TRUE(contains(complaint("vocab.json", ":7,", ":8,"), "every id from 0 to"));
  EXPECT_TRUE(contains(complaint("merges.txt", "0.2\n", "0.2\na b c\n"),
                       "merges.txt:2: expected two tokens"));
  EXPECT_TRUE(
      contains(complaint("merges.txt", "0.2\n", "0.2\na Q\n"), "merges.txt:2: the token aQ"));
  const std::string config = "tokenizer_config.json";
  EXPECT_TRUE(contains(complaint(config, "Qwen2Tokenizer", "LlamaTokenizer"),
                       "'LlamaTokenizer' is not supported without a tokenizer.json"));
  EXPECT_TRUE(contains(complaint(config, "\"eos_token\"", "\"eos\""), "no eos_token"));
  EXPECT_TRUE(contains(complaint(config, "\"eos_token\": \"<|end", "\"eos_token\": \"<|END"),
                       "neither among the added tokens nor in the vocabulary"));
  EXPECT_TRUE(contains(complaint(config, "\"269\"", "\"271\""), "without holes"));
  EXPECT_TRUE(contains(complaint(config, "\"269\"", "\"x\""), "expected an id"));
  std::filesystem::remove(folder.path() / "merges.txt");
  EXPECT_TRUE(contains(message_of<DataError>([&] { Tokenizer::load(folder.path()); }),
                       "merges.txt: No such file"));
}

TEST(Tokenizer, WrongSizesAndIdsAreRefused) {
  EXPECT_TRUE(contains(message_of<ConfigError>([] { Tokenizer::train({}, 256); }),
                       "256 entries is too small"));
  EXPECT_THROW(Tokenizer::train({}, -5), ConfigError);
  const Tokenizer tokenizer = Tokenizer::train({}, 257);
  EXPECT_TRUE(contains(message_of<Error>([&] { tokenizer.decode({{257}}); }), "0 to 256"));
  EXPECT_THROW(tokenizer.decode({{-1}}), Error);
}

TEST(Tokenizer, LongRunsTakeNeitherForeverNorTheStack) {
  const Tokenizer tokenizer = Tokenizer::train(random_words(14, 50, 8, "ab"), 300);
  for (const char* unit : {"a", " ", "\n", "-", " \xE7\x95\x8C",
                           "\xCC\x80"
                           "a"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)).size() > 500'000, true);
  }
}

TEST(Tokenizer, ManyThreadsGetTheIdsOfOne) {
  const std::vector<std::string> words = random_words(15, 400, 30, "abc ");
  const Tokenizer tokenizer = Tokenizer::train(words, 320);
  std::vector<Ids> expected;
  for (const auto& word : words) expected.push_back(Tokenizer(tokenizer).encode(word));
  const Tokenizer fresh = Tokenizer::train(words, 320);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < words.size(); ++i) wrong += fresh.encode(words[i]) != expected[i];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tsrec
