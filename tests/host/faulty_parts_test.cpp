// What a run says of parts that break a promise: the part, its method, what it gave and what was
// expected; and no table of results.
#include "cli_support.hpp"
#include "plugin/kinds.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFaultyParts = fs::path(TSREC_BAD_PLUGINS) / "faulty_parts" / "faulty_parts.so";

// Numbers become #, but for those of types such as float64: what is said does not hang on how large
// the experiment is.
std::string without_numbers(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    const bool is_of_word = at > 0 && is_letter(text[at - 1]);
    plain += end == at ? std::string(1, text[at]) : is_of_word ? text.substr(at, end - at) : "#";
    at = std::max(end, at + 1);
  }
  return plain;
}

// A small experiment with a part of every kind. Its stages stay in one store, so that a faulty part
// runs its own stage and those behind it only.
class FaultyParts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new TempFolder;
    world_->write("experiment.toml", R"(
include = ["tsrec:configs/data/synthetic.toml", "tsrec:configs/sid/rq_kmeans_256x3.toml",
           "tsrec:configs/extract/ctfidf.toml", "tsrec:configs/backbone/tiny.toml",
           "tsrec:configs/prompt/compact.toml"]
[run]
name = "faulty"
precision = "float32"
threads = 2
[source]
items = 60
users = 60
[encoder]
dimensions = 8
[quantizer]
codes = 8
[backbone]
vocabulary = 300
width = 16
layers = 1
heads = 2
mlp_width = 32
pretrain_steps = 1
pretrain_batch_tokens = 256
[initializer]
use = "random"
[[task]]
use = "next_item"
[[stage]]
use = "sft"
max_steps = 1
batch_rows = 16
[[recommender]]
use = "popularity"
[evaluate]
beams = 5
untrained = false
metric = [{ use = "hr", k = [3] }]
)");
    const Outcome good = run_with("");
    ASSERT_EQ(good.code, 0) << good.text;
    ASSERT_TRUE(contains(good.text, kTable)) << good.text;
  }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }

  static Outcome run_with(const std::string& more) {
    const std::string folder = world_->path().string();
    return run("run " + folder + " --plugins " + kFaultyParts.parent_path().string() + " --store " +
               folder + "/store" + more);
  }
  static std::string with(const std::string& overlay) {
    return " --with " + world_->write("overlay.toml", overlay).string();
  }
  static std::string instead_of(const std::string& kind, const std::string& use) {
    return " --set " + kind + ".use=" + use;
  }

  struct Fault {
    std::string kind, use, more;  // more: flags that put it into the experiment
    std::string stage;            // that fails
    std::string method, sentence;
    int code = 4;
  };
  static std::string described(const Fault& fault) {
    return fault.kind + " '" + fault.use + "' (acme.faulty_parts 1.2.0, " + kFaultyParts.string() +
           ")";
  }
  // One sentence that names the part and its method, no other part, and no table.
  static void expect(const Fault& fault, const std::string& flags = "") {
    const Outcome outcome = run_with(fault.more + flags);
    EXPECT_EQ(outcome.code, fault.code) << described(fault) << "\n" << outcome.text;
    const size_t begin = outcome.text.find("\n" + fault.stage + " failed: ");
    ASSERT_NE(begin, std::string::npos) << described(fault) << "\n" << outcome.text;
    const std::string failure = outcome.text.substr(begin);
    EXPECT_EQ(without_numbers(failure),
              without_numbers("\n" + fault.stage + " failed: " + fault.sentence + "\n  in " +
                              described(fault) + " in " + fault.method + "\n"));
    for (const std::string& kind : host::kind_names()) {
      const size_t named = failure.find(kind + " '");
      if (named == std::string::npos) continue;
      EXPECT_EQ(kind, fault.kind) << failure;
      EXPECT_EQ(failure.find(kind + " '", named + 1), std::string::npos) << failure;
    }
    EXPECT_FALSE(contains(outcome.text, kTable)) << outcome.text;
  }

  static constexpr const char* kTable = "| item.hr@3 ";
  static TempFolder* world_;
};
TempFolder* FaultyParts::world_ = nullptr;

TEST_F(FaultyParts, Sources) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    expect({"source", use, instead_of("source", use), "load", "load()", sentence});
  };
  expect_of("unknown_item",
            "load() gave item 60 in train.history_H; expected numbers of items, 0 .. 59");
  expect_of("short_times",
            "load() gave int64 [38] as valid.time_S; expected int64 [39], contiguous, a time for "
            "every row");
}

// Commands that call parts without running a stage name who ended them, too.
TEST_F(FaultyParts, SourceThatEndsTheProcessOfData) {
  const auto data_with = [](const std::string& use) {
    const std::string folder = world_->path().string();
    return run("data " + folder + " --plugins " + kFaultyParts.parent_path().string() +
               " --store " + folder + "/other_store" + instead_of("source", use));
  };
  const auto said_of = [](const std::string& use, const std::string& rest) {
    return "tsrec: " + described({"source", use, "", "", "", ""}) + " ended the process in load()" +
           rest + "\n";
  };
  const Outcome crashed = data_with("crashes");
  EXPECT_NE(crashed.code, 0);
  EXPECT_TRUE(contains(crashed.text, said_of("crashes", ", by signal 11 (Segmentation fault)")))
      << crashed.text;
  const Outcome left = data_with("leaves");
  EXPECT_EQ(left.code, 4);
  EXPECT_TRUE(contains(left.text, said_of("leaves",
                                          ", by calling exit(); a part that cannot go on "
                                          "throws")))
      << left.text;
}

TEST_F(FaultyParts, Encoders) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    expect({"encoder", use, instead_of("encoder", use), "embed", "encode()", sentence});
  };
  const std::string shape = "expected float32 [60, 16], a vector for every item";
  expect_of("doubles", "encode() gave float64 [60, 16]; " + shape);
  expect_of("row_missing", "encode() gave float32 [59, 16]; " + shape);
  expect_of("with_nan",
            "encode() gave NaN in row 2 of float32 [60, 16]; expected finite values, a vector for "
            "every item");
  // One that another part owns is named, and not its owner.
  expect({"encoder", "doubles",
          with("[encoder]\nuse = \"concat\"\nof = [{ use = \"lsa\", dimensions = 8 }, { use = "
               "\"doubles\" }]\n"),
          "embed", "encode()", "encode() gave float64 [60, 16]; " + shape});
}

TEST_F(FaultyParts, Quantizers) {
  const auto expect_of = [](const std::string& use, const std::string& sentence,
                            const std::string& method = "encode()") {
    expect({"quantizer", use, instead_of("quantizer", use), "quantize", method, sentence});
  };
  const std::string shape =
      "; expected int64 [60, 3], a row for every item and a code for each level of sizes()";
  expect_of("float_codes", "encode() gave float32 [60, 3]" + shape);
  expect_of("int32_codes", "encode() gave int32 [60, 3]" + shape);
  expect_of("transposed_codes", "encode() gave int64 [3, 60]" + shape);
  expect_of("flat_codes", "encode() gave int64 [60]" + shape);
  expect_of("row_missing", "encode() gave int64 [59, 3]" + shape);
  expect_of("short_sizes", "encode() gave int64 [60, 3]" + shape);
  expect_of("negative_codes",
            "encode() gave the code -1 at level 0 of row 0; expected 0 .. 7, as sizes() says");
  expect_of("large_codes",
            "encode() gave the code 8 at level 0 of row 0; expected 0 .. 7, as sizes() says");
  expect_of("impure_codes",
            "encode() gave other codes for the same 16 rows when it was asked again; expected a "
            "function of the row alone");
  expect_of("overwriting_fit",
            "fit() wrote into the vectors it is given; expected to find them as they were",
            "fit()");
  expect_of("no_codebook", "the codebook is empty", "fit()");
}

TEST_F(FaultyParts, OptionsAreRefusedBeforeAnythingRuns) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    const Outcome outcome = run_with(instead_of("quantizer", use));
    EXPECT_EQ(outcome.code, 3) << outcome.text;
    EXPECT_EQ(outcome.text, "tsrec: " + described({"quantizer", use, "", "", "", ""}) + ": " +
                                sentence + "; its author must mend it\n");
  };
  expect_of("declared_twice",
            "option 'levels' is declared twice; every option needs a name of its own");
  expect_of("default_outside",
            "the default of option 'codes' is one that it refuses: option 'codes' = 0 is outside "
            "[1, 256]");
}

TEST_F(FaultyParts, ResolversAndExtractors) {
  expect({"resolver", "one_for_all", instead_of("resolver", "one_for_all"), "resolve", "resolve()",
          "resolve() gave the items 0 and 1 the one SID <a_0><b_0><c_0>, but their codes differ; "
          "expected no collision that was none before"});
  expect({"resolver", "one_level_less", instead_of("resolver", "one_level_less"), "resolve",
          "resolve()",
          "resolve() gave int64 [60, 2] as code_NL; expected int64 [60, 3], contiguous, a SID for "
          "every item"});
  expect({"extractor", "foreign_token", instead_of("extractor", "foreign_token"), "extract",
          "extract()",
          "extract() gave a note of '<a_999>', which is no token of a cluster, or stands twice or "
          "out of their order; expected at most one note for each cluster, in the order of the "
          "clusters"});
}

TEST_F(FaultyParts, BackbonesAndInitializers) {
  expect({"backbone", "forgets_tokens", instead_of("backbone", "forgets_tokens"), "extend",
          "extend()",
          "extend() left a tokenizer of 300 tokens; expected 324, 24 more than before"});
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    expect({"initializer", use, instead_of("initializer", use), "extend", "rows()", sentence});
  };
  expect_of(
      "row_missing",
      "rows() gave float32 [23, 16]; expected float32 [24, 16], input_ED: a row for every SID "
      "token");
  expect_of("rows_of_nan",
            "rows() gave NaN in row 0 of float32 [24, 16]; expected finite values, input_ED: a row "
            "for every SID token");
  expect_of("head_of_a_tied_model",
            "rows() gave float32 [24, 16] as output_ED; expected nothing for a model whose head is "
            "its embedding");
}

TEST_F(FaultyParts, Tasks) {
  const auto expect_of = [](const std::string& use, const std::string& method,
                            const std::string& sentence, int code = 4) {
    const std::string overlay =
        "[[task]]\nuse = \"" + use + "\"\n[[stage]]\nuse = \"sft\"\ntasks = [\"" + use + "\"]\n";
    expect({"task", use, with(overlay), "audit", method, sentence, code});
  };
  expect_of("negative_size", "size()",
            "size() gave -1 for the train split; expected 0 examples or more");
  expect_of("no_such_item", "at()",
            "at() gave train example 7 the SID of item 1000000 in the slot 'history'; expected an "
            "item, 0 .. 59");
  expect_of("no_such_target", "at()",
            "at() gave train example 7 the target_item 1000000; expected an item, 0 .. 59, because "
            "answers_with_item()");
  expect_of("no_such_sample", "at()",
            "at() gave train example 7 the sample 1000000; expected a row of the split, 0 .. 90, "
            "or -1");
  expect_of("needs_notes", "prepare()", "the task needs an [extractor]", /*code=*/2);
}

TEST_F(FaultyParts, Trainers) {
  const auto expect_of = [](const std::string& use, const std::string& method,
                            const std::string& sentence, int code = 4) {
    const std::string overlay = "[[stage]]\nuse = \"" + use + "\"\npatience = 2\n";
    expect({"trainer", use, with(overlay), "stage." + use, method, sentence, code});
  };
  expect_of("accuracy_alone", "validate()",
            "validate() begins with the number 'accuracy'; the first one must be 'loss'");
  expect_of("loss_of_nan", "validate()",
            "the validation loss after step 2 is NaN; the last checkpoint stays. Lower the "
            "learning rate, or look for NaN in the validation rows");
  expect_of("measures_nothing", "validate()",
            "patience = 2 stops when the validation loss falls no more, but validate() measures no "
            "'loss'; set patience = 0, or select a number that curve_rows measures",
            /*code=*/2);
  expect_of("negative_steps", "num_steps()", "num_steps() gave -1; expected 0 or more");
  expect_of("needs_more_rows", "start()", "a batch of 1000 rows needs 1000 rows", /*code=*/2);
}

TEST_F(FaultyParts, Rewards) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    const std::string overlay =
        "[[stage]]\nuse = \"grpo\"\nmax_steps = 1\nbatch_prompts = 4\ncompletions = 4\ntasks = "
        "[\"next_item\"]\n[[stage.reward]]\nuse = \"" +
        use + "\"\n";
    expect({"reward", use, with(overlay), "stage.grpo", "score()", sentence});
  };
  const std::string meaning = "a row for every prompt and a score for each of its completions";
  expect_of("doubles", "score() gave float64 [2, 4]; expected float32 [2, 4], " + meaning);
  expect_of("one_for_a_prompt", "score() gave float32 [2]; expected float32 [2, 4], " + meaning);
  expect_of("not_a_number",
            "score() gave NaN in row 0 of float32 [2, 4]; expected finite values, " + meaning);
  expect_of("overwrites_rollouts",
            "score() wrote into the rollouts it is given; expected to find them as they were");
}

TEST_F(FaultyParts, Observers) {
  expect({"observer", "no_reason",
          with("[[stage]]\nuse = \"sft\"\n[[stage.observer]]\nuse = \"no_reason\"\n"), "stage.sft",
          "look()",
          "look() gave an empty reason; expected a sentence that says why the training ends, or "
          "none to go on"});
}

TEST_F(FaultyParts, Recommenders) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    expect({"recommender", use, with("[[recommender]]\nuse = \"" + use + "\"\n"), "evaluate." + use,
            "rank()", sentence});
  };
  expect_of("beyond_the_catalogue",
            "rank() gave the item 1000000 at place 2 of row 1; expected 0 .. 59, or -1 behind the "
            "end");
  expect_of("one_item_twice", "rank() gave the item 0 twice in row 1; expected distinct items");
  expect_of(
      "scores_of_nan",
      "rank() gave NaN in row 1 of float32 [57, 5]; expected finite values, score_SM: a score "
      "for every place");
  expect_of("worst_first",
            "rank() gave a score that rises, from 0 to 1, at place 1 of row 0; expected the best "
            "first");
  expect_of("a_list_less",
            "rank() gave int64 [56, 5]; expected int64 [57, 5], item_SM: a list for every row");
}

TEST_F(FaultyParts, Metrics) {
  const auto expect_of = [](const std::string& use, const std::string& sentence) {
    expect({"metric", use, with("[evaluate]\nmetric = [{ use = \"" + use + "\" }]\n"),
            "evaluate.popularity", "measure()", sentence});
  };
  expect_of("nan_number",
            "measure() gave nan as 'luck'; expected a finite number, also for no rows");
  expect_of("unnamed_number", "measure() gave a number without a name; expected a name for each");
  expect_of("number_twice",
            "measure() gave two numbers of the name 'luck'; expected a name of its own for each");
  expect_of("row_short",
            "measure() gave float64 [2] as row_S of 'luck'; expected float64 [57], a value for "
            "every row");
  expect_of("sorts_the_lists",
            "measure() wrote into the lists it is given; expected to find them as they were");
}

TEST_F(FaultyParts, InAProcessOfItsOwnTheSameIsSaid) {
  expect({"encoder", "doubles", instead_of("encoder", "doubles"), "embed", "encode()",
          "encode() gave float64 [60, 16]; expected float32 [60, 16], a vector for every item"},
         " --isolate");
  expect({"encoder", "needs_a_file", instead_of("encoder", "needs_a_file"), "embed",
          "its constructor", "file = \"\" names no file", /*code=*/2},
         " --isolate");
}

TEST_F(FaultyParts, AnOptionThatIsNotTheDefaultIsShownForThatPartAlone) {
  const Outcome outcome = run_with(
      " --set quantizer.use=no_codebook --set quantizer.levels=2 --set encoder.dimensions=7");
  EXPECT_EQ(outcome.code, 4);
  EXPECT_TRUE(outcome.text.ends_with(
      "\nquantize failed: the codebook is empty\n  in " +
      described({"quantizer", "no_codebook", "", "", "", ""}) +
      " in fit()\n  options that differ from the default: levels = 2 (--set)\n"))
      << outcome.text;
}

// The rules of conformance ask the same functions: an author reads the same sentence.
TEST_F(FaultyParts, TheKitSaysTheSame) {
  const auto expect_of = [](const std::string& kind, const std::string& use,
                            const std::string& sentence) {
    bool is_said = false;
    std::string all;
    for (const kit::Finding& finding : kit::conformance(kit::part_of(kFaultyParts, kind, use))) {
      is_said = is_said || (finding.verdict == kit::Verdict::broken &&
                            without_numbers(finding.detail) == without_numbers(sentence));
      all += finding.detail + "\n";
    }
    EXPECT_TRUE(is_said) << kind << " " << use << "\n" << all;
  };
  expect_of("source", "unknown_item",
            "load() gave item 60 in train.history_H; expected numbers of items, 0 .. 59");
  expect_of("encoder", "doubles",
            "encode() gave float64 [60, 16]; expected float32 [60, 16], a vector for every item");
  expect_of("quantizer", "float_codes",
            "encode() gave float32 [320, 3]; expected int64 [320, 3], a row for every item and a "
            "code for each level of sizes()");
  expect_of("quantizer", "overwriting_fit",
            "fit() wrote into the vectors it is given; expected to find them as they were");
  expect_of("quantizer", "declared_twice",
            "option 'levels' is declared twice; every option needs a name of its own");
  expect_of(
      "initializer", "row_missing",
      "rows() gave float32 [11, 16]; expected float32 [12, 16], input_ED: a row for every SID "
      "token");
  expect_of("task", "negative_size",
            "size() gave -1 for the train split; expected 0 examples or more");
  expect_of("reward", "not_a_number",
            "score() gave NaN in row 0 of float32 [6, 8]; expected finite values, a row for every "
            "prompt and a score for each of its completions");
  expect_of("recommender", "one_item_twice",
            "rank() gave the item 0 twice in row 1; expected distinct items");
  expect_of("metric", "nan_number",
            "measure() gave nan as 'luck'; expected a finite number, also for no rows");
}

}  // namespace
}  // namespace tsrec::test
