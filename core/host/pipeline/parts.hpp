// The parts that an experiment names, with the host's own settings around them.
#pragma once

#include "pipeline/settings.hpp"

namespace tsrec::host {

struct Parts {
  PartChoice source;
  std::optional<PartChoice> encoder, quantizer, resolver, extractor, backbone, initializer;
  std::vector<TaskEntry> tasks;
  std::vector<StageEntry> stages;
  std::vector<PartChoice> recommenders, metrics, trackers;
  PromptWording wording;  // what the experiment says; see wording.hpp
  AuditSettings audit;
  EvaluateSettings evaluate;
  ReportSettings report;
  // Of a quantizer; a model without one has those that come with the data.
  bool has_sids() const { return quantizer || backbone; }
};

// Reads and checks all of them; problems go to document.complain().
Parts read_parts_of(const Document& document, Registry& registry);

}  // namespace tsrec::host
