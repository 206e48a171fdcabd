// The method on one screen: which stages an experiment has, what each reads, and what it does.
#include <algorithm>
#include <mutex>
#include <set>

#include "pipeline/artefacts.hpp"
#include "pipeline/audit_prompts.hpp"
#include "pipeline/audit_rows.hpp"
#include "pipeline/demands.hpp"
#include "pipeline/drive_steps.hpp"
#include "pipeline/host_keys.hpp"
#include "pipeline/item_answers.hpp"
#include "pipeline/listed_items.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/target_ranks.hpp"
#include "pipeline/wording.hpp"
#include "plugin/attribution.hpp"
#include "tsrec/boundary.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/toml_text.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {

std::string StageId::text() const {
  switch (role) {
    case Role::load:
      return "load";
    case Role::embed:
      return "embed";
    case Role::quantize:
      return "quantize";
    case Role::resolve:
      return "resolve";
    case Role::extract:
      return "extract";
    case Role::audit:
      return "audit";
    case Role::recommender:
      return "recommender." + of;
    case Role::backbone:
      return "backbone";
    case Role::extend:
      return "extend";
    case Role::train:
      return "stage." + of;
    case Role::rank_recommender:
    case Role::rank_model:
      return "evaluate." + of;
    case Role::validate:
      return "validate." + of;
  }
  throw Error("a stage of no known role");
}

namespace {

using Shared = std::shared_ptr<const Parts>;
using Role = StageId::Role;

// --- load: items and samples

void report_rows(const Dataset& data, Context& context) {
  context.log(Level::info,
              c10::str(data.items.size(), " items; rows: ", data.train.size(), " train, ",
                       data.valid.size(), " valid, ", data.test.size(), " test"));
  for (const auto& [what, count] : data.remarks)
    context.log(Level::info, c10::str("the source: ", what, ": ", count));
}

Stage load_stage(const Shared& parts) {
  return {.id = {Role::load},
          .parts = {parts->source},
          .run =
              [parts](StageRun& run) {
                const auto source = parts->source.make<Source>(run.context());
                const Dataset data = source->load(run.context());
                in_the_name_of(*source, "load()", [&] {
                  if (data.items.size() == 0)
                    throw DataError("the catalogue is empty; check the source's files");
                });
                report_rows(data, run.context());
                write_dataset(data, run.out());
              },
          .look =
              [parts](const auto& product) {
                check_rows(*parts, [&](Split split) { return num_rows(product, split); });
              }};
}

// --- embed, quantize, resolve: from texts to SIDs, or the source's own SIDs

// For many forwards without gradients. By MKL in float32 only those of few tokens would profit, and
// here are none.
void pack_for_many_tokens(Backbone& backbone, const Context& context) {
  if (context.precision() == torch::kBFloat16 || product_library() == ProductLibrary::onednn)
    backbone.pack_weights();
}

bool embeds_by_backbone(const Parts& parts) { return parts.encoder->needs(Backbone::kKind); }

// Vectors are made for a quantizer, and for trainings and recommenders that ask for them.
bool has_embed_stage(const Parts& parts) {
  const auto asks = [](const PartChoice& choice) { return choice.needs(Encoder::kKind); };
  return parts.encoder &&
         (parts.quantizer ||
          std::any_of(parts.stages.begin(), parts.stages.end(),
                      [&](const StageEntry& entry) { return asks(entry.trainer); }) ||
          std::any_of(parts.recommenders.begin(), parts.recommenders.end(), asks));
}

Stage embed_stage(const Shared& parts) {
  Stage stage{.id = {Role::embed}, .inputs = {{Role::load}}, .parts = {*parts->encoder}};
  const bool by_backbone = embeds_by_backbone(*parts);
  if (by_backbone) {
    stage.inputs.push_back({Role::backbone});
    stage.parts.push_back(*parts->backbone);
  }
  stage.run = [parts, by_backbone](StageRun& run) {
    const Dataset data = read_dataset(run.input({Role::load}));
    EncoderInputs inputs{.items = data.items};
    std::shared_ptr<Backbone> backbone;
    if (by_backbone) {
      backbone = parts->backbone->make<Backbone>(run.context());
      backbone->load(run.input({Role::backbone}) / "model");
      pack_for_many_tokens(*backbone, run.context());
      inputs.model = backbone.get();
      inputs.tokenizer = &backbone->tokenizer();
    }
    run.out().tensor("x_ND",
                     parts->encoder->make<Encoder>(run.context())->encode(inputs, run.context()));
  };
  return stage;
}

Stage quantize_stage(const Shared& parts) {
  return {.id = {Role::quantize},
          .inputs = {{Role::embed}},
          .parts = {*parts->quantizer},
          .run = [parts](StageRun& run) {
            const torch::Tensor x_ND = ArtifactReader(run.input({Role::embed})).tensor("x_ND");
            const auto quantizer = parts->quantizer->make<Quantizer>(run.context());
            quantizer->fit(x_ND, run.context());
            drive_steps(run, *quantizer);
            ArtifactWriter fitted(run.out().folder("quantizer"));
            quantizer->save(fitted);
            fitted.close();
            run.out().tensor("code_NL", quantizer->encode(x_ND));
          }};
}

void report_sids(const SidTable& sids, Context& context) {
  std::string used;
  std::vector<int64_t> per_level(static_cast<size_t>(sids.num_levels()), 0);
  for (const TokenCluster& cluster : token_clusters(sids))
    ++per_level[static_cast<size_t>(cluster.level)];
  for (size_t level = 0; level < per_level.size(); ++level)
    used += c10::str(level ? ", " : "", per_level[level], "/", sids.sizes[level]);
  context.log(Level::info, c10::str(sids.num_distinct(), " distinct SIDs of ", sids.num_items(),
                                    " items; codes in use per level: ", used));
  std::map<int64_t, int64_t> items_of_length;
  const torch::Tensor length_N = sids.code_NL.ge(0).sum(1);
  for (int64_t item = 0; item < sids.num_items(); ++item)
    ++items_of_length[length_N[item].item<int64_t>()];
  if (items_of_length.size() < 2) return;
  std::string lengths;
  for (const auto& [length, items] : items_of_length)
    lengths += c10::str(lengths.empty() ? "" : ", ", length, " for ", items, " items");
  context.log(Level::info, "tokens of a SID: " + lengths);
}

Stage resolve_stage(const Shared& parts) {
  if (!parts->quantizer) {
    return {.id = {Role::resolve},
            .inputs = {{Role::load}},
            .parts = {parts->source},
            .run = [parts](StageRun& run) {
              const Dataset data = read_dataset(run.input({Role::load}));
              const auto source = parts->source.make<Source>(run.context());
              const std::optional<SidTable> sids = source->sids(data.items, run.context());
              if (!sids)
                throw DataError(
                    "the source comes without SIDs, and the experiment makes none; add a "
                    "[quantizer] with an [encoder], or the file of SIDs that its README names");
              report_sids(*sids, run.context());
              write_sids(*sids, keys_of(data.items), run.out());
            }};
  }
  return {.id = {Role::resolve},
          .inputs = {{Role::load}, {Role::embed}, {Role::quantize}},
          .parts = {*parts->quantizer, *parts->resolver},
          .run = [parts](StageRun& run) {
            const Dataset data = read_dataset(run.input({Role::load}));
            const torch::Tensor x_ND = ArtifactReader(run.input({Role::embed})).tensor("x_ND");
            const ArtifactReader quantized(run.input({Role::quantize}));
            const auto quantizer = parts->quantizer->make<Quantizer>(run.context());
            quantizer->load(ArtifactReader(quantized.folder("quantizer")));
            const SidTable sids =
                parts->resolver->make<Resolver>(run.context())
                    ->resolve({quantized.tensor("code_NL"), x_ND, *quantizer}, run.context());
            report_sids(sids, run.context());
            write_sids(sids, keys_of(data.items), run.out());
          }};
}

Stage extract_stage(const Shared& parts) {
  return {.id = {Role::extract},
          .inputs = {{Role::load}, {Role::resolve}},
          .parts = {*parts->extractor},
          .run = [parts](StageRun& run) {
            const Dataset data = read_dataset(run.input({Role::load}));
            const auto notes = parts->extractor->make<Extractor>(run.context())
                                   ->extract(token_clusters(read_sids(run.input({Role::resolve}))),
                                             data.items, run.context());
            run.context().log(Level::info, c10::str(notes.size(), " tokens described"));
            write_notes(notes, run.out());
          }};
}

// --- audit: what may be wrong with rows, items, SIDs and prompts

// Rises when a rule counts otherwise, or a new one comes.
constexpr int kAuditRevision = 1;

// The tasks that a training learns from, or that the evaluation asks.
std::vector<TaskEntry> used_tasks(const Parts& parts) {
  std::vector<TaskEntry> used;
  for (const TaskEntry& task : parts.tasks) {
    const std::string& name = task.part.name;
    const bool is_trained =
        std::any_of(parts.stages.begin(), parts.stages.end(),
                    [&](const StageEntry& stage) { return is_among(name, stage.tasks); });
    if (is_trained || name == parts.evaluate.task) used.push_back(task);
  }
  return used;
}

// Each task twice: as trainings have it, and with the test rows.
std::vector<AuditedTask> audited_tasks(const std::vector<TaskEntry>& entries,
                                       const TaskInputs& training, const TaskInputs& test,
                                       Context& context) {
  const auto prepared = [&](const TaskEntry& entry, const TaskInputs& inputs) {
    auto task = entry.part.make<Task>(context);
    task->prepare(inputs, context);
    return task;
  };
  std::vector<AuditedTask> tasks;
  for (const TaskEntry& entry : entries)
    tasks.push_back({entry.part.name, prepared(entry, training), prepared(entry, test)});
  return tasks;
}

void report_audit(const std::vector<AuditFinding>& findings,
                  const std::vector<std::string>& fail_on, Context& context) {
  std::map<AuditVerdict, int64_t> count;
  for (const AuditFinding& finding : findings) {
    const AuditVerdict verdict = verdict_of(finding, fail_on);
    ++count[verdict];
    if (verdict != AuditVerdict::pass)
      context.log(verdict == AuditVerdict::fail ? Level::warning : Level::info,
                  c10::str("audit: ", name_of(verdict), ": ", short_text(finding)));
  }
  context.log(Level::info, c10::str("audit: ", findings.size(), " rules: ",
                                    count[AuditVerdict::pass], " pass, ", count[AuditVerdict::note],
                                    " note something, ", count[AuditVerdict::fail], " FAIL"));
}

// No stage has it among its inputs: what it counts is in no other key.
Stage audit_stage(const Shared& parts, bool has_sids) {
  Stage stage{.id = {Role::audit}, .inputs = {{Role::load}}};
  if (has_sids) stage.inputs.push_back({Role::resolve});
  const std::vector<TaskEntry> tasks =
      parts->backbone ? used_tasks(*parts) : std::vector<TaskEntry>();
  PromptWording wording;
  stage.key_lines = c10::str("audit revision = ", kAuditRevision, "\n");
  if (!tasks.empty()) {
    if (parts->extractor) stage.inputs.push_back({Role::extract});
    for (const TaskEntry& task : tasks) stage.parts.push_back(task.part);
    wording = wording_of(parts->wording, stage.parts);
    stage.key_lines += key_lines(wording);
  }
  stage.run = [parts, has_sids, tasks, wording](StageRun& run) {
    const Dataset data = read_dataset(run.input({Role::load}));
    std::vector<AuditFinding> findings = audit_rows(data);
    const auto add = [&](const std::vector<AuditFinding>& more) {
      findings.insert(findings.end(), more.begin(), more.end());
    };
    std::optional<SidTable> sids;
    if (has_sids) add(audit_sids(data, sids.emplace(read_sids(run.input({Role::resolve})))));
    if (!tasks.empty()) {
      const Dataset training = data.without_test();
      const std::vector<TokenNote> notes =
          parts->extractor ? read_notes(run.input({Role::extract})) : std::vector<TokenNote>();
      add(audit_prompts(
          audited_tasks(tasks, {training, *sids, notes}, {data, *sids, notes}, run.context()),
          wording, data, *sids));
    }
    report_audit(findings, parts->audit.fail_on, run.context());
    write_audit(findings, run.out());
  };
  stage.look = [parts](const auto& product) {
    refuse_findings(read_audit(product), parts->audit.fail_on);
  };
  stage.looks_always = true;
  return stage;
}

// --- backbone, extend: a language model that knows the SID tokens

Stage backbone_stage(const Shared& parts) {
  return {.id = {Role::backbone},
          .inputs = {{Role::load}},
          .parts = {*parts->backbone},
          .run = [parts](StageRun& run) {
            const auto backbone = parts->backbone->make<Backbone>(run.context());
            const Dataset data = read_dataset(run.input({Role::load}));
            backbone->prepare(data.items, run.context());
            drive_steps(run, *backbone);
            backbone->save(run.out().folder("model"));
          }};
}

std::vector<TokenNote> notes_for(const Shared& parts, StageRun& run) {
  return parts->extractor ? read_notes(run.input({Role::extract})) : std::vector<TokenNote>();
}

std::vector<StageId> with_notes(const Shared& parts, std::vector<StageId> inputs) {
  if (parts->extractor) inputs.push_back({Role::extract});
  return inputs;
}

NewRows first_rows(const Parts& parts, const Backbone& backbone, const Vocabulary& vocabulary,
                   const std::vector<TokenNote>& notes, const SidTable& sids, Context& context) {
  const VocabularyRows known = backbone.vocabulary_rows();
  if (!parts.initializer)
    return fresh_rows(known, static_cast<int64_t>(vocabulary.tokens().size()), context);
  return parts.initializer->make<Initializer>(context)->rows({.tokens = vocabulary,
                                                              .notes = notes,
                                                              .tokenizer = backbone.tokenizer(),
                                                              .rows = known,
                                                              .sids = sids},
                                                             context);
}

// The first of the SID tokens that the tokenizer knows, where nothing but such tokens stands from
// there on.
std::optional<int64_t> first_known_at_the_end(const Vocabulary& vocabulary, int64_t num_tokens) {
  std::set<int64_t> known;
  for (const NewToken& token : vocabulary.tokens()) {
    if (token.is_known) known.insert(token.id);
  }
  if (known.empty()) return std::nullopt;
  const bool is_whole_end = *known.begin() + static_cast<int64_t>(known.size()) == num_tokens;
  return is_whole_end ? std::optional(*known.begin()) : std::nullopt;
}

// Rows of tokens that a checkpoint brings along (trained elsewhere, or by an earlier run) are kept.
void add_new_tokens(const Parts& parts, Backbone& backbone, const std::vector<TokenNote>& notes,
                    const SidTable& sids, Context& context) {
  const text::Tokenizer& tokenizer = backbone.tokenizer();
  const Vocabulary vocabulary(sids, static_cast<int32_t>(tokenizer.size()), finder_of(tokenizer));
  std::vector<std::string> fresh;
  std::vector<int64_t> row_of_fresh;
  for (size_t i = 0; i < vocabulary.tokens().size(); ++i) {
    const NewToken& token = vocabulary.tokens()[i];
    if (token.is_known) continue;
    fresh.push_back(token.text);
    row_of_fresh.push_back(static_cast<int64_t>(i));
  }
  if (const size_t known = vocabulary.tokens().size() - fresh.size(); known > 0) {
    context.log(Level::info, c10::str(known, " of ", vocabulary.tokens().size(),
                                      " SID tokens are in the checkpoint's vocabulary; their rows "
                                      "are kept"));
  }
  if (const auto first = first_known_at_the_end(vocabulary, tokenizer.size()))
    backbone.learn_rows_from(*first);
  if (fresh.empty()) return;
  const NewRows rows = first_rows(parts, backbone, vocabulary, notes, sids, context);
  const auto chosen = [&](const torch::Tensor& row_ED) {
    if (!row_ED.defined()) return row_ED;
    return row_ED.index_select(0, torch::tensor(row_of_fresh).to(row_ED.device()));
  };
  backbone.extend(fresh, chosen(rows.input_ED), chosen(rows.output_ED));
}

Stage extend_stage(const Shared& parts) {
  return {.id = {Role::extend},
          .inputs = with_notes(parts, {{Role::load}, {Role::resolve}, {Role::backbone}}),
          .parts = parts->initializer
                       ? std::vector<PartChoice>{*parts->backbone, *parts->initializer}
                       : std::vector<PartChoice>{*parts->backbone},
          .run = [parts](StageRun& run) {
            const auto backbone = parts->backbone->make<Backbone>(run.context());
            backbone->load(run.input({Role::backbone}) / "model");
            const SidTable sids = read_sids(run.input({Role::resolve}));
            const std::vector<TokenNote> notes = notes_for(parts, run);
            add_new_tokens(*parts, *backbone, notes, sids, run.context());
            backbone->save(run.out().folder("model"));
            run.out().text("fingerprint",
                           ArtifactReader(run.input({Role::resolve})).text("fingerprint"));
          }};
}

ModelFolders model_folders(const Shared& parts, const StageRun& run, const StageId& model) {
  return {run.input({Role::load}), run.input({Role::resolve}),
          parts->extractor ? run.input({Role::extract}) : std::filesystem::path(),
          run.input(model)};
}

// --- stage.<name>: each goes on from the model of an earlier one

// The stage that makes the model of this name.
StageId model_of(const std::string& name) {
  return name == kUntrained ? StageId{Role::extend} : StageId{Role::train, name};
}

// What decides the numbers of ranked rows. without: options of [evaluate] that do not matter here.
void add_ranking(const Parts& parts, const EvaluateSettings& settings, Stage& stage,
                 const std::set<std::string>& without = {}) {
  std::vector<BoundOption> options = settings.options;
  std::erase_if(options, [&](const BoundOption& option) { return without.contains(option.key); });
  stage.key_lines += key_lines("evaluate ", "", options, {});
  for (const PartChoice& metric : parts.metrics) stage.parts.push_back(metric);
}

std::vector<StartedObserver> started_observers(const StageEntry& settings,
                                               const ObserverInputs& inputs, Context& context) {
  std::vector<StartedObserver> started;
  for (size_t i = 0; i < settings.observers.size(); ++i) {
    const auto observer = settings.observers.make(i, context);
    observer->start(inputs, context);
    started.push_back({settings.observers.name(i), observer});
  }
  return started;
}

// A stored recommender that may be asked from several threads; it ranks for one at a time.
RankItems ranker_of(const PartChoice& choice, const std::filesystem::path& fitted,
                    int64_t num_items, Context& context) {
  const auto recommender = choice.make<Recommender>(context);
  recommender->load(ArtifactReader(fitted / "recommender"));
  const auto one_at_a_time = std::make_shared<std::mutex>();
  return [=, &context](const Samples& samples, int64_t num_candidates) {
    const std::lock_guard lock(*one_at_a_time);
    Rankings rankings = recommender->rank(samples, num_candidates, context);
    in_the_name_of(*recommender, "rank()", [&] {
      boundary::check_rankings(rankings, samples.size(), num_candidates, num_items);
    });
    return rankings;
  };
}

// The products of earlier stages that a training asks for.
void ask_earlier_stages(const Parts& parts, const PartChoice& trainer, Stage& stage) {
  if (trainer.needs("encoder")) stage.inputs.push_back({Role::embed});
  for (const PartChoice& recommender : parts.recommenders) {
    if (!trainer.recommenders().contains(recommender.name)) continue;
    stage.inputs.push_back({Role::recommender, recommender.name});
    stage.parts.push_back(recommender);
  }
}

EarlierStages earlier_stages(const Parts& parts, const PartChoice& trainer, int64_t num_items,
                             StageRun& run) {
  EarlierStages earlier;
  if (trainer.needs("encoder"))
    earlier.x_ND = ArtifactReader(run.input({Role::embed})).tensor("x_ND");
  for (const PartChoice& recommender : parts.recommenders) {
    if (!trainer.recommenders().contains(recommender.name)) continue;
    earlier.recommenders[recommender.name] = ranker_of(
        recommender, run.input({Role::recommender, recommender.name}), num_items, run.context());
  }
  return earlier;
}

// The rows of a share, and how many of them trained the model before.
void say_which_rows(const Parts& parts, const StageEntry& stage, int64_t count, Context& context) {
  if (stage.rows == "all") return;
  std::string known;
  for (const StageEntry* at = &stage; at->starts_trained();) {
    at = &*std::find_if(parts.stages.begin(), parts.stages.end(), [&](const StageEntry& earlier) {
      return earlier.trainer.name == at->from;
    });
    known += c10::str("; ", shared_rows(stage.row_share(), at->row_share(), count),
                      " of them are rows of '", at->trainer.name, "'");
  }
  context.log(Level::info,
              c10::str("rows = \"", stage.rows, "\": ", stage.row_share().of(count).size(), " of ",
                       count, " training rows", known));
}

// Rows of the validation split, which no stage trains on.
Samples ranked_samples(const StageEntry& stage, const Dataset& data, Context& context) {
  if (stage.ranked_rows() == 0) return Samples::empty();
  if (data.valid.size() == 0)
    context.log(Level::warning,
                "without validation rows the training is not compared with its start, and the last "
                "state is handed on");
  return limited(data.valid, stage.ranked_rows());
}

Split evaluated_split(const EvaluateSettings& settings) {
  return settings.split == "valid" ? Split::valid : Split::test;
}

// How many rows the evaluation will rank.
int64_t evaluated_rows(const Parts& parts, const std::filesystem::path& load) {
  const int64_t rows = num_rows(load, evaluated_split(parts.evaluate));
  return parts.evaluate.limit > 0 ? std::min(rows, parts.evaluate.limit) : rows;
}

Stage train_stage(const Shared& parts, size_t index) {
  const StageEntry& entry = parts->stages[index];
  const StageId before = model_of(entry.from);
  Stage stage{.id = {Role::train, entry.trainer.name},
              .inputs = with_notes(parts, {{Role::load}, {Role::resolve}, before}),
              .parts = {*parts->backbone, entry.trainer}};
  for (const TaskEntry& task : parts->tasks) {
    const bool is_ranked = entry.ranked_rows() > 0 && task.part.name == parts->evaluate.task;
    if (is_ranked || is_among(task.part.name, entry.tasks) ||
        is_among(task.part.name, entry.validate_with))
      stage.parts.push_back(task.part);
  }
  ask_earlier_stages(*parts, entry.trainer, stage);
  if (entry.ranked_rows() > 0)
    add_ranking(*parts, parts->evaluate, stage, /*without=*/{"split", "limit"});
  const PromptWording wording = wording_of(parts->wording, stage.parts);
  stage.key_lines += key_lines(wording);
  stage.run = [parts, index, before, wording](StageRun& run) {
    const StageEntry& settings = parts->stages[index];
    Context& context = run.context();
    const LoadedModel loaded(*parts, wording, model_folders(parts, run, before),
                             /*with_test=*/false, context);
    const Dataset data = with_rows(loaded.data, settings.row_share());
    say_which_rows(*parts, settings, loaded.data.train.size(), context);
    const TaskExamples examples(loaded.tasks(settings.tasks, data, context), data,
                                *loaded.compiler);
    const TaskExamples validation(loaded.tasks(settings.validate_with, data, context), data,
                                  *loaded.compiler);
    const TrainInputs inputs{
        .policy = *loaded.backbone,
        .examples = examples,
        .validation = validation,
        .sids = loaded.sids,
        .trie = *loaded.trie,
        .data = data,
        .notes = loaded.notes,
        .earlier = earlier_stages(*parts, settings.trainer, data.items.size(), run)};
    const Samples ranked = ranked_samples(settings, data, context);
    DriveSettings loop;
    loop.patience = settings.patience;
    loop.checkpoint_every = settings.checkpoint_every;
    const std::string selection = settings.selection();
    loop.select = selection == "watched" && ranked.size() == 0 ? "last" : selection;
    loop.watch = settings.watch;
    loop.validate_every = [&](int64_t steps) { return settings.validate_every.of(steps); };
    if (ranked.size() > 0) {
      loop.more_numbers = [&] {
        const Rankings rankings = loaded.rank(ranked, *loaded.trie, parts->evaluate, context);
        Numbers numbers = loaded.measure(rankings, ranked, /*with_decoder=*/false, context);
        for (Number& number :
             rank_quantiles(target_ranks({rankings, ranked, loaded.data, &loaded.sids})))
          numbers.push_back(std::move(number));
        return numbers;
      };
      if (settings.starts_trained()) {
        loop.against_start =
            StartComparison{.on_alarm = settings.on_alarm,
                            .user_S = ranked.user_S,
                            .seed = context.generator("against_start", 0).current_seed(),
                            .evaluated_rows = evaluated_rows(*parts, run.input({Role::load}))};
      }
    }
    const auto trainer = settings.trainer.make<Trainer>(context);
    trainer->start(inputs, context);
    loop.observers = started_observers(settings,
                                       {.policy = *loaded.backbone,
                                        .validation = validation,
                                        .sids = loaded.sids,
                                        .trie = *loaded.trie,
                                        .data = data,
                                        .notes = loaded.notes,
                                        .num_steps = trainer->num_steps()},
                                       context);
    const Driven driven = drive_steps(run, *trainer, loop);
    loaded.backbone->save(run.out().folder("model"));
    run.out().number("steps", static_cast<double>(driven.steps));
    if (!driven.stopped.empty()) run.out().text("stopped", driven.stopped);
    if (driven.against_start) write_against_start(*driven.against_start, run.out());
    run.out().text("fingerprint", ArtifactReader(run.input({Role::resolve})).text("fingerprint"));
  };
  return stage;
}

// --- recommender.<name>, evaluate.<of>

// SIDs and vectors are inputs of those alone that ask for them: any other is one stage in all
// experiments on its data, whatever their SIDs.
Stage recommender_stage(const PartChoice& choice) {
  const bool reads_sids = choice.needs(Quantizer::kKind),
             reads_vectors = choice.needs(Encoder::kKind);
  Stage stage{.id = {Role::recommender, choice.name}, .inputs = {{Role::load}}, .parts = {choice}};
  if (reads_sids) stage.inputs.push_back({Role::resolve});
  if (reads_vectors) stage.inputs.push_back({Role::embed});
  stage.run = [choice, reads_sids, reads_vectors](StageRun& run) {
    const Dataset data = read_dataset(run.input({Role::load})).without_test();
    const std::optional<SidTable> sids =
        reads_sids ? std::optional(read_sids(run.input({Role::resolve}))) : std::nullopt;
    const auto recommender = choice.make<Recommender>(run.context());
    RecommenderInputs inputs{.data = data, .sids = sids ? &*sids : nullptr};
    if (reads_vectors) inputs.x_ND = ArtifactReader(run.input({Role::embed})).tensor("x_ND");
    recommender->fit(inputs, run.context());
    drive_steps(run, *recommender);
    ArtifactWriter fitted(run.out().folder("recommender"));
    recommender->save(fitted);
    fitted.close();
  };
  return stage;
}

// Which rows a stage ranks: those of [evaluate] for the report, or validation rows to choose by.
struct Ranked {
  StageId id;
  EvaluateSettings settings;
  bool is_validation() const { return id.role == Role::validate; }
};

Ranked for_the_report(const Parts& parts, Role role, const std::string& of) {
  return {{role, of}, parts.evaluate};
}

// As [evaluate] ranks, but other rows, and nothing of the test split is there.
Ranked to_choose_by(const Parts& parts, const TuneSettings& tune, const std::string& of) {
  Ranked ranked{{Role::validate, of}, parts.evaluate};
  ranked.settings.split = "valid";
  ranked.settings.limit = tune.rows;
  for (BoundOption& option : ranked.settings.options) {
    if (option.key == "split") option.value = io::toml_string(ranked.settings.split);
    if (option.key == "limit") option.value = std::to_string(ranked.settings.limit);
  }
  return ranked;
}

Samples ranked_rows(const Dataset& data, const Ranked& ranked) {
  const Samples& all = data.split(evaluated_split(ranked.settings));
  if (ranked.is_validation() && all.size() == 0)
    throw DataError("the source gives no validation rows, and [tune] chooses by them");
  return limited(all, ranked.settings.limit);
}

Stage rank_by_recommender(const Shared& parts, const PartChoice& choice, bool has_sids,
                          const Ranked& ranked) {
  const StageId fitted{Role::recommender, choice.name};
  Stage stage{.id = ranked.id, .inputs = {{Role::load}, fitted}, .parts = {choice}};
  if (has_sids) stage.inputs.push_back({Role::resolve});
  add_ranking(*parts, ranked.settings, stage);
  stage.run = [parts, choice, fitted, has_sids, ranked](StageRun& run) {
    const Dataset all = read_dataset(run.input({Role::load}));
    const Dataset data = ranked.is_validation() ? all.without_test() : all;
    const std::optional<SidTable> sids =
        has_sids ? std::optional(read_sids(run.input({Role::resolve}))) : std::nullopt;
    const auto recommender = choice.make<Recommender>(run.context());
    recommender->load(ArtifactReader(run.input(fitted) / "recommender"));
    const Samples samples = ranked_rows(data, ranked);
    const int64_t places = ranked.settings.beams;
    const Rankings rankings = recommender->rank(samples, places, run.context());
    in_the_name_of(*recommender, "rank()", [&] {
      boundary::check_rankings(rankings, samples.size(), places, data.items.size());
    });
    const Evaluation evaluation{rankings, samples, data, sids ? &*sids : nullptr};
    const auto measure = [&](const Metric& metric) {
      return metric.measure(evaluation, run.context());
    };
    write_numbers(measured(parts->metrics, measure, run.context()), samples, run.out());
    write_target_ranks(target_ranks(evaluation), run.out());
    write_listed_items(rankings, evaluated_split(ranked.settings), run.out());
  };
  return stage;
}

// The metrics that write prompts of their own are asked for the report alone.
Stage rank_by_model(const Shared& parts, const Ranked& ranked) {
  const StageId model = model_of(ranked.id.of);
  Stage stage{.id = ranked.id,
              .inputs = with_notes(parts, {{Role::load}, {Role::resolve}, model}),
              .parts = {*parts->backbone}};
  for (const TaskEntry& task : parts->tasks) {
    if (task.part.name == ranked.settings.task) stage.parts.push_back(task.part);
  }
  add_ranking(*parts, ranked.settings, stage);
  const PromptWording wording = wording_of(parts->wording, stage.parts);
  stage.key_lines += key_lines(wording);
  stage.run = [parts, model, wording, ranked](StageRun& run) {
    const bool is_report = !ranked.is_validation();
    const LoadedModel loaded(*parts, wording, model_folders(parts, run, model),
                             /*with_test=*/is_report, run.context());
    pack_for_many_tokens(*loaded.backbone, run.context());
    const Samples samples = ranked_rows(loaded.data, ranked);
    const Rankings rankings = loaded.rank(samples, *loaded.trie, ranked.settings, run.context());
    write_numbers(loaded.measure(rankings, samples, /*with_decoder=*/is_report, run.context()),
                  samples, run.out());
    write_target_ranks(target_ranks({rankings, samples, loaded.data, &loaded.sids}), run.out());
    write_listed_items(rankings, evaluated_split(ranked.settings), run.out());
  };
  return stage;
}

// A part with a seed of its own pins its stage's: runs that differ in [run] seed then share it.
Stage seeded(Stage stage, const PartChoice& part) {
  stage.seed = part.seed;
  return stage;
}

}  // namespace

Experiment make_experiment(const Document& document, Registry& registry) {
  Experiment experiment;
  experiment.run = read_run_settings(document);
  const Shared parts = std::make_shared<const Parts>(read_parts_of(document, registry));
  experiment.compare = read_compare(document);
  experiment.tune = read_tune(document, *parts);
  document.complain_about_leftovers(top_tables());
  document.throw_if_any();
  complain_about_answers(*parts, experiment.run, document);
  document.throw_if_any();
  experiment.parts = parts;
  experiment.resolved_toml = document.resolved_toml();

  const bool has_sids = parts->has_sids();
  std::vector<Stage>& stages = experiment.stages;
  stages.push_back(seeded(load_stage(parts), parts->source));
  const bool embeds = has_embed_stage(*parts);
  const bool backbone_first = embeds && embeds_by_backbone(*parts);
  const auto add_backbone = [&] {
    stages.push_back(seeded(backbone_stage(parts), *parts->backbone));
  };
  if (backbone_first) add_backbone();
  if (embeds) stages.push_back(seeded(embed_stage(parts), *parts->encoder));
  if (parts->quantizer) stages.push_back(seeded(quantize_stage(parts), *parts->quantizer));
  if (has_sids) {
    stages.push_back(parts->resolver ? seeded(resolve_stage(parts), *parts->resolver)
                                     : resolve_stage(parts));
    stages.back().look = [parts, run = experiment.run](const auto& product) {
      check_sids(*parts, run, read_sids(product));
    };
  }
  if (parts->extractor && has_sids)
    stages.push_back(seeded(extract_stage(parts), *parts->extractor));
  stages.push_back(audit_stage(parts, has_sids));
  for (const PartChoice& choice : parts->recommenders) {
    stages.push_back(seeded(recommender_stage(choice), choice));
    stages.push_back(rank_by_recommender(
        parts, choice, has_sids, for_the_report(*parts, Role::rank_recommender, choice.name)));
  }
  const auto evaluate_model = [&](const std::string& of) {
    stages.push_back(rank_by_model(parts, for_the_report(*parts, Role::rank_model, of)));
  };
  if (parts->backbone) {
    if (!backbone_first) add_backbone();
    stages.push_back(parts->initializer ? seeded(extend_stage(parts), *parts->initializer)
                                        : extend_stage(parts));
    if (parts->evaluate.untrained) evaluate_model(kUntrained);
    for (size_t i = 0; i < parts->stages.size(); ++i) {
      const StageEntry& entry = parts->stages[i];
      stages.push_back(seeded(train_stage(parts, i), entry.trainer));
      const bool goes_on =
          std::any_of(parts->stages.begin() + static_cast<std::ptrdiff_t>(i), parts->stages.end(),
                      [&](const StageEntry& later) { return later.from == entry.trainer.name; });
      if (!goes_on || parts->evaluate.every_stage) evaluate_model(entry.trainer.name);
    }
  }
  for (const TunedModel& model : experiment.tune.models) {
    const Ranked ranked = to_choose_by(*parts, experiment.tune, model.name);
    const auto recommender =
        std::find_if(parts->recommenders.begin(), parts->recommenders.end(),
                     [&](const PartChoice& choice) { return choice.name == model.name; });
    experiment.validations.push_back(
        recommender != parts->recommenders.end()
            ? rank_by_recommender(parts, *recommender, has_sids, ranked)
            : rank_by_model(parts, ranked));
  }
  return experiment;
}

}  // namespace tsrec::host
