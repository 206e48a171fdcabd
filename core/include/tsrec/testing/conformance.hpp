// What any part of a kind must obey, whoever wrote it: shapes, ranges, purity, determinism, save
// and load, empty and tiny and broken inputs, stops, progress.
#pragma once

#include "tsrec/testing/subject.hpp"

namespace tsrec::kit {

struct Rule {
  std::string sentence;  // "encode() is a function of the row alone"
  std::function<void(const Subject&)> check;
};

enum class Verdict { kept, broken, skipped };
struct Finding {
  std::string rule;
  Verdict verdict = Verdict::kept;
  std::string detail;  // what was seen, or why it was not tried
};

// All rules of a kind, those for any part first. Throws Error for an unknown kind.
TSREC_API const std::vector<Rule>& rules_of(std::string_view kind);
// One rule, in this process. An exception that the rule does not expect breaks it.
TSREC_API Finding apply(const Rule& rule, const Subject& subject);
// All of them. Test programs print what is not kept:
//   for (const Finding& f : conformance(subject)) EXPECT_NE(f.verdict, Verdict::broken) << f.rule
//   ...
TSREC_API std::vector<Finding> conformance(const Subject& subject);

}  // namespace tsrec::kit
