#include "commands/command_table.hpp"

#include <algorithm>

#include "config/document.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

const std::string kAnExperiment =
    "EXPERIMENT is a .toml file, a folder with an experiment.toml, or a run: its folder, or its "
    "name in the store.";
const std::string kARun =
    "RUN is the folder of a run, or its name in the store; it answers with what the run made.\n"
    "An experiment may stand in its place, and answers with what is stored of it now.\n";

}  // namespace

const std::vector<Command>& commands() {
  using namespace flags;
  static const std::vector<Command> all = {
      {"run",
       "EXPERIMENT",
       "runs what is not stored yet, then reports",
       kAnExperiment,
       "tsrec run experiments/001_demo --set quantizer.codes=64",
       {&kSet, &kWith, &kPlugins, &kStore, &kCheck, &kIsolate},
       command_run},
      {"plan",
       "EXPERIMENT",
       "which stages would run, and why",
       kAnExperiment + "\nOf one with a [compare] also, cell by cell, what `compare` would run.",
       "tsrec plan experiments/001_demo --set initializer.depth=1 --origins",
       {&kSet, &kWith, &kPlugins, &kStore, &kOrigins, &kJobsOfCells},
       command_plan},
      {"why",
       "EXPERIMENT STAGE",
       "why a stage would run: its key beside the nearest that is stored",
       kAnExperiment + "\nSTAGE is one of those that `tsrec plan` names.",
       "tsrec why experiments/001_demo stage.sft --set stage.sft.epochs=2",
       {&kSet, &kWith, &kPlugins, &kStore},
       command_why},
      {"data",
       "EXPERIMENT",
       "what its source gives: items, columns, rows, and what is odd",
       kAnExperiment,
       "tsrec data experiments/001_demo --set source.users=500",
       {&kSet, &kWith, &kPlugins, &kStore},
       command_data},
      {"compare",
       "EXPERIMENT | RUN RUN...",
       "runs the cells and seeds of a [compare]; or runs side by side",
       "EXPERIMENT has a [compare].\nTwo or more RUNs, folders or names in the store, are put side "
       "by side.",
       "tsrec compare experiments/003_init_depth",
       {&kSet, &kWith, &kPlugins, &kStore, &kIsolate, &kJobs, &kShard},
       command_compare},
      {"tune",
       "EXPERIMENT",
       "chooses the options that its [tune] names on validation rows, then reports",
       "EXPERIMENT has a [tune].",
       "tsrec tune experiments/001_demo --with space.toml --jobs 4 --out tuned.toml",
       {&kSet, &kWith, &kPlugins, &kStore, &kIsolate, &kJobs, &kOut},
       command_tune},
      {"report",
       "RUN...",
       "one page of HTML: verdicts, tables, curves, what it cost and was made from; or files for a "
       "paper",
       kARun +
           "The folder of a comparison or a tuning answers with all its cells and seeds, and so "
           "does an experiment with\n[compare] or [tune], of which something was measured; "
           "what is missing is named. Several RUNs are\ncompared with the first.\nWith --markdown, "
           "--latex, --csv or --figures the page is "
           "left out, unless --out names it.",
       "tsrec report experiments/001_demo --out demo.html",
       {&kSet, &kWith, &kPlugins, &kStore, &kJobsOfCells, &kOutPage, &kMarkdownFile, &kLatex, &kCsv,
        &kFigures, &kPublished},
       command_report},
      {"watch",
       "RUN",
       "the page of a run while it runs: which stage, how far, curves so far, what is stored",
       "RUN is the folder of a run or of a comparison, or its name in the store; an experiment in "
       "its place shows\nwhoever runs it. The page is on 127.0.0.1, behind an address that is "
       "printed at once. It stays when the run has\nended, until Ctrl-C, which leaves the run "
       "alone; the exit code is 0 where the run had ended by then, and else 5.",
       "tsrec watch 20261128-084012-demo",
       {&kSet, &kWith, &kPlugins, &kStore, &kPort},
       command_watch},
      {"recommend",
       "RUN ITEM...",
       "what a trained model offers after these items",
       kARun +
           "ITEMs are keys, titles or parts of titles, oldest first. A key goes before a title, a "
           "whole title before\na part of one; a name of several items is refused, with their "
           "keys.",
       "tsrec recommend experiments/001_demo \"a title\" item-17 --top 20",
       {&kSet, &kWith, &kPlugins, &kStore, &kOf, &kTop, &kOnly, &kWhere, &kJson},
       command_recommend},
      {"export",
       "RUN DIR",
       "a trained model for transformers and vLLM, with a table of its SIDs",
       kARun + "DIR must not exist yet.",
       "tsrec export experiments/001_demo model --of sft",
       {&kSet, &kWith, &kPlugins, &kStore, &kOf, &kAdaptersOf},
       command_export},
      {"export-data",
       "EXPERIMENT DIR",
       "its items and rows as RecBole's atomic files",
       kAnExperiment + "\nOf a run it is what the run used.\n"
                       "DIR must not exist yet; the files are called by its last name.",
       "tsrec export-data experiments/001_demo demo_data",
       {&kSet, &kWith, &kPlugins, &kStore},
       command_export_data},
      {"rows",
       "RUN [DIR]",
       "where the SID tokens' rows lie among those of words, before and after training",
       kARun + "DIR gets rows.csv and rows.svg, a plot of it.",
       "tsrec rows experiments/001_demo figure",
       {&kSet, &kWith, &kPlugins, &kStore},
       command_rows},
      {"runs",
       "",
       "the runs of a store, with their last numbers",
       "It takes no arguments.",
       "tsrec runs --name demo --since 2026-11-01 --state done",
       {&kStore, &kName, &kSince, &kState, &kJsonLines},
       command_runs},
      {"export-run",
       "RUN FILE.tar",
       "a run as one file, which another machine can run again and check",
       "RUN is the folder of a run, or its name in the store.\nFILE.tar must not exist yet. It "
       "holds "
       "the run's folder, its artefacts and a digest of every file.",
       "tsrec export-run 20261128-084012-demo demo.tar --without-models",
       {&kStore, &kWithoutModels},
       command_export_run},
      {"import-run",
       "FILE.tar",
       "takes such a file into a store",
       "FILE.tar is what export-run wrote. Every digest is looked at first; nothing that is there "
       "is "
       "written over.",
       "tsrec import-run demo.tar --store .tsrec",
       {&kStore},
       command_import_run},
      {"verify",
       "",
       "whether all artefacts of a store are as they were stored",
       "It takes no arguments. It reads every byte of the store; exit code 4 where one is damaged.",
       "tsrec verify --store .tsrec",
       {&kStore},
       command_verify},
      {"gc",
       "",
       "names what no run of a store refers to, and deletes it with --delete",
       "It takes no arguments. What goes: artefacts of no run, checkpoints of interrupted stages, "
       "the words of failed ones,\nand what imports left behind. Remove a run's folder to let go "
       "of what it refers to.",
       "tsrec gc --older-than 30 --larger-than 100 --delete",
       {&kPlugins, &kStore, &kOlderThan, &kLargerThan, &kDelete},
       command_gc},
      {"list",
       "[KIND]",
       "the parts there are",
       "KIND is one kind of part, such as quantizer.",
       "tsrec list quantizer",
       {&kPlugins, &kExperiment, &kMarkdown},
       command_list},
      {"describe",
       "KIND NAME | host",
       "a part and its options, or the keys of the host",
       "KIND and NAME as `tsrec list` shows them.",
       "tsrec describe quantizer rq_kmeans --toml",
       {&kPlugins, &kExperiment, &kMarkdown, &kToml},
       command_describe},
      {"doctor",
       "",
       "what this machine and this installation offer",
       "It takes no arguments.",
       "tsrec doctor --plugins my_plugins",
       {&kPlugins, &kExperiment, &kStore},
       command_doctor},
      {"completion",
       "bash | zsh",
       "completes commands, flags, parts and options in a shell",
       "The script for that shell goes to standard output.",
       "eval \"$(tsrec completion bash)\"",
       {},
       command_completion},
      {"new",
       "plugin KIND NAME",
       "a folder with a working part, its test and an experiment",
       "KIND is one of `tsrec list`; the part and the folder are called NAME.",
       "tsrec new plugin quantizer my_quantizer",
       {&kPlugins, &kExperiment},
       command_new},
      {"check",
       "FILE.so",
       "does a plugin obey the rules of its kinds? one verdict per rule",
       "FILE.so is a plugin.",
       "tsrec check plugins/my_quantizer.so --set my_quantizer.codes=8",
       {&kSetOfPart, &kSeconds},
       command_check},
      {"help",
       "[COMMAND]",
       "this text, or what a command takes",
       "COMMAND is one of `tsrec help`.",
       "tsrec help run",
       {},
       command_help},
      {"stage", "RUN_FOLDER STAGE", "", "", "", {&kPlugins, &kStore}, command_stage},  // --isolate
      {"jobs", "", "", "", "", {&kPlugins, &kStore, &kIsolate}, command_jobs},         // --jobs
      {"complete", "LINE", "", "", "", {&kPlugins, &kStore}, command_complete},        // the shell
  };
  return all;
}

const Flag* Command::flag(const std::string& flag_name) const {
  const auto found = std::find_if(flags.begin(), flags.end(),
                                  [&](const Flag* flag) { return flag->name == flag_name; });
  return found == flags.end() ? nullptr : *found;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (!command.is_hidden()) names.push_back(command.name);
  }
  return names;
}

const Command& command_named(const std::string& name) {
  for (const Command& command : commands()) {
    if (command.name == name) return command;
  }
  throw ConfigError("there is no command '", name, "'", suggest(name, command_names()));
}

}  // namespace tsrec::host
