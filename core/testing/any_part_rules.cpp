#include <cmath>
#include <set>

#include "rules.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::kit {
namespace any_part_rule {  // rules of other kinds have the same names

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

constexpr size_t kShortestHelp = 8;

void named_and_described(const Subject& subject) {
  const PartInfo& info = subject.info();
  require(is_name(info.name), "'", info.name, "' is no name; use a-z, 0-9 and _");
  require(info.revision >= 1, "revision ", info.revision, "; begin with 1");
  const std::string summary = info.summary;
  require(summary.size() >= 8 && summary.find('\n') == std::string::npos, "the summary '", summary,
          "' must be one line that says what the part does");
}

void options_are_documented(const Subject& subject) {
  // What the host itself reads in a part's table.
  const std::set<std::string> taken = {"use",     "name",       "enabled",  "seed",    "weight",
                                       "repeat",  "tasks",      "from",     "select",  "kind",
                                       "include", "curve_rows", "patience", "observer"};
  const PartOptions declared(subject.info());
  for (const auto& field : declared.options.fields()) {
    const Field::Facts& facts = field->facts();
    const size_t dot = facts.key.find('.');
    const std::string first = facts.key.substr(0, dot);
    require(is_name(first) && (dot == std::string::npos || is_name(facts.key.substr(dot + 1))),
            "option '", facts.key, "' is no name; use a-z, 0-9 and _, or two names with a dot");
    require(!taken.contains(first), "option '", facts.key, "' is a key of the host");
    require(!facts.help.empty(), "option '", facts.key,
            "' has no help(); say what it does to the result");
    require(facts.help.size() >= kShortestHelp, "the help of option '", facts.key, "' is '",
            facts.help, "', which says too little; say what it does to the result, in ",
            kShortestHelp, " letters at least");
  }
  boundary::check_options(declared.options);
}

void declaring_again_gives_the_same(const Subject& subject) {
  const PartOptions first(subject.info()), second(subject.info());
  require(first.options.fields().size() == second.options.fields().size(),
          "another number of options the second time");
  for (size_t i = 0; i < first.options.fields().size(); ++i) {
    const auto &a = first.options.fields()[i]->facts(), &b = second.options.fields()[i]->facts();
    require(a.key == b.key && a.type == b.type && a.default_text == b.default_text, "option '",
            a.key, "' differs the second time");
  }
}

void made_twice_and_destroyed(const Subject& subject) {
  TestContext context;
  const auto first = subject.make(context), second = subject.make(context);
  require(first != nullptr && second != nullptr && first != second,
          "two parts of one plugin must be two objects");
}

// At the ends of every range: made, or refused with a sentence.
void made_at_the_ends_of_its_ranges(const Subject& subject) {
  const PartOptions declared(subject.info());
  for (const auto& field : declared.options.fields()) {
    const Field::Facts& facts = field->facts();
    if (facts.type != "int" && facts.type != "float") continue;
    for (const double end : {facts.low, facts.high}) {
      if (!std::isfinite(end)) continue;
      OptionTexts options = subject.options();
      options[facts.key] =
          facts.type == "int" ? c10::str(static_cast<int64_t>(end)) : c10::str(end);
      TestContext context;
      works_or_says_why([&] { Subject(subject.info(), options).make(context); });
    }
  }
}

// In the frames of configs/prompt: those that say what is to be done, and those that do not.
void wordings_fit_the_frames(const Subject& subject) {
  const Wordings brought = subject.wordings();
  if (brought.empty()) return;
  const ToyWorld world;
  for (const char* frame :
       {"{input}=", "### Instruction:\n{instruction}\n{input}\n### Response:\n"}) {
    PromptWording wording;
    wording.frame = frame;
    for (const auto& [form, texts] : brought) {
      require(is_name(form), "'", form, "' is no name for a form; use a-z, 0-9 and _");
      wording.forms[form] = texts;
    }
    const std::string refusal = refusal_of([&] {
      PromptCompiler(wording, world.backbone->tokenizer(), world.sids, world.vocabulary);
    });
    require(refusal.empty(), "wordings() does not fit a frame such as '", frame, "': ", refusal);
  }
}

}  // namespace any_part_rule

std::vector<Rule> any_part_rules() {
  using namespace any_part_rule;
  return {{"it has a name, a revision and a summary", named_and_described},
          {"every option has a name of its own, help, and a default that it accepts",
           options_are_documented},
          {"declaring the options again gives the same", declaring_again_gives_the_same},
          {"it can be made twice and destroyed", made_twice_and_destroyed},
          {"the wordings that it brings along fit the usual frames", wordings_fit_the_frames},
          {"at the ends of its options' ranges it is made, or says why not",
           made_at_the_ends_of_its_ranges}};
}

}  // namespace tsrec::kit
