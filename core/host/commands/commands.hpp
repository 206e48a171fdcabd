// What the executable can do; each returns the exit code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/api.hpp"
#include "support/exit_code.hpp"

namespace tsrec::host {

// What stands behind a command: its words, and the values of its flags (flags.hpp).
struct Arguments {
  std::vector<std::string> words;
  std::vector<std::filesystem::path> with, plugins;
  std::vector<std::string> set;
  std::filesystem::path store = ".tsrec";
  bool markdown = false, toml = false, origins = false, check = false, json = false,
       isolate = false;
  std::filesystem::path experiment;  // folder of the one whose plugins count as well
  std::string of;                    // name of a stage; "" is the last
  int64_t top = 10;
  int64_t seconds = 60;            // that a rule may take
  std::filesystem::path only;      // file of item keys, one a line; empty: all items
  std::vector<std::string> where;  // "column=text"; items must have all of them
  std::string adapters_of;         // the base model of exported adapters; "": a whole model
  // Of a report: files, or kToOutput; "" where it was not asked for.
  std::string markdown_file, latex_file, csv_file;
  std::string published;          // "FILE:TABLE", to stand beside a report's numbers
  std::filesystem::path figures;  // folder of a report's; empty: none
  int64_t jobs = 1;               // processes side by side
  int64_t shard = 1, shards = 1;  // which share of the cells, of how many
  std::filesystem::path out;      // file that is written; empty: the command's own choice
  double older_than = 0;          // days
  double larger_than = 0;         // MiB
  bool deletes = false;           // what it would else only name
  bool without_models = false;
  std::string name, since, state;  // of runs; "": any
  int64_t port = 0;                // of a page that is served; 0: a free one
};

// A table that a flag asks for without naming a file.
inline constexpr const char* kToOutput = "-";

int command_run(const Arguments& arguments);
int command_plan(const Arguments& arguments);
int command_why(const Arguments& arguments);
int command_runs(const Arguments& arguments);
int command_verify(const Arguments& arguments);
int command_gc(const Arguments& arguments);
int command_export_run(const Arguments& arguments);
int command_import_run(const Arguments& arguments);
int command_data(const Arguments& arguments);
int command_list(const Arguments& arguments);
int command_describe(const Arguments& arguments);
int command_compare(const Arguments& arguments);
int command_tune(const Arguments& arguments);
int command_jobs(const Arguments& arguments);
int command_recommend(const Arguments& arguments);
int command_export(const Arguments& arguments);
int command_export_data(const Arguments& arguments);
int command_rows(const Arguments& arguments);
int command_report(const Arguments& arguments);
int command_watch(const Arguments& arguments);
int command_doctor(const Arguments& arguments);
int command_check(const Arguments& arguments);
int command_stage(const Arguments& arguments);
int command_completion(const Arguments& arguments);
int command_complete(const Arguments& arguments);
int command_new(const Arguments& arguments);
int command_help(const Arguments& arguments);
void print_version();  // tsrec --version

}  // namespace tsrec::host

// Parses, dispatches, turns exceptions into sentences and exit codes. The executable finds it by
// this name.
extern "C" TSREC_HOST_API int tsrec_main(int argc, char** argv);
