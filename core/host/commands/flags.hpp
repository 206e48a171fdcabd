// The flags there are. Which of them a command takes stands in the table of commands.
#pragma once

#include "commands/commands.hpp"

namespace tsrec::host {

struct Flag {
  const char* name;   // without its dashes
  const char* value;  // what follows, such as "DIR"; "": nothing, it is a switch
  const char* help;
  void (*take)(Arguments& arguments, const std::string& value);
  bool has_value() const { return *value != '\0'; }
};

namespace flags {
extern const Flag kSet, kSetOfPart, kWith, kPlugins, kStore, kCheck, kIsolate, kOrigins, kOf, kTop,
    kAdaptersOf, kSeconds, kOnly, kWhere, kJson, kExperiment, kMarkdown, kToml, kJobs, kOut,
    kOutPage;
}  // namespace flags

}  // namespace tsrec::host
