#include "commands/flags.hpp"

#include <charconv>

#include "commands/open.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {
namespace {

using Text = const std::string&;

int64_t whole_number(const char* flag, Text text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || at != end)
    throw ConfigError("--", flag, " needs a whole number, not '", text, "'");
  return number;
}

double amount(const char* flag, Text text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || at != end || !(number >= 0))
    throw ConfigError("--", flag, " needs a number, 0 or more, not '", text, "'");
  return number;
}

void add_set(Arguments& a, Text v) { a.set.push_back(v); }

}  // namespace

namespace flags {

const Flag kSet{"set", "KEY=VALUE", "such as stage.sft.epochs=1; may be repeated", add_set};
const Flag kSetOfPart{"set", "PART.KEY=VALUE", "such as rq_kmeans.codes=8; may be repeated",
                      add_set};
const Flag kWith{"with", "FILE", "another TOML file on top; may be repeated",
                 [](Arguments& a, Text v) { a.with.emplace_back(v); }};
const Flag kPlugins{"plugins", "DIR", "a folder of plugins; may be repeated",
                    [](Arguments& a, Text v) { a.plugins.emplace_back(v); }};
const Flag kStore{"store", "DIR", "where results are kept (default $TSREC_STORE or .tsrec)",
                  [](Arguments& a, Text v) {
                    if (v.empty())
                      throw ConfigError("--store needs a folder, and its name is empty");
                    a.store = v;
                  }};
const Flag kCheck{"check", "", "compare with expected.toml beside the experiment",
                  [](Arguments& a, Text) { a.check = true; }};
const Flag kIsolate{"isolate", "", "every stage in a process of its own; a crash is a failed stage",
                    [](Arguments& a, Text) { a.isolate = true; }};
const Flag kOrigins{"origins", "", "every value with its origin",
                    [](Arguments& a, Text) { a.origins = true; }};
const Flag kOf{"of", "STAGE", "the stage whose model it is (default: the last)",
               [](Arguments& a, Text v) { a.of = v; }};
const Flag kTop{"top", "NUMBER", "how many items (default 10)",
                [](Arguments& a, Text v) { a.top = whole_number("top", v); }};
const Flag kAdaptersOf{"adapters-of", "MODEL",
                       "the adapters alone, for peft; MODEL: the checkpoint that was adapted",
                       [](Arguments& a, Text v) { a.adapters_of = v; }};
const Flag kSeconds{"seconds", "NUMBER", "a rule that takes longer is broken (default 60)",
                    [](Arguments& a, Text v) { a.seconds = whole_number("seconds", v); }};
const Flag kOnly{"only", "FILE", "item keys, one a line; nothing else is recommended",
                 [](Arguments& a, Text v) { a.only = v; }};
const Flag kWhere{"where", "COLUMN=TEXT",
                  "only items with that text in that column; may be repeated",
                  [](Arguments& a, Text v) { a.where.push_back(v); }};
const Flag kJson{"json", "",
                 "one JSON line an answer; without items, histories come from standard input",
                 [](Arguments& a, Text) { a.json = true; }};
const Flag kExperiment{"experiment", "EXPERIMENT", "also the plugins beside this experiment",
                       [](Arguments& a, Text v) { a.experiment = folder_of(v); }};
const Flag kMarkdown{"markdown", "", "a table for a README",
                     [](Arguments& a, Text) { a.markdown = true; }};
const Flag kToml{"toml", "", "a block to paste", [](Arguments& a, Text) { a.toml = true; }};
const Flag kJobs{"jobs", "NUMBER",
                 "so many processes side by side, which share the threads (default 1)",
                 [](Arguments& a, Text v) {
                   a.jobs = whole_number("jobs", v);
                   if (a.jobs < 1 || a.jobs > 1024)
                     throw ConfigError("--jobs takes a whole number from 1 to 1024, not ", v);
                 }};
const Flag kShard{"shard", "I/N",
                  "only share I of N of the cells; other workers on the store do the others",
                  [](Arguments& a, Text v) {
                    const size_t slash = v.find('/');
                    if (slash == std::string::npos)
                      throw ConfigError("--shard takes I/N, such as 2/8, not '", v, "'");
                    a.shard = whole_number("shard", v.substr(0, slash));
                    a.shards = whole_number("shard", v.substr(slash + 1));
                    if (a.shards < 1 || a.shards > 1'000'000 || a.shard < 1 || a.shard > a.shards)
                      throw ConfigError("--shard ", v,
                                        ": I must be from 1 to N, and N from 1 to "
                                        "1000000");
                  }};
const Flag kOut{"out", "FILE", "the chosen values as a document for --with",
                [](Arguments& a, Text v) { a.out = v; }};

const Flag kJobsOfCells{"jobs", "NUMBER",
                        "what compare is given: the threads of its jobs stand in their keys",
                        [](Arguments& a, Text v) { kJobs.take(a, v); }};
const Flag kOutPage{"out", "FILE",
                    "where the page is written (default: report.html in the run's folder, else "
                    "here)",
                    [](Arguments& a, Text v) { a.out = v; }};
const Flag kMarkdownFile{"markdown", "[=FILE]",
                         "all tables as Markdown, to FILE or standard output",
                         [](Arguments& a, Text v) { a.markdown_file = v; }};
const Flag kLatex{"latex", "[=FILE]", "the table of results as LaTeX (booktabs)",
                  [](Arguments& a, Text v) { a.latex_file = v; }};
const Flag kCsv{"csv", "[=FILE]", "every number as CSV",
                [](Arguments& a, Text v) { a.csv_file = v; }};
const Flag kFigures{"figures", "DIR",
                    "every chart as SVG, and as PNG where rsvg-convert is installed",
                    [](Arguments& a, Text v) { a.figures = v; }};
const Flag kPublished{"published", "FILE:TABLE",
                      "published numbers beside those of the tables, such as "
                      "configs/paper/published.toml:table2.industrial",
                      [](Arguments& a, Text v) { a.published = v; }};
const Flag kOlderThan{"older-than", "DAYS", "only what was written so many days ago or earlier",
                      [](Arguments& a, Text v) { a.older_than = amount("older-than", v); }};
const Flag kLargerThan{"larger-than", "MIB", "only what is so large or larger",
                       [](Arguments& a, Text v) { a.larger_than = amount("larger-than", v); }};
const Flag kDelete{"delete", "", "deletes it; without this flag it is only named",
                   [](Arguments& a, Text) { a.deletes = true; }};
const Flag kWithoutModels{"without-models", "", "numbers, data and SIDs, and of models their keys",
                          [](Arguments& a, Text) { a.without_models = true; }};
const Flag kName{"name", "TEXT", "only runs whose names hold it",
                 [](Arguments& a, Text v) { a.name = v; }};
const Flag kSince{"since", "DAY", "only runs that began on this day or later: 2026-11-28",
                  [](Arguments& a, Text v) { a.since = v; }};
const Flag kState{"state", "STATE", "only runs that are done, failed or unfinished",
                  [](Arguments& a, Text v) { a.state = v; }};
const Flag kJsonLines{"json", "", "one JSON line a run, with all numbers of its last column",
                      [](Arguments& a, Text) { a.json = true; }};
const Flag kPort{"port", "NUMBER", "where the page is served on 127.0.0.1 (default: a free one)",
                 [](Arguments& a, Text v) {
                   a.port = whole_number("port", v);
                   if (a.port < 0 || a.port > 65535)
                     throw ConfigError("--port takes a whole number from 0 to 65535, not ", v);
                 }};

}  // namespace flags

}  // namespace tsrec::host
