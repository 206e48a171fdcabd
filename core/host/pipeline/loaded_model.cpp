#include "pipeline/loaded_model.hpp"

#include <ATen/Parallel.h>

#include "pipeline/artefacts.hpp"
#include "pipeline/without_histories.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/evenly_spaced.hpp"
#include "tsrec/parts/metric.hpp"

namespace tsrec::host {

Vocabulary::FindToken finder_of(const text::Tokenizer& tokenizer) {
  return [&tokenizer](std::string_view token) { return tokenizer.find(token); };
}

LoadedModel::LoadedModel(const Parts& parts, const PromptWording& wording,
                         const ModelFolders& folders, bool with_test, Context& context)
    : data(with_test ? read_dataset(folders.load) : read_dataset(folders.load).without_test()),
      sids(read_sids(folders.resolve)),
      notes(parts.extractor ? read_notes(folders.extract) : std::vector<TokenNote>()),
      backbone(parts.backbone->make<Backbone>(context)),
      parts_(parts) {
  const ArtifactReader stored(folders.model);
  const std::string wanted = ArtifactReader(folders.resolve).text("fingerprint");
  const std::string found = stored.text("fingerprint");
  if (found != wanted) {
    throw DataError("the model in '", folders.model.string(), "' was trained for other SIDs (",
                    found.substr(0, 12), ", not ", wanted.substr(0, 12),
                    "); train it again for these");
  }
  backbone->load(stored.folder("model"));
  vocabulary = Vocabulary(sids, /*first_id=*/0, finder_of(backbone->tokenizer()));
  for (const NewToken& token : vocabulary.tokens()) {
    if (!token.is_known) throw DataError("the model's tokenizer lacks the SID token ", token.text);
  }
  trie = std::make_shared<const Trie>(Trie::build(sids, vocabulary));
  compiler.emplace(wording, backbone->tokenizer(), sids, vocabulary);
}

std::vector<WeightedTask> LoadedModel::tasks(const std::vector<std::string>& names,
                                             const Dataset& from, Context& context) const {
  std::vector<WeightedTask> chosen;
  for (const TaskEntry& entry : parts_.tasks) {
    if (!is_among(entry.part.name, names)) continue;
    auto task = entry.part.make<Task>(context);
    task->prepare({.data = from, .sids = sids, .notes = notes}, context);
    chosen.push_back({entry.part.name, std::move(task), entry.weight, entry.repeat});
  }
  return chosen;
}

Rankings LoadedModel::rank(const Samples& samples, const Trie& among,
                           const EvaluateSettings& settings, Context& context) const {
  Dataset asked = data;  // shares items and rows; those in question stand in its test split
  asked.test = samples;
  const TaskExamples examples(tasks({settings.task}, asked, context), asked, *compiler);
  if (examples.size(Split::test) != samples.size()) {
    throw DataError("the task '", settings.task,
                    "' does not give one prompt per row; evaluate with next_item");
  }
  std::vector<std::vector<int32_t>> prompts(static_cast<size_t>(samples.size()));
  at::parallel_for(0, samples.size(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      prompts[static_cast<size_t>(row)] = examples.at(Split::test, row, 0).prompt;
  });
  decode::DecodeOptions options;
  options.scoring = settings.scoring == "full" ? decode::Scoring::full : decode::Scoring::legal;
  options.search = settings.search == "exact" ? decode::Search::exact : decode::Search::beam;
  options.constraint =
      settings.constraint == "level" ? decode::Constraint::level : decode::Constraint::trie;
  options.beams = std::min(settings.beams, among.num_leaves());
  if (settings.score_suffix) options.suffix = examples.suffix(0);
  const Rankings rankings = decode::Decoder(*backbone, among, options).rank(prompts, context);
  return settings.repeats ? rankings : without_histories(rankings, samples);
}

Numbers LoadedModel::measure(const Rankings& rankings, const Samples& samples, bool with_decoder,
                             Context& context) const {
  const auto measure = [&](const Metric& metric) -> Numbers {
    const auto* asks = dynamic_cast<const NeedsDecoder*>(&metric);
    if (asks == nullptr) return metric.measure({rankings, samples, data, &sids}, context);
    if (!with_decoder) return {};
    return asks->measure_with(*backbone, {data, sids, notes}, *compiler, *trie, context);
  };
  return measured(parts_.metrics, measure, context);
}

Numbers measured(const std::vector<PartChoice>& metrics,
                 const std::function<Numbers(const Metric&)>& measure, Context& context) {
  Numbers numbers;
  std::map<std::string, std::string> who;  // measured each of them
  for (const PartChoice& choice : metrics) {
    for (Number& number : measure(*choice.make<Metric>(context))) {
      const auto [first, is_new] = who.emplace(number.name, choice.name);
      if (!is_new)
        throw ConfigError("the metrics '", first->second, "' and '", choice.name,
                          "' of [evaluate] both measure '", number.name,
                          "'; leave one of them out, or give it other options");
      numbers.push_back(std::move(number));
    }
  }
  return numbers;
}

Samples limited(const Samples& samples, int64_t limit) {
  if (limit == 0 || limit >= samples.size()) return samples;
  return samples.rows(evenly_spaced(samples.size(), limit));
}

}  // namespace tsrec::host
