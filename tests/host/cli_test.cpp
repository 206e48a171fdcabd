#include <nlohmann/json.hpp>

#include "cli_support.hpp"
#include "support/cuda.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/product.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {
namespace {

TEST(Cli, ExitCodesAndSentences) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const auto expect = [&](const std::string& arguments, int code, const std::string& sentence) {
    const bool stores = arguments.starts_with("run") || arguments.starts_with("doctor");
    const Outcome outcome = run(arguments + (stores ? where : ""));
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.text;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << arguments << "\n" << outcome.text;
  };
  expect("rnu", 2, "did you mean 'run'?");
  expect("run /nowhere", 2, "there is no experiment '/nowhere'");
  expect("run " + kSmoke + " --set quantizer.cods=3", 2,
         "unknown option 'cods'; did you mean 'codes'?");
  expect("run " + kSmoke + " --set quantizer.use=rq_kmean", 2, "did you mean 'rq_kmeans'?");
  expect("run " + kSmoke + " --set quantizer.codes=500", 4,
         "codes = 500, but there are only 120 items to cluster");
  expect("run " + kSmoke + " --frobnicate", 2, "frobnicate");
  expect("run " + kSmoke + " --set backbone.vocabulary=1", 2, "is outside [257, 1048576]");
  expect("describe quantizer rq_kmeans", 0, "clusters of every level");
  expect("describe trainer sft", 0, "values: 1 .. 1048576");
  expect("describe quantiser rq_kmeans", 2, "did you mean 'quantizer'?");
  expect("doctor", 0, "parts can be used, 0 files cannot");
  if (!host::has_cuda()) {
    expect("run " + kSmoke + " --set run.device=cuda", 2,
           "[run] device = \"cuda\", but " + host::why_no_cuda());
  }
}

TEST(Cli, NamesOfAnOptionAreReadableInTextAndInMarkdown) {
  EXPECT_TRUE(contains(run("describe host").text, "values: beam | exact\n"))
      << run("describe host").text;
  EXPECT_TRUE(contains(run("describe host --markdown").text, "| beam \\| exact |"));
}

// An unknown option, or a value that the part refuses, is no fault of the part.
TEST(Check, RefusesOptionsBeforeItTriesRules) {
  const std::string check =
      "check " + std::string(TSREC_PLUGIN_FOLDER) + "/trainer/sft.so --set sft.";
  const auto expect = [&](const std::string& set, const std::string& sentence) {
    const Outcome outcome = run(check + set);
    EXPECT_EQ(outcome.code, 2) << outcome.text;
    EXPECT_EQ(outcome.text, "tsrec: " + sentence + "\n");
  };
  expect("epocs=1", "trainer 'sft' has no option 'epocs'; did you mean 'epochs'?");
  expect("max_steps=many", "option 'max_steps' is 'many'; expected int");
  const Outcome missing = run("check /nowhere/opq.so");
  EXPECT_EQ(missing.code, 3) << missing.text;
  EXPECT_TRUE(missing.text.starts_with("tsrec: '/nowhere/opq.so' does not exist\n"))
      << missing.text;
}

TEST(Check, OneCauseIsOneBrokenLine) {
  const Outcome outcome =
      run("check " + std::string(TSREC_BAD_PLUGINS) + "/short_help/short_help.so");
  EXPECT_EQ(outcome.code, 3) << outcome.text;
  EXPECT_EQ(occurrences(outcome.text, "  BROKEN   "), 2) << outcome.text;
  EXPECT_EQ(occurrences(outcome.text, "no codebook in /opt/acme"), 1) << outcome.text;
  EXPECT_TRUE(contains(outcome.text,
                       "  BROKEN   every option has a name of its own, help, and a default that it "
                       "accepts\n           the help of option 'codes' is 'x', which says too "
                       "little; say what it does to the result, in 8 letters at least\n"))
      << outcome.text;
  EXPECT_TRUE(contains(outcome.text,
                       "  BROKEN   it can be made twice and destroyed\n           throws: no "
                       "codebook in /opt/acme\n           and so "))
      << outcome.text;
  const std::string others = between(outcome.text, "           and so ", " other rules: ");
  const std::string broken = between(outcome.text, " rules kept, ", " broken, ");
  EXPECT_EQ(std::stoi(broken), std::stoi(others) + 2) << outcome.text;
}

std::string bad_plugin(const std::string& name) {
  return std::string(TSREC_BAD_PLUGINS) + "/" + name + "/" + name + ".so";
}

// The verdicts on one part of a plugin.
std::string verdicts_on(const std::string& part, const Outcome& outcome) {
  return between(outcome.text, "quantizer " + part + " (", " rules kept,");
}

// Enough for every rule of a toy on a busy machine.
const std::string kFiveSeconds = " --seconds 5";

TEST(Check, AnEndlessCallAndAThreadLeftBehindAreVerdicts) {
  const Outcome outcome = run("check " + bad_plugin("endless") + kFiveSeconds);
  EXPECT_EQ(outcome.code, 3) << outcome.text;
  const std::string verdicts = verdicts_on("never_fits", outcome);
  EXPECT_TRUE(contains(
      verdicts,
      "\n           quantizer 'never_fits' is still in fit(), 5 seconds after the rule began: does "
      "it wait for something, or loop? --seconds gives every rule more time\n"))
      << outcome.text;
  // Those behind it would wait as long for the same.
  EXPECT_TRUE(contains(outcome.text, " rules kept, 1 broken, 0 skipped, "));
  EXPECT_TRUE(contains(outcome.text, " not tried behind the one that took too long\n"));
  EXPECT_TRUE(contains(verdicts_on("leaves_a_thread", outcome),
                       "\n           it leaves a thread running behind it; a part joins its "
                       "threads in its destructor at the latest\n"))
      << outcome.text;
}

TEST(Check, SecondsAreAWholeNumberFromOneOn) {
  for (const char* seconds : {"0", "-3", "2000000"}) {
    const Outcome refused = run("check x.so --seconds=" + std::string(seconds));
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.text,
              "tsrec: --seconds is " + std::string(seconds) + "; expected 1 .. 1000000\n");
  }
}

TEST(Check, APartThatEndsTheProcessIsNamedWithItsMethod) {
  const Outcome ends = run("check " + bad_plugin("ending_quantizers") + kFiveSeconds);
  EXPECT_EQ(ends.code, 3) << ends.text;
  const std::string who =
      "\n           quantizer 'exits' ended the process in its constructor, by ";
  EXPECT_TRUE(contains(ends.text, who + "calling exit(); a part that cannot go on throws\n"))
      << ends.text;
  EXPECT_TRUE(
      contains(ends.text,
               "\n           quantizer 'overflows' ended the process in its constructor, by "
               "signal 11 (Segmentation fault)\n"))
      << ends.text;
  EXPECT_TRUE(contains(ends.text,
                       "\n           quantizer 'waits_forever' is still in its constructor, 5 "
                       "seconds after the rule began"))
      << ends.text;
  const Outcome crashes = run("check " + bad_plugin("faulty_quantizers"));
  EXPECT_TRUE(contains(verdicts_on("crashes", crashes),
                       "\n           quantizer 'crashes' ended the process in fit(), by signal 11 "
                       "(Segmentation fault)\n"))
      << crashes.text;
}

TEST(Cli, EachCommandTakesItsOwnFlags) {
  const auto refused = [&](const std::string& arguments, const std::string& sentence) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments << "\n" << outcome.text;
    EXPECT_EQ(std::count(outcome.text.begin(), outcome.text.end(), '\n'), 1) << outcome.text;
    EXPECT_TRUE(contains(outcome.text, sentence)) << arguments << "\n" << outcome.text;
  };
  refused("list --top 3",
          "'list' takes no --top (recommend does); its flags are --plugins, --experiment, "
          "--markdown\n");
  refused("--top 3 list", "'list' takes no --top");
  refused("list --top=3", "'list' takes no --top");
  refused("list --markdwon", "--markdown; did you mean '--markdown'?");
  refused("completion bash --store x", "'completion' takes no --store");
  refused("completion bash --store x", "; it has no flags");
  refused("run x -q", "'run' takes no -q; its flags are --set, --with,");
  refused("run x --set", "is missing an argument; tsrec help COMMAND lists its flags");
  refused("run x --version", "'run' takes no --version; its flags are --set, --with,");
  refused("doctor now", "doctor takes no arguments");
  refused("plan " + kSmoke + " --with nowhere.toml",
          "--with nowhere.toml: there is no file 'nowhere.toml'; name a .toml file");
  refused("--frobnicate", "there is no flag --frobnicate without a command before it");
  refused("plan x --store ''", "--store needs a folder, and its name is empty");
  refused("verify --store nowhere", "there is no store 'nowhere'");
  refused("gc --store nowhere", "there is no store 'nowhere'");
  refused("import-run nowhere.tar", "there is no file 'nowhere.tar'; name one that");
  refused("describe quantizer rq_kmeans --toml --markdown", "takes --toml or --markdown");
  EXPECT_FALSE(std::filesystem::exists("nowhere")) << "a store is not made by being asked about";
  refused("recommend x --top many", "--top needs a whole number, not 'many'");
  refused("recommend x --top 3x", "--top needs a whole number, not '3x'");
  // Every flag that a command names is one that it takes: the refusals below are of other things.
  EXPECT_TRUE(
      contains(run("list nonsense --markdown --plugins x --experiment y").text, "nonsense"));
}

TEST(Cli, VersionSaysWhichTsrecAndWhatItsPluginsAreBuiltWith) {
  const Outcome version = run("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.text, between(run("doctor").text, "", "\n") +
                              c10::str("\nLibTorch ", TORCH_VERSION, "\nplugins are built with ",
                                       TSREC_FACTS, "\n"));
  EXPECT_TRUE(version.text.starts_with("tsrec 0.")) << version.text;
  EXPECT_TRUE(contains(run("--help").text, "tsrec --version"));
}

// The user's choice of how threads wait is left alone.
TEST(Cli, DoctorSaysHowThreadsWait) {
  const auto policy = [](const std::string& before) {
    return between(run("doctor", "unset OMP_WAIT_POLICY GOMP_SPINCOUNT; " + before).text,
                   "\n  threads wait: ", "\n");
  };
  EXPECT_EQ(policy(""), "GOMP_SPINCOUNT=10000");
  EXPECT_EQ(policy("OMP_WAIT_POLICY=passive "), "OMP_WAIT_POLICY=passive");
  EXPECT_EQ(policy("GOMP_SPINCOUNT=7 "), "GOMP_SPINCOUNT=7");
}

TEST(Cli, DoctorSaysWhoComputesProducts) {
  const auto products = [](const std::string& before) {
    return between(run("doctor", "unset TSREC_PRODUCTS; " + before).text,
                   "\n  float32 products: ", "\n");
  };
  EXPECT_EQ(products(""), shown_name(best_product_library(this_processor())));
  EXPECT_EQ(products("TSREC_PRODUCTS=mkl "), "MKL (TSREC_PRODUCTS=mkl)");
  EXPECT_EQ(products("TSREC_PRODUCTS=onednn "), "oneDNN (TSREC_PRODUCTS=onednn)");
  const Outcome refused = run("plan " + kSmoke, "TSREC_PRODUCTS=fastest ");
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(contains(refused.text,
                       "the environment variable TSREC_PRODUCTS is \"fastest\"; it "
                       "may be \"auto\", \"mkl\" or \"onednn\""))
      << refused.text;
}

TEST(Cli, HelpIsShortAndACommandsOwnIsWhole) {
  const Outcome help = run("help");
  EXPECT_EQ(help.code, 0);
  EXPECT_LE(std::count(help.text.begin(), help.text.end(), '\n'), 31);
  EXPECT_FALSE(contains(help.text, "--isolate")) << "flags stand with their commands";
  EXPECT_FALSE(contains(help.text, " complete ")) << "the shell calls it";
  EXPECT_EQ(run("--help").text, help.text);
  EXPECT_EQ(run("").text, help.text);
  EXPECT_EQ(run("").code, 2);
  for (const char* arguments : {"help run", "run --help", "run -h", "run x --help --check"}) {
    const Outcome own = run(arguments);
    EXPECT_EQ(own.code, 0) << arguments;
    EXPECT_EQ(own.text, run("help run").text) << arguments;
  }
  const std::string own = run("help recommend").text;
  for (const char* part : {"tsrec recommend RUN ITEM... [FLAGS]\n", "\n  --top NUMBER ",
                           "\n  --where COLUMN=TEXT ", "\nExample:  tsrec recommend "}) {
    EXPECT_TRUE(contains(own, part)) << part << "\n" << own;
  }
  EXPECT_FALSE(contains(own, "--isolate")) << own;
  EXPECT_TRUE(contains(run("help check").text, "--set PART.KEY=VALUE"));
  EXPECT_TRUE(contains(run("help rnu").text, "did you mean 'run'?"));
}

TEST(Cli, OneLineRerunsOnlyWhatDependsOnIt) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const Outcome first = run("run " + kSmoke + where);
  ASSERT_EQ(first.code, 0) << first.text;
  EXPECT_EQ(run("plan " + kSmoke + where).text.find("runs:"), std::string::npos);
  const std::string plan = run("plan " + kSmoke + where + " --set initializer.depth=1").text;
  const auto state_of = [&](const std::string& stage) {
    const size_t at = plan.find("\n" + stage + " ");
    return plan.substr(at + 1, plan.find('\n', at + 1) - at - 1);
  };
  EXPECT_NE(state_of("backbone").find("stored"), std::string::npos) << plan;
  EXPECT_NE(state_of("extract").find("stored"), std::string::npos) << plan;
  EXPECT_NE(state_of("extend").find("option depth: 3 -> 1"), std::string::npos) << plan;
  EXPECT_NE(state_of("stage.sft").find("its input extend changes"), std::string::npos) << plan;
  EXPECT_NE(state_of("evaluate.markov").find("stored"), std::string::npos) << plan;
}

TEST(Cli, ThePlanOfAComparisonNamesWhatEveryCellWouldRun) {
  const TempFolder folder;
  folder.write("experiment.toml",
               "[source]\nuse = \"synthetic\"\nitems = 40\nusers = 60\nseed = 3\n"
               "[[recommender]]\nuse = \"markov\"\n"
               "[evaluate]\nmetric = [{ use = \"hr\", k = [1] }]\n"
               "[compare]\nseeds = [1, 2]\n"
               "[compare.axis.decay]\nhalf = { \"recommender.markov.decay\" = 0.5 }\n"
               "tenth = { \"recommender.markov.decay\" = 0.1 }\n");
  const std::string what = folder.path().string() + " --store " + (folder.path() / "s").string();
  const std::string before = run("plan " + what).text;
  EXPECT_TRUE(contains(before, "\nhalf, seed 1   runs: all 4 stages\n")) << before;
  EXPECT_TRUE(contains(before, "4 of 4 have something to run")) << before;
  // As much as the cell alone would: data and audit, which are everybody's, and its own two stages.
  ASSERT_EQ(run("run " + what + " --set recommender.markov.decay=0.5 --set run.seed=1").code, 0);
  const std::string one = run("plan " + what).text;
  EXPECT_TRUE(contains(one, "\n[compare], with --jobs 1:\nhalf, seed 1   stored\n")) << one;
  EXPECT_TRUE(contains(one, "\ntenth, seed 1  runs: recommender.markov, evaluate.markov\n")) << one;
  ASSERT_EQ(run("compare " + what + " --jobs 2").code, 0);
  const std::string all = run("plan " + what + " --jobs 2").text;
  EXPECT_TRUE(contains(all, "0 of 4 have something to run")) << all;
  EXPECT_EQ(run("plan " + what + " --jobs 0").code, 2);
}

// Before anything runs, with the place in the experiment.
TEST(Cli, TasksThatDoNotAnswerWithItemsAreRefusedByThePlan) {
  const TempFolder store;
  const auto expect_refusal = [&](const std::string& set, const std::string& sentence) {
    for (const std::string command : {"plan ", "run "}) {
      const Outcome refused =
          run(c10::str(command, kSmoke, " --store ", store.path().string(), " --set ", set));
      EXPECT_EQ(refused.code, 2) << refused.text;
      EXPECT_TRUE(contains(refused.text, sentence +
                                             " needs tasks that answer with an item, and "
                                             "'next_description' does not; choose others, such as "
                                             "next_item"))
          << refused.text;
      EXPECT_FALSE(std::filesystem::exists(store.path() / "store")) << "a stage ran";
    }
  };
  const std::string stage = kSmoke + "/experiment.toml:50:1: the stage 'grpo'";
  expect_refusal("evaluate.task=next_description", "--set: evaluation");
  expect_refusal("'stage.grpo.tasks=[\"next_description\"]'", stage);
  expect_refusal("'stage.grpo.validate_with=[\"next_item\", \"next_description\"]'", stage);
  EXPECT_EQ(run("plan " + kSmoke + " --store " + store.path().string() +
                " --set 'stage.sft.validate_with=[\"next_description\"]'")
                .code,
            0)
      << "sft learns any answer";
}

TEST(Cli, RecommendsByKeyByTitleAndFromStandardInput) {
  const TempFolder store;
  // The last state of grpo, which is never that of sft.
  const std::string where = " --set 'stage.grpo.select=\"last\"' --store " + store.path().string();
  const Outcome before = run("recommend " + kSmoke + " 3" + where);
  EXPECT_EQ(before.code, 2);
  EXPECT_NE(before.text.find("run the experiment first"), std::string::npos) << before.text;
  ASSERT_EQ(run("run " + kSmoke + where).code, 0);
  const Outcome by_key = run("recommend " + kSmoke + " item-3 item-7 --top 4" + where);
  ASSERT_EQ(by_key.code, 0) << by_key.text;
  // The printed title leads to the same item, and so to the same answer.
  const std::string title = between(by_key.text, "item-3  ", "\n");
  const Outcome by_title = run("recommend " + kSmoke + " \"" + title + "\" item-7 --top 4" + where);
  EXPECT_EQ(by_title.text, by_key.text);
  EXPECT_EQ(std::count(by_key.text.begin(), by_key.text.end(), '\n'), 2 + 1 + 4);

  store.write("histories.jsonl", "[\"item-3\", \"item-7\"]\n\n[\"item-1\"]\n");
  const Outcome lines = run("recommend " + kSmoke + " --json --top 4" + where + " < " +
                            (store.path() / "histories.jsonl").string());
  ASSERT_EQ(lines.code, 0) << lines.text;
  EXPECT_EQ(std::count(lines.text.begin(), lines.text.end(), '\n'), 2);
  const std::string first = between(lines.text, "\"items\":[{\"item\":\"", "\"");
  EXPECT_NE(by_key.text.find("  " + first + "  "), std::string::npos) << lines.text;
  // The model of an earlier stage answers too, and differently.
  EXPECT_NE(run("recommend " + kSmoke + " item-3 item-7 --top 4 --of sft" + where).text,
            by_key.text);

  const auto expect = [&](const std::string& arguments, int code, const std::string& sentence) {
    const Outcome outcome = run("recommend " + kSmoke + " " + arguments + where);
    EXPECT_EQ(outcome.code, code) << outcome.text;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << outcome.text;
  };
  // An allow-list and a column's text: what is recommended is among them, best first as before.
  store.write("keys.txt", "item-9\nitem-4\n\nitem-11\n");
  const std::string keys = (store.path() / "keys.txt").string();
  const Outcome only = run("recommend " + kSmoke + " item-3 item-7 --top 4 --only " + keys + where);
  ASSERT_EQ(only.code, 0) << only.text;
  EXPECT_EQ(std::count(only.text.begin(), only.text.end(), '\n'), 2 + 1 + 3);
  for (const char* key : {"item-9", "item-4", "item-11"})
    EXPECT_NE(only.text.find(std::string("  ") + key + " "), std::string::npos) << only.text;
  const std::string word = title.substr(0, title.find(' '));
  const Outcome some =
      run("recommend " + kSmoke + " item-3 --where \"title=" + word + "\"" + where);
  ASSERT_EQ(some.code, 0) << some.text;
  std::istringstream table(some.text);
  std::string line;
  std::getline(table, line);  // the history
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) EXPECT_NE(line.find(word), std::string::npos) << line;
  store.write("keys.txt", "item-9\nno-such-key\n");

  const auto refuse = [&](const std::string& arguments, int code, const std::string& sentence) {
    const Outcome outcome = run("recommend " + kSmoke + " item-3 " + arguments + where);
    EXPECT_EQ(outcome.code, code) << outcome.text;
    EXPECT_NE(outcome.text.find(sentence), std::string::npos) << outcome.text;
  };
  refuse("--only " + keys, 4, "no item has the key 'no-such-key'");
  refuse("--where colour=red", 2, "with a column of the items (");
  refuse("--where title=qqqqq", 4, "no item is left");

  expect("nothing-like-it", 4, "no item has the key or the title 'nothing-like-it'");
  expect("a", 4, "titles contain 'a'; name one by its key:");
  expect("item-3 --of sff", 2, "did you mean 'sft'?");
  // What changed is said, not only which stage it reached.
  expect("item-3 --set quantizer.codes=9", 2,
         "'resolve' is not in the store (because of 'quantize': option codes: 8 -> 9); run the "
         "experiment first:  tsrec run ");
  expect("item-3 --top 0", 2, "--top must be at least 1");
}

TEST(Cli, ExportsAModelThatOthersRead) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string(),
                    out = (store.path() / "hf").string();
  EXPECT_EQ(run("export " + kSmoke + " " + out + where).code, 2) << "nothing is trained yet";
  EXPECT_FALSE(std::filesystem::exists(out));
  ASSERT_EQ(run("run " + kSmoke + where).code, 0);
  const Outcome exported = run("export " + kSmoke + " " + out + " --of sft" + where);
  ASSERT_EQ(exported.code, 0) << exported.text;
  const nn::LmShape shape = nn::read_hf_config(out);
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.load(out);
  const text::Tokenizer tokenizer = text::Tokenizer::load(out);
  EXPECT_EQ(shape.vocabulary, tokenizer.size());
  const std::string table = io::read_text(std::filesystem::path(out) / "sids.tsv");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 1 + 120);
  const std::string sid = between(table, "\nitem-7\t", "\t");
  EXPECT_EQ(tokenizer.encode(sid).size(), 3u) << sid;
  EXPECT_EQ(run("export " + kSmoke + " " + out + where).code, 2) << "the folder exists";
}

// The paper's Figure 1: rows of SID tokens among those of words, before and after each stage.
TEST(Cli, ShowsWhereTheRowsOfSidTokensLie) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string(),
                    out = (store.path() / "figure").string();
  EXPECT_EQ(run("rows " + kSmoke + where).code, 2) << "nothing is stored yet";
  ASSERT_EQ(run("run " + kSmoke + where).code, 0);
  const Outcome shown = run("rows " + kSmoke + " " + out + where);
  ASSERT_EQ(shown.code, 0) << shown.text;
  const auto lines_with = [](const std::string& text, const std::string& word) {
    std::istringstream lines(text);
    int64_t count = 0;
    for (std::string line; std::getline(lines, line);) count += line.find(word) != line.npos;
    return count;
  };
  for (const std::string model : {"untrained", "sft", "grpo"})
    EXPECT_EQ(lines_with(shown.text, "| " + model), 3) << model << "\n" << shown.text;
  const std::string csv = io::read_text(std::filesystem::path(out) / "rows.csv"),
                    svg = io::read_text(std::filesystem::path(out) / "rows.svg");
  EXPECT_EQ(lines_with(csv, "sft,<"), lines_with(csv, "untrained,<"));
  EXPECT_GT(lines_with(csv, "sft,<"), 3 * 2);
  EXPECT_EQ(lines_with(svg, "<circle"), lines_with(csv, ",") - 1 + 4) << "all points, and a legend";
}

// What the table says of one model, row by row.
std::string column_of(const std::string& text, const std::string& model) {
  const auto cells_of = [](const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '|');) {
      cell.erase(std::remove(cell.begin(), cell.end(), ' '), cell.end());
      cells.push_back(cell);
    }
    return cells;
  };
  std::istringstream lines(between(text, "\n| number ", "\n\n"));
  std::string line, column;
  std::getline(lines, line);
  const std::vector<std::string> names = cells_of(line);
  const auto at = static_cast<size_t>(std::find(names.begin(), names.end(), model) - names.begin());
  std::getline(lines, line);  // dashes
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = cells_of(line);  // the first one is empty
    if (cells.size() > at + 1) column += cells[1] + " " + cells[at + 1] + "\n";
  }
  return column;
}

// The smoke test with another backbone; without its stages the untrained model is ranked.
std::string smoke_with(const std::string& backbone_keys, bool has_stages) {
  const std::string smoke = io::read_text(kSmoke + "/experiment.toml");
  const size_t backbone = smoke.find("[backbone]"), tasks = smoke.find("[[task]]"),
               stage = smoke.find("[[stage]]"), evaluate = smoke.find("[evaluate]");
  std::string experiment =
      smoke.substr(0, backbone) + "[backbone]\nuse = \"pretrained\"\n" + backbone_keys +
      (has_stages
           ? smoke.substr(tasks)
           : smoke.substr(tasks, stage - tasks) + smoke.substr(evaluate) + "untrained = true\n");
  experiment.erase(experiment.find("  \"../../configs/backbone/tiny.toml\",\n"),
                   std::string("  \"../../configs/backbone/tiny.toml\",\n").size());
  for (size_t at = experiment.find("../../"); at != std::string::npos;
       at = experiment.find("../../"))
    experiment.replace(at, 6, "tsrec:");
  return experiment;
}

// Training may begin here and go on elsewhere, and the reverse: SIDs that a checkpoint knows keep
// their rows.
TEST(Cli, AnExportedModelIsTheSameModelInAnotherExperiment) {
  const TempFolder folder;
  const std::string where = " --store " + (folder.path() / "store").string(),
                    out = (folder.path() / "hf").string(), more = " --set stage.grpo.enabled=false";
  const Outcome trained = run("run " + kSmoke + where + more);
  ASSERT_EQ(trained.code, 0) << trained.text;
  ASSERT_EQ(run("export " + kSmoke + " " + out + where + more).code, 0);
  const std::string other =
      folder.write("experiment.toml", smoke_with("path = \"" + out + "\"\n", false)).string();

  const Outcome again = run("run " + other + where);

  ASSERT_EQ(again.code, 0) << again.text;
  const std::string said = "SID tokens are in the checkpoint's vocabulary; their rows are kept";
  EXPECT_TRUE(contains(again.text, "24 of 24 " + said)) << again.text;
  const std::string expected = column_of(trained.text, "sft");
  EXPECT_TRUE(contains(expected, "item.ndcg@10 ")) << trained.text;
  EXPECT_EQ(column_of(again.text, "untrained"), expected) << again.text;
}

// SFT, then GRPO, with adapters; merged, they are the same model.
TEST(Cli, TrainsAdaptersAndExportsThemMergedAndAlone) {
  const TempFolder folder;
  kit::TestContext context;
  kit::ToyBackbone base(context);
  base.prepare(kit::toy_items(), context);
  base.save(folder.path() / "base");
  const std::string where = " --store " + (folder.path() / "store").string(),
                    path = "path = \"" + (folder.path() / "base").string() + "\"\n";
  const std::string adapted =
      folder
          .write("adapted/experiment.toml",
                 smoke_with(path + "lora = { rank = 4, targets = [\"q_proj\", \"down_proj\"] }\n",
                            true))
          .string();
  const Outcome trained = run("run " + adapted + where);
  ASSERT_EQ(trained.code, 0) << trained.text;
  EXPECT_TRUE(contains(trained.text, "adapters of rank 4: ")) << trained.text;
  EXPECT_TRUE(contains(trained.text, "memory: ")) << trained.text;
  const std::string merged = (folder.path() / "merged").string(),
                    alone = (folder.path() / "alone").string();
  ASSERT_EQ(run("export " + adapted + " " + merged + where).code, 0);
  EXPECT_FALSE(std::filesystem::exists(merged + "/adapters.json"));
  const Outcome exported =
      run("export " + adapted + " " + alone + where + " --adapters-of org/base");
  ASSERT_EQ(exported.code, 0) << exported.text;
  EXPECT_TRUE(contains(io::read_text(alone + "/adapter_config.json"), "\"org/base\""));
  EXPECT_TRUE(std::filesystem::exists(alone + "/adapter_model.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(alone + "/sids.tsv"));
  EXPECT_FALSE(std::filesystem::exists(alone + "/model.safetensors"));

  const std::string other =
      folder.write("merged/experiment.toml", smoke_with("path = \"" + merged + "\"\n", false))
          .string();
  const Outcome again = run("run " + other + where);

  ASSERT_EQ(again.code, 0) << again.text;
  const std::string expected = column_of(trained.text, "grpo");
  EXPECT_TRUE(contains(expected, "item.ndcg@10 ")) << trained.text;
  EXPECT_EQ(column_of(again.text, "untrained"), expected) << again.text;
  const Outcome refused = run("export " + other + " " + alone + "2" + where + " --adapters-of x");
  EXPECT_EQ(refused.code, 2) << "it trains nothing";
}

TEST(Cli, ComparesCellsAndSharesTheirCommonStages) {
  const TempFolder folder;
  folder.write("experiment.toml", "include = \"" + kSmoke + "/experiment.toml\"\n" +
                                      "[[stage]]\nuse = \"grpo\"\nenabled = false\n"
                                      "[source]\nseed = 3\n[backbone]\nseed = 3\n"
                                      "[compare]\nseeds = [1, 2]\nagainst = { rows = \"noise\" }\n"
                                      "curves = [\"valid.loss\"]\n"
                                      "[compare.axis.rows]\n"
                                      "noise = { initializer = { use = \"random\" } }\n"
                                      "words = { \"initializer.depth\" = 2 }\n");
  const std::string where = " --store " + (folder.path() / "store").string();
  const Outcome compared = run("compare " + folder.path().string() + where);
  ASSERT_EQ(compared.code, 0) << compared.text;
  for (const char* row : {"| popularity ", "| noise:sft ", "| words:sft ", "| against noise",
                          "| stage.sft valid.loss, step"}) {
    EXPECT_NE(compared.text.find(row), std::string::npos) << row << "\n" << compared.text;
  }
  EXPECT_NE(compared.text.find(" ± "), std::string::npos);
  EXPECT_EQ(occurrences(compared.text, "\nbackbone  ("), 1) << "its seed is pinned";
  EXPECT_EQ(occurrences(compared.text, "\nextend  ("), 4);
  const std::filesystem::path made = between(compared.text, "run folder: ", "\n");
  const std::string curves = io::read_text(made / "curves.csv");
  EXPECT_EQ(std::count(curves.begin(), curves.end(), '\n'), 1 + 4 * 3);
  // The table's mean is the mean of the numbers behind it.
  const std::string csv = io::read_text(made / "results.csv");
  const auto value = [&](const std::string& start) {
    return std::stod(between(csv, "\n" + start + ",sft,item.hr@3,", "\n"));
  };
  std::array<char, 16> mean;
  std::snprintf(mean.data(), mean.size(), "%.4f", (value("words,1") + value("words,2")) / 2);
  EXPECT_NE(between(compared.text, "| words:sft ", "\n").find(mean.data()), std::string::npos);
  EXPECT_EQ(run("compare " + kSmoke + where).code, 2);
}

// What a matrix does once and not for each of its cells, counted: a plugin that cannot be used is
// warned of whenever plugins are opened, and data that all cells have alike are loaded once.
TEST(Cli, AMatrixOpensPluginsAndLoadsDataOnce) {
  const TempFolder folder;
  folder.write("experiment.toml",
               "[run]\nname = \"floors\"\nthreads = 2\n"
               "[source]\nuse = \"synthetic\"\nitems = 40\nusers = 50\nseed = 3\n"
               "[[recommender]]\nuse = \"markov\"\n"
               "[evaluate]\nmetric = [{ use = \"hr\", k = [5] }, { use = \"ndcg\", k = [5] }]\n"
               "[compare]\nseeds = [1, 2, 3]\nagainst = { decay = \"none\" }\n"
               "[compare.axis.decay]\nnone = { \"recommender.markov.decay\" = 0.0 }\n"
               "half = { \"recommender.markov.decay\" = 0.5 }\n");
  const std::string bad = std::string(TSREC_BAD_PLUGINS) + "/no_entry";
  const std::string command = "compare " + folder.path().string() + " --plugins " + bad;
  for (const int64_t jobs : {1, 2}) {
    const std::string store = c10::str(" --store ", (folder.path() / "store").string(), jobs);
    const Outcome outcome = run(c10::str(command, store, " --jobs ", jobs));
    ASSERT_EQ(outcome.code, 0) << outcome.text;
    EXPECT_EQ(occurrences(outcome.text, "recommender.markov  ("), 6) << outcome.text;
    EXPECT_EQ(occurrences(outcome.text, "load  ("), 1) << outcome.text;
    // Here, and in each process of --jobs.
    EXPECT_EQ(occurrences(outcome.text, "/no_entry.so' has no entry"), jobs == 1 ? 1 : 1 + jobs)
        << outcome.text;
  }
}

TEST(Cli, EveryRunSaysWhatItsStagesCost) {
  const TempFolder store;
  for (const std::string isolate : {"", " --isolate"}) {
    // Both run, neither finds the other's.
    const std::string products = isolate.empty() ? "mkl" : "onednn";
    const Outcome outcome = run(c10::str("run ", kSmoke, isolate, " --set run.products=", products,
                                         " --store ", store.path().string()));
    ASSERT_EQ(outcome.code, 0) << outcome.text;
    EXPECT_EQ(contains(outcome.text, "float32 products: oneDNN\n"), products == "onednn");
    EXPECT_TRUE(contains(outcome.text, "| of the roof |")) << outcome.text;
    EXPECT_TRUE(contains(outcome.text, "the roof: ")) << outcome.text;
    const std::filesystem::path made = between(outcome.text, "run folder: ", "\n");
    const auto work = nlohmann::json::parse(io::read_text(made / "work.json"));
    EXPECT_GT(work.at("roof_gflops").get<double>(), 1);
    EXPECT_EQ(work.at("products").get<std::string>(), products);
    for (const char* name : {"stage.sft", "stage.grpo", "evaluate.sft", "backbone"}) {
      const auto& stage = work.at("stages").at(name);
      EXPECT_GT(stage.at("flops").get<int64_t>(), 0) << name;
      EXPECT_GT(stage.at("peak_memory").get<int64_t>(), 50 << 20) << name;
      EXPECT_GT(stage.at("share_of_roof").get<double>(), 0) << name;
      EXPECT_LT(stage.at("share_of_roof").get<double>(), 1) << name;
    }
    // The test users, and the titles that title_to_sid_accuracy asks about.
    EXPECT_EQ(work.at("stages").at("evaluate.grpo").at("rows").get<int64_t>(), 300 + 20);
  }
}

TEST(Cli, CompareRefusesWhatItDoesNotUnderstand) {
  const auto complaint = [](const std::string& compare) {
    const TempFolder folder;
    folder.write("experiment.toml",
                 "include = \"" + kSmoke + "/experiment.toml\"\n[compare]\n" + compare);
    const Outcome outcome = run("plan " + folder.path().string());
    EXPECT_EQ(outcome.code, 2) << outcome.text;
    return outcome.text;
  };
  EXPECT_NE(complaint("seeds = [1]\n").find("needs an axis"), std::string::npos);
  EXPECT_NE(complaint("sedes = [1]\n[compare.axis.a]\nx = {}\n").find("did you mean 'seeds'?"),
            std::string::npos);
  EXPECT_NE(complaint("against = { a = \"y\" }\n[compare.axis.a]\nx = {}\n")
                .find("against must give a label of every axis"),
            std::string::npos);
  EXPECT_NE(complaint("[compare.axis.a]\nx = 3\n").find("must be a table of what it changes"),
            std::string::npos);
}

TEST(Cli, CompareRefusesAShareAndARuleThatCannotBe) {
  for (const char* shard : {"3/2", "0/2", "2", "1/0", "x/2"}) {
    const Outcome refused = run(c10::str("compare ", kSmoke, " --shard ", shard));
    EXPECT_EQ(refused.code, 2) << refused.text;
    EXPECT_NE(refused.text.find("--shard"), std::string::npos) << refused.text;
  }
  const auto complaint = [](const std::string& compare) {
    const TempFolder folder;
    folder.write("experiment.toml", "include = \"" + kSmoke + "/experiment.toml\"\n[compare]\n" +
                                        compare + "[compare.axis.a]\nx = {}\ny = {}\n");
    const Outcome outcome = run("plan " + folder.path().string());
    EXPECT_EQ(outcome.code, 2) << outcome.text;
    return outcome.text;
  };
  const std::string against = "against = { a = \"x\" }\n";
  const auto expect = [&](const std::string& compare, const std::string& sentence) {
    const std::string text = complaint(compare);
    EXPECT_NE(text.find(sentence), std::string::npos) << text;
  };
  expect("stop_when = { number = \"item.hr@10\" }\n", "name the cell that all are compared with");
  expect(against + "stop_when = 3\n", "stop_when is a table");
  expect(against + "stop_when = { margin = 0.1 }\n", "number");
  expect(against + "stop_when = { number = \"a\", min_seeds = 5, max_seeds = 4 }\n",
         "max_seeds = 4 is less than min_seeds = 5");
  expect(against + "seeds = [1, 2]\nstop_when = { number = \"a\", max_seeds = 3 }\n",
         "seeds names 2");
}

// Two cells that are the same are decided at the first look: within any margin.
TEST(Cli, CompareStopsWhenEveryDifferenceIsDecided) {
  const TempFolder folder;
  const auto experiment = [&](const std::string& number) {
    folder.write("experiment.toml",
                 "include = \"" + kSmoke + "/experiment.toml\"\n[[stage]]\nuse = \"sft\"\n" +
                     "max_steps = 3\n[[stage]]\nuse = \"grpo\"\nenabled = false\n" +
                     "[source]\nseed = 3\n[backbone]\nseed = 3\n[compare]\n" +
                     "against = { a = \"x\" }\nstop_when = { number = \"" + number +
                     "\", margin = 0.01, min_seeds = 2, max_seeds = 4 }\n" +
                     "[compare.axis.a]\nx = {}\ny = {}\n");
    return run("compare " + folder.path().string() + " --store " +
               (folder.path() / "store").string());
  };
  const Outcome decided = experiment("item.hr@10");
  ASSERT_EQ(decided.code, 0) << decided.text;
  EXPECT_TRUE(contains(decided.text, "== x, seed 17\n")) << decided.text;
  EXPECT_TRUE(contains(decided.text, "== y, seed 18\n")) << decided.text;
  EXPECT_FALSE(contains(decided.text, ", seed 19\n")) << decided.text;
  EXPECT_TRUE(contains(decided.text, " within the margin ")) << decided.text;
  const Outcome unknown = experiment("item.hr@7");
  EXPECT_EQ(unknown.code, 2) << unknown.text;
  EXPECT_TRUE(contains(unknown.text, "number = \"item.hr@7\" is none that sft")) << unknown.text;
}

// A limit on the size of files stands in for a full disk: writing ends in the same place.
TEST(Cli, AFullDiskIsASentenceAndTheNextRunGoesOn) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  const Outcome full = run("run " + kSmoke + where, "trap '' XFSZ; ulimit -f 60; ");
  EXPECT_EQ(full.code, 4) << full.text;
  EXPECT_NE(full.text.find("free some space and run the same command again"), std::string::npos)
      << full.text;
  EXPECT_NE(full.text.find("not run"), std::string::npos);
  const Outcome again = run("run " + kSmoke + " --check" + where);
  EXPECT_EQ(again.code, 0) << again.text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store.path()))
    EXPECT_NE(entry.path().extension(), ".tmp") << "half-written: " << entry.path();
}

TEST(Cli, PartsSayWhereTheyCameFromAndBrokenFilesAreWarnings) {
  const std::string bad = TSREC_BAD_PLUGINS, faulty = bad + "/faulty_quantizers";
  const std::string mark = "[TSREC_PLUGIN_PATH: " + faulty + "/faulty_quantizers.so]";
  const Outcome by_path =
      run("list quantizer --plugins " + bad + "/no_entry", "TSREC_PLUGIN_PATH=:" + faulty + ": ");
  EXPECT_EQ(by_path.code, 0);
  EXPECT_TRUE(contains(by_path.text,
                       "  throws_in_fit           Breaks a promise on purpose  " + mark + "\n"))
      << by_path.text;
  EXPECT_TRUE(contains(by_path.text, "warning: '" + bad + "/no_entry/no_entry.so' has no entry"))
      << by_path.text;

  const TempFolder folder;
  folder.write("experiment.toml", "include = \"tsrec:experiments/000_smoke/experiment.toml\"\n");
  std::filesystem::create_directory_symlink(faulty, folder.path() / "plugins");
  const std::string beside = " --experiment " + folder.path().string();
  EXPECT_TRUE(contains(run("list" + beside).text, "[beside the experiment: "));
  EXPECT_EQ(run("describe quantizer crashes").code, 2) << "nothing here offers it";
  EXPECT_EQ(run("describe quantizer crashes" + beside).code, 0);
  EXPECT_TRUE(contains(run("plan " + folder.path().string() + " --set quantizer.use=crashes").text,
                       "quantize                  runs: "));

  const Outcome doctor = run("doctor --plugins " + bad + "/duplicate_name --plugins /nowhere");
  EXPECT_EQ(doctor.code, 3);
  EXPECT_TRUE(contains(doctor.text, "  /nowhere  (--plugins, does not exist)\n")) << doctor.text;
  EXPECT_TRUE(contains(doctor.text, "offered twice: quantizer 'rq_kmeans' by ")) << doctor.text;
}

// What describe --toml prints can be pasted as it is, for every kind.
TEST(Cli, PastedBlocksArePlanned) {
  const TempFolder folder;
  std::string blocks = "include = \"tsrec:experiments/000_smoke/experiment.toml\"\n";
  for (const char* part :
       {"quantizer rq_vae", "initializer gaussian", "recommender markov", "task next_title",
        "metric hr", "trainer sft", "trainer grpo", "reward exact_match"}) {
    blocks += run("describe " + std::string(part) + " --toml").text;
  }
  folder.write("experiment.toml", blocks);
  const Outcome plan = run("plan " + folder.path().string());
  EXPECT_EQ(plan.code, 0) << blocks << plan.text;
}

// A model that was trained for other SIDs is refused, not used.
TEST(Cli, AModelOfOtherSidsIsRefused) {
  const TempFolder store;
  const std::string where = " --store " + store.path().string();
  ASSERT_EQ(run("run " + kSmoke + where).code, 0);
  int64_t changed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store.path() / "store")) {
    if (entry.path().filename() != "key.txt") continue;
    if (io::read_text(entry.path()).find("\nstage extend\n") == std::string::npos) continue;
    const std::filesystem::path file = entry.path().parent_path() / "values.json";
    std::string text = io::read_text(file);
    const size_t at = text.find("fingerprint");
    ASSERT_NE(at, std::string::npos);
    for (size_t i = text.find(':', at); i < text.size(); ++i) {
      if (std::isxdigit(static_cast<unsigned char>(text[i])) != 0) {
        text[i] = text[i] == '0' ? '1' : '0';
        ++changed;
        break;
      }
    }
    io::write_text(file, text);
  }
  ASSERT_EQ(changed, 1);
  const Outcome outcome = run("run " + kSmoke + " --set stage.sft.max_steps=5" + where);
  EXPECT_EQ(outcome.code, 4);
  EXPECT_NE(outcome.text.find("was trained for other SIDs"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("train it again for these"), std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
