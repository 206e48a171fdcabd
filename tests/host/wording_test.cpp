// What models are asked in: [prompt], and what parts bring along.
#include "pipeline/wording.hpp"

#include "support/support.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::test {
namespace {

using host::PartChoice;

PartInfo bringing(const char* kind, Wordings (*wordings)()) {
  PartInfo info{};
  info.kind = kind;
  info.name = "asking";
  info.wordings = wordings;
  return info;
}
const PartInfo kTask = bringing("task", [] {
  return Wordings{{"recent", {{"input", "recently {recent}"}, {"target", "{answer}"}}}};
});
const PartInfo kMetric = bringing("metric", [] {
  return Wordings{{"recent", {{"input", "lately {recent}"}, {"target", "{answer}"}}}};
});
const PartInfo kOther = bringing("reward", [] { return Wordings{{"other", {{"target", "{y}"}}}}; });
const PartInfo kSilent = bringing("metric", nullptr);

PartChoice choice_of(const PartInfo& info) {
  PartChoice choice;
  choice.kind = info.kind;
  choice.use = choice.name = info.name;
  choice.info = &info;
  return choice;
}

TEST(Wording, WhatTheExperimentSaysGoesBeforeWhatPartsBring) {
  PromptWording said;
  said.frame = "{input}=";
  said.forms["recent"]["input"] = "now {recent}";
  said.forms["next_item"]["target"] = "{answer}";

  const PromptWording wording =
      host::wording_of(said, {choice_of(kTask), choice_of(kSilent), PartChoice()});

  EXPECT_EQ(wording.frame, said.frame);
  EXPECT_EQ(wording.forms,
            (Wordings{{"recent", {{"input", "now {recent}"}, {"target", "{answer}"}}},
                      {"next_item", {{"target", "{answer}"}}}}));
}

TEST(Wording, APartBringsThoseOfThePartsThatItOwns) {
  PartChoice owner = choice_of(kTask);
  owner.parts.push_back({"of", choice_of(kOther)});
  const PromptWording wording = host::wording_of(PromptWording(), {owner});
  EXPECT_TRUE(wording.forms.contains("recent"));
  EXPECT_EQ(wording.forms.at("other").at("target"), "{y}");
}

// A stage's key holds what its own parts bring: those of a metric run no training again.
TEST(Wording, TheKeyOfAStageHoldsTheTextsOfItsParts) {
  const auto key = [](const std::vector<PartChoice>& parts) {
    return host::key_lines(host::wording_of(PromptWording(), parts));
  };
  EXPECT_EQ(key({choice_of(kSilent)}), key({}));
  EXPECT_TRUE(contains(key({choice_of(kTask)}), "prompt recent.input = \"recently {recent}\"\n"));
}

TEST(Wording, TwoTextsForOnePlaceAreRefusedUntilTheExperimentDecides) {
  const TempFolder folder;
  host::DocumentRequest request;
  request.file = folder.write("experiment.toml", "[run]\nname = \"x\"\n");
  const auto complaint_of = [&](const host::Parts& parts) {
    const host::Document document = host::Document::load(request);
    host::check_wordings(parts, document);
    try {
      document.throw_if_any();
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  host::Parts parts;
  parts.tasks.emplace_back().part = choice_of(kTask);
  parts.tasks.emplace_back().part = choice_of(kTask);
  EXPECT_EQ(complaint_of(parts), "");
  parts.metrics = {choice_of(kMetric)};
  const std::string complaint = complaint_of(parts);
  EXPECT_TRUE(contains(complaint,
                       "bring two texts along for [prompt.recent] input; say there "
                       "which it is"))
      << complaint;
  parts.wording.forms["recent"]["input"] = "now {recent}";
  EXPECT_EQ(complaint_of(parts), "");
}

}  // namespace
}  // namespace tsrec::test
