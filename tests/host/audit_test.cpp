// The audit: for every rule data that break it, counts against brute force, and what follows.
#include <random>

#include "cli_support.hpp"
#include "pipeline/audit_prompts.hpp"
#include "pipeline/audit_rows.hpp"
#include "report/audit_report.hpp"

namespace tsrec::test {
namespace {

using host::AuditFinding;
using Counts = std::map<std::string, int64_t>;
using Ids = std::vector<int64_t>;

// The rules that found something.
Counts found_in(const std::vector<AuditFinding>& findings) {
  Counts counts;
  for (const AuditFinding& finding : findings) {
    EXPECT_LE(finding.count, finding.of) << finding.rule->name;
    EXPECT_EQ(finding.count > 0, !finding.examples.empty()) << finding.rule->name;
    if (finding.count > 0) counts[finding.rule->name] = finding.count;
  }
  return counts;
}

struct Row {
  int64_t user;
  Ids history;
  int64_t target, time;
};

// Rows of three splits; clean() has nothing that any rule counts.
struct Rows {
  std::vector<Row> train, valid, test;
  std::vector<std::string> titles = {"bolt", "nut", "nail", "screw"};

  static Rows clean() {
    return {.train = {{0, {0}, 1, 1}, {0, {0, 1}, 2, 2}, {1, {3}, 0, 3}},
            .valid = {{2, {0}, 3, 4}},
            .test = {{3, {1}, 2, 10}, {4, {2}, 0, 11}}};
  }
  Dataset data() const {
    Dataset data;
    std::vector<std::string> keys;
    for (size_t i = 0; i < titles.size(); ++i) keys.push_back(c10::str("item-", i));
    data.items = Items(keys);
    data.items.set("title", titles);
    const auto built = [](const std::vector<Row>& rows) {
      SamplesBuilder builder;
      for (const Row& row : rows) builder.add(row.user, row.history, row.target, row.time);
      return builder.build();
    };
    data.train = built(train);
    data.valid = built(valid);
    data.test = built(test);
    return data;
  }
  Counts found() const { return found_in(host::audit_rows(data())); }
};

TEST(AuditRows, NothingIsFoundInCleanRows) { EXPECT_EQ(Rows::clean().found(), Counts()); }

TEST(AuditRows, EachRuleFindsWhatBreaksIt) {
  Rows rows = Rows::clean();
  rows.train.push_back({3, {2}, 3, 12});  // of a test user, and late: so it is of a later era too
  EXPECT_EQ(rows.found(), Counts({{"late_rows", 1}, {"mixed_eras", 1}, {"shared_users", 1}}));
  rows = Rows::clean();
  rows.train.push_back({1, {2}, 3, 12});
  EXPECT_EQ(rows.found(), Counts({{"mixed_eras", 1}}));
  rows = Rows::clean();
  rows.train.push_back({1, {2}, 3, 10});
  EXPECT_EQ(rows.found(), Counts({{"boundary_ties", 1}}));
  rows = Rows::clean();
  rows.valid.push_back({3, {1}, 2, 10});  // the very test row, whose time is the boundary
  EXPECT_EQ(rows.found(), Counts({{"test_rows", 1}, {"boundary_ties", 1}, {"same_time", 1}}));
  rows = Rows::clean();
  rows.test.push_back({4, {2, 0}, 1, 11});
  EXPECT_EQ(rows.found(), Counts({{"same_time", 2}}));
  rows = Rows::clean();
  rows.train.push_back(rows.train[1]);
  EXPECT_EQ(rows.found(), Counts({{"duplicate_rows", 1}}));
  rows = Rows::clean();
  rows.train.push_back({1, {1}, 2, 4});
  EXPECT_EQ(rows.found(), Counts({{"test_pairs", 1}}));
  rows = Rows::clean();
  rows.test[0].history = {1, 2};
  EXPECT_EQ(rows.found(), Counts({{"repeats", 1}}));
  rows = Rows::clean();
  rows.titles.emplace_back("saw");
  rows.test[1].target = 4;
  EXPECT_EQ(rows.found(), Counts({{"unseen_targets", 1}}));
  rows = Rows::clean();
  rows.test[0].user = 0;
  EXPECT_EQ(rows.found(), Counts({{"shared_users", 1}}));
  rows = Rows::clean();
  rows.titles = {"bolt", "nail", "nail", ""};  // one without a text is like no other
  EXPECT_EQ(rows.found(), Counts({{"duplicate_items", 2}, {"duplicate_titles", 2}}));
  Dataset other_text = rows.data();
  other_text.items.set("description", {"", "long", "short", ""});
  EXPECT_EQ(found_in(host::audit_rows(other_text)), Counts({{"duplicate_titles", 2}}));
}

TEST(AuditRows, ARepeatAtOneTimeIsNoLeak) {
  Rows rows = Rows::clean();
  rows.train.push_back({5, {2}, 2, 9});
  rows.test = {{5, {2}, 2, 9}};
  const Counts found = rows.found();
  EXPECT_FALSE(found.contains("test_rows")) << "a user may take one item again and again";
  EXPECT_EQ(found.at("test_pairs"), 1);
}

TEST(AuditRows, SidsCollideByItemAndByTraffic) {
  const Dataset data = Rows::clean().data();
  const SidTable apart{torch::tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), {2, 2}};
  EXPECT_EQ(found_in(host::audit_sids(data, apart)), Counts());
  const SidTable shared{torch::tensor({{0, 0}, {0, 1}, {0, 0}, {0, 0}}), {2, 2}};
  EXPECT_EQ(found_in(host::audit_sids(data, shared)),
            Counts({{"collided_items", 3}, {"collided_targets", 2}}));
  const SidTable off_the_road{torch::tensor({{0, 0}, {0, 1}, {1, 0}, {0, 1}}), {2, 2}};
  EXPECT_EQ(found_in(host::audit_sids(data, off_the_road)), Counts({{"collided_items", 2}}));
}

TEST(AuditRows, NoRowsAreNoFindings) {
  Rows rows;
  EXPECT_EQ(rows.found(), Counts());
}

// --- against brute force

std::vector<Row> random_rows(std::mt19937& random, int64_t count) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random()) % n; };
  std::vector<Row> rows;
  for (int64_t i = 0; i < count; ++i) {
    Row row{below(3), {}, below(3), below(3)};
    for (int64_t n = 1 + below(2); n > 0; --n) row.history.push_back(below(4));
    rows.push_back(row);
  }
  return rows;
}

bool same_pair(const Row& a, const Row& b) {
  return a.history == b.history && a.target == b.target;
}
bool same_row(const Row& a, const Row& b) {
  return same_pair(a, b) && a.user == b.user && a.time == b.time;
}
bool is_repeat(const Row& row) {
  return std::count(row.history.begin(), row.history.end(), row.target) > 0;
}

TEST(AuditRows, CountsAreThoseOfBruteForce) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 30; ++round) {
    Rows rows;
    rows.train = random_rows(random, 40);
    rows.valid = random_rows(random, 8);
    rows.test = random_rows(random, 12);
    rows.titles.clear();
    for (int i = 0; i < 9; ++i)
      rows.titles.push_back(std::vector<std::string>{"", "a", "b", "c", "d"}[random() % 5]);
    Counts expected;
    const auto count = [&](const char* rule, const std::vector<Row>& in, const auto& counts) {
      if (const auto number = std::count_if(in.begin(), in.end(), counts)) expected[rule] += number;
    };
    const auto any = [](const std::vector<Row>& in, const auto& holds) {
      return std::any_of(in.begin(), in.end(), holds);
    };
    int64_t first = 1000;
    for (const Row& row : rows.test) first = std::min(first, row.time);
    count("late_rows", rows.train, [&](const Row& row) {
      return any(rows.test, [&](const Row& t) { return t.user == row.user && t.time < row.time; });
    });
    count("mixed_eras", rows.train, [&](const Row& row) { return row.time > first; });
    for (const auto* split : {&rows.train, &rows.valid})
      count("boundary_ties", *split, [&](const Row& row) { return row.time == first; });
    count("same_time", rows.test, [&](const Row& row) {
      int64_t others = 0;
      for (const auto* split : {&rows.train, &rows.valid, &rows.test})
        others += std::count_if(split->begin(), split->end(), [&](const Row& other) {
          return other.user == row.user && other.time == row.time;
        });
      return others > 1;
    });
    for (const auto* split : {&rows.train, &rows.valid, &rows.test}) {
      for (size_t i = 0; i < split->size(); ++i) {
        const std::vector<Row> before(split->begin(), split->begin() + static_cast<int64_t>(i));
        expected["duplicate_rows"] +=
            any(before, [&](const Row& row) { return same_row(row, (*split)[i]); });
      }
    }
    count("test_rows", rows.test, [&](const Row& row) {
      const auto same = [&](const Row& other) { return same_row(row, other); };
      return !is_repeat(row) && (any(rows.train, same) || any(rows.valid, same));
    });
    count("test_pairs", rows.test, [&](const Row& row) {
      return any(rows.train, [&](const Row& other) { return same_pair(row, other); });
    });
    count("repeats", rows.test, is_repeat);
    count("unseen_targets", rows.test, [&](const Row& row) {
      return !any(rows.train, [&](const Row& other) {
        return other.target == row.target ||
               std::count(other.history.begin(), other.history.end(), row.target) > 0;
      });
    });
    std::set<int64_t> shared;
    for (const Row& row : rows.test) {
      if (any(rows.train, [&](const Row& other) { return other.user == row.user; }))
        shared.insert(row.user);
    }
    expected["shared_users"] = std::ssize(shared);
    for (const std::string& title : rows.titles) {
      if (title.empty() || std::count(rows.titles.begin(), rows.titles.end(), title) < 2) continue;
      ++expected["duplicate_titles"];
      ++expected["duplicate_items"];
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(rows.found(), expected);
  }
}

// --- prompts

// One row for each of so many questions, as a test writes them.
class Written final : public Task {
 public:
  std::map<Split, std::vector<Example>> rows;
  void prepare(const TaskInputs&, Context&) override {}
  int64_t size(Split split) const override {
    return rows.contains(split) ? std::ssize(rows.at(split)) : 0;
  }
  Example at(Split split, int64_t index, uint64_t) const override {
    return rows.at(split)[static_cast<size_t>(index)];
  }
  std::string form() const override { return "asked"; }
  bool answers_with_item() const override { return true; }
};

struct Prompts {
  std::string frame = "{input}\n### Response:\n";
  std::shared_ptr<Written> task = std::make_shared<Written>();
  Dataset data;
  SidTable sids;

  Prompts() {
    Rows rows = Rows::clean();
    rows.titles.clear();
    for (int i = 0; i < 16; ++i) rows.titles.push_back(c10::str("title ", i));
    rows.train.clear();
    for (int64_t i = 0; i < 12; ++i) rows.train.push_back({i, {(i + 3) % 16}, i, i});
    data = rows.data();
    const torch::Tensor item_N = torch::arange(16);
    sids = {torch::stack({item_N.div(4, "floor"), item_N.remainder(4)}, 1).contiguous(), {4, 4}};
    for (int64_t i = 0; i < 12; ++i) ask(Split::train, c10::str("which is number ", i), i);
  }
  // more: behind the question.
  void ask(Split split, const std::string& question, int64_t answer,
           std::vector<Piece> more = {Piece::text("")}) {
    Example example;
    example.form = "asked";
    example.slots = {{"question", {Piece::text(question)}},
                     {"more", std::move(more)},
                     {"answer", {Piece::sid(answer)}}};
    task->rows[split].push_back(example);
  }
  std::vector<AuditFinding> findings(int64_t most_rows = 1000) const {
    PromptWording wording;
    wording.frame = frame;
    wording.begin = "<no such token>";  // that of the model, which is not asked
    wording.forms["asked"] = {{"input", "{question}{more}"}, {"target", "{answer}\n{eos}"}};
    return host::audit_prompts({{"asked", task, task}}, wording, data, sids, most_rows);
  }
  Counts found() const { return found_in(findings()); }
};

TEST(AuditPrompts, NothingIsFoundInCleanOnes) {
  Prompts prompts;
  prompts.ask(Split::test, "which is number 13", 13);
  EXPECT_EQ(prompts.found(), Counts());
}

TEST(AuditPrompts, AnAnswerAnywhereIsANote) {
  Prompts prompts;
  prompts.ask(Split::train, "which is ", 5, {Piece::sid(5)});
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 1}}));
  prompts.task->rows[Split::train].back().slots["more"] = {Piece::sid(6)};
  EXPECT_EQ(prompts.found(), Counts()) << "one token of two is no answer";
}

TEST(AuditPrompts, AnAnswerBehindTheMarkerIsWrong) {
  Prompts prompts;
  prompts.ask(Split::train, "which is ", 5, {Piece::text("\n### Response:\n"), Piece::sid(5)});
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 1}, {"answer_behind_marker", 1}}));
  prompts.frame = "{input}";  // there is no marker to stand behind
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 1}}));
}

TEST(AuditPrompts, ATaskThatShowsAllItsAnswersIsWrong) {
  Prompts prompts;
  std::vector<Example>& rows = prompts.task->rows[Split::train];
  for (int64_t i = 0; i < 12; ++i) rows[static_cast<size_t>(i)].slots["more"] = {Piece::sid(i)};
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 12}, {"copied_answers", 1}}));
  rows[7].slots["more"] = {Piece::text("")};
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 11}}));
}

// What a user took again stands in his history of right.
TEST(AuditPrompts, ARepeatedTargetIsNoLeak) {
  Prompts prompts;
  SamplesBuilder builder;
  std::vector<Example>& rows = prompts.task->rows[Split::train];
  for (int64_t i = 0; i < 12; ++i) {
    builder.add(i, Ids{i}, i, i);
    rows[static_cast<size_t>(i)].sample = i;
    rows[static_cast<size_t>(i)].slots["more"] = {Piece::text("\n### Response:\n"), Piece::sid(i)};
  }
  prompts.data.train = builder.build();
  EXPECT_EQ(prompts.found(), Counts({{"answer_in_prompt", 12}}));
}

TEST(AuditPrompts, ATestPairThatWasTrainedIsNoted) {
  Prompts prompts;
  prompts.ask(Split::test, "which is number 3", 3);
  prompts.ask(Split::test, "which is number 3", 4);
  prompts.ask(Split::test, "which is number 4", 3);
  EXPECT_EQ(prompts.found(), Counts({{"test_prompts", 1}}));
}

TEST(AuditPrompts, OfManyRowsSomeAreLookedAtAndTheCountSaysSo) {
  Prompts prompts;
  for (const AuditFinding& finding : prompts.findings(/*most_rows=*/5)) {
    EXPECT_EQ(finding.of, std::string(finding.rule->name) == "copied_answers" ? 1
                          : std::string(finding.rule->name) == "test_prompts" ? 0
                                                                              : 5)
        << finding.rule->name;
  }
}

// --- what follows

TEST(Audit, VerdictsAndWhatEndsARun) {
  Rows rows = Rows::clean();
  rows.test[0].history = {1, 2};
  rows.train.push_back({3, {2}, 3, 12});
  const std::vector<AuditFinding> findings = host::audit_rows(rows.data());
  const auto verdict = [&](const std::string& rule, const std::vector<std::string>& fail_on) {
    for (const AuditFinding& finding : findings) {
      if (finding.rule->name == rule) return host::verdict_of(finding, fail_on);
    }
    throw Error("no such rule");
  };
  EXPECT_EQ(verdict("repeats", {}), host::AuditVerdict::note);
  EXPECT_EQ(verdict("repeats", {"repeats"}), host::AuditVerdict::fail);
  EXPECT_EQ(verdict("late_rows", {}), host::AuditVerdict::fail);
  EXPECT_EQ(verdict("duplicate_rows", {"duplicate_rows"}), host::AuditVerdict::pass);
  host::refuse_findings(findings, {});
  host::refuse_findings(findings, {"duplicate_rows"});
  const std::string sentence = message_of<DataError>([&] {
    host::refuse_findings(findings, {"late_rows", "repeats"});
  });
  EXPECT_TRUE(contains(sentence,
                       "late_rows: 1 of 4: training rows later than their user's first test row, "
                       "such as train row 3 (user 3, target 'item-3'); "))
      << sentence;
  EXPECT_TRUE(contains(sentence, "\nrepeats: 1 of 2: ")) << sentence;
  EXPECT_TRUE(contains(sentence, "or leave 'repeats' out of [audit] fail_on")) << sentence;

  const host::AuditReport report = host::audit_report(findings, {"repeats"});
  EXPECT_TRUE(contains(host::audit_line(report), "; note: ")) << host::audit_line(report);
  EXPECT_TRUE(contains(host::audit_line(report), "FAIL: late_rows: 1 of 4 training rows"))
      << host::audit_line(report);
  EXPECT_TRUE(contains(host::audit_table(report), "| repeats ")) << host::audit_table(report);

  const TempFolder folder;
  ArtifactWriter out(folder.path() / "audit");
  host::write_audit(findings, out);
  out.close();
  const std::vector<AuditFinding> read = host::read_audit(folder.path() / "audit");
  ASSERT_EQ(read.size(), findings.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].rule, findings[i].rule);
    EXPECT_EQ(read[i].count, findings[i].count);
    EXPECT_EQ(read[i].of, findings[i].of);
    EXPECT_EQ(read[i].examples, findings[i].examples);
  }
}

TEST(Audit, ARunIsEndedBeforeItsTrainingAndLeavesOtherKeysAlone) {
  const TempFolder store;
  const std::string floors = kSmoke + " --store " + store.path().string() +
                             " --set stage.sft.enabled=false --set stage.grpo.enabled=false";
  const Outcome ended = run("run " + floors + " --set audit.fail_on='[\"shared_users\"]'");
  EXPECT_EQ(ended.code, 4) << ended.text;
  EXPECT_TRUE(contains(ended.text, "\naudit failed: shared_users: 243 of 300: ")) << ended.text;
  EXPECT_FALSE(contains(ended.text, "recommender.markov  (")) << "it is not fitted\n" << ended.text;
  const Outcome fine = run("run " + floors);
  EXPECT_EQ(fine.code, 0) << fine.text;
  EXPECT_TRUE(contains(fine.text, "\naudit: ")) << fine.text;
  // What is stored is looked at as well, also where nothing else has to be made.
  const Outcome again = run("run " + floors + " --set audit.fail_on='[\"shared_users\"]'");
  EXPECT_EQ(again.code, 4) << again.text;
  EXPECT_FALSE(contains(run("plan " + floors + " --set audit.fail_on='[]'").text, "runs:"));
  const Outcome unknown = run("plan " + floors + " --set audit.fail_on='[\"late_row\"]'");
  EXPECT_EQ(unknown.code, 2) << unknown.text;
  EXPECT_TRUE(contains(unknown.text, "no rule 'late_row'; did you mean 'late_rows'?"))
      << unknown.text;
}

// Counts of the published files; skipped where they are absent.
TEST(Audit, RealDataHaveTheKnownCounts) {
  if (shared_data().empty()) GTEST_SKIP() << "no shared data";
  const TempFolder store;
  const std::string at = shared_data().string();
  const std::string where = "TSREC_INDUSTRIAL='" + at +
                            "/minionerec-industrial' TSREC_SCIENTIFIC='" + at + "/scientific' ";
  const auto table = [&](const std::string& experiment) {
    const Outcome outcome = run("data " + std::string(TSREC_SOURCE_FOLDER) + "/experiments/" +
                                    experiment + " --store " + store.path().string(),
                                where);
    EXPECT_EQ(outcome.code, 0) << outcome.text;
    return outcome.text;
  };
  const auto found = [](const std::string& text, const std::string& rule) {
    const std::string row = between(text, "| " + rule + " ", "\n");
    std::istringstream in(row.substr(row.find('|') + 1));
    std::string verdict, bar;
    int64_t count = -1;
    in >> verdict >> bar >> count;
    return count;
  };
  const std::string industrial = table("003_init_depth");
  EXPECT_EQ(found(industrial, "late_rows"), 0) << industrial;
  EXPECT_EQ(found(industrial, "duplicate_titles"), 55);
  EXPECT_EQ(found(industrial, "collided_items"), 31);
  EXPECT_EQ(found(industrial, "collided_targets"), 317);
  const std::string scientific = table("002_scientific");
  EXPECT_EQ(found(scientific, "repeats"), 0) << scientific;
  EXPECT_EQ(found(scientific, "late_rows"), 0);
  EXPECT_EQ(found(scientific, "shared_users"), 8317);
}

}  // namespace
}  // namespace tsrec::test
