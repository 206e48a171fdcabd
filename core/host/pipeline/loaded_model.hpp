// What training, evaluation and `recommend` share: a stored model with its data and SIDs, and the
// prompts it understands.
#pragma once

#include "pipeline/example_set.hpp"
#include "pipeline/parts.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/parts/backbone.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::host {

// Artefacts that a model is read from; extract: only where the experiment has an extractor.
struct ModelFolders {
  std::filesystem::path load, resolve, extract, model;
};

// Looks SID tokens up in a tokenizer, which must outlive what is returned.
Vocabulary::FindToken finder_of(const text::Tokenizer& tokenizer);

class TSREC_HOST_API LoadedModel {
 public:
  // Throws DataError when the model was trained for other SIDs than these. Training passes
  // with_test = false: then the test split is empty.
  LoadedModel(const Parts& parts, const PromptWording& wording, const ModelFolders& folders,
              bool with_test, Context& context);

  // The tasks of these names (none: all), ready to give examples of `data`.
  std::vector<WeightedTask> tasks(const std::vector<std::string>& names, const Dataset& data,
                                  Context& context) const;
  // Ranks the items of the trie for every row, by the prompts of [evaluate] task and its search.
  // Thread-safe; costs nothing for the rows and items that are not asked about.
  Rankings rank(const Samples& samples, const Trie& among, const EvaluateSettings& settings,
                Context& context) const;
  // All metrics of [evaluate]; those that write their own prompts only if asked for.
  Numbers measure(const Rankings& rankings, const Samples& samples, bool with_decoder,
                  Context& context) const;

  Dataset data;
  SidTable sids;
  std::vector<TokenNote> notes;
  std::shared_ptr<Backbone> backbone;
  Vocabulary vocabulary;
  std::shared_ptr<const Trie> trie;  // the whole catalogue
  std::optional<PromptCompiler> compiler;

 private:
  const Parts& parts_;
};

// What all the metrics give, each made afresh and asked by `measure`. Throws ConfigError when two
// of them measure a number of one name.
Numbers measured(const std::vector<PartChoice>& metrics,
                 const std::function<Numbers(const Metric&)>& measure, Context& context);

// That many evenly spaced rows; 0: all.
Samples limited(const Samples& samples, int64_t limit);

}  // namespace tsrec::host
