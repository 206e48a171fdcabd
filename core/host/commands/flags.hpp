// The flags there are. Which of them a command takes stands in the table of commands.
#pragma once

#include "commands/commands.hpp"

namespace tsrec::host {

struct Flag {
  const char* name;  // without its dashes
  // What follows, such as "DIR"; "": nothing, it is a switch; "[=FILE]": something behind "=", or
  // nothing.
  const char* value;
  const char* help;
  void (*take)(Arguments& arguments, const std::string& value);
  bool has_value() const { return *value != '\0'; }
  bool may_lack_value() const { return *value == '['; }
};

namespace flags {
extern const Flag kSet, kSetOfPart, kWith, kPlugins, kStore, kCheck, kIsolate, kOrigins, kOf, kTop,
    kAdaptersOf, kSeconds, kOnly, kWhere, kJson, kExperiment, kMarkdown, kToml, kJobs, kShard, kOut,
    kJobsOfCells, kOutPage, kMarkdownFile, kLatex, kCsv, kFigures, kPublished, kOlderThan,
    kLargerThan, kDelete, kWithoutModels, kName, kSince, kState, kJsonLines, kPort;
}  // namespace flags

}  // namespace tsrec::host
