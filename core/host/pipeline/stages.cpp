// The method on one screen: which stages an experiment has, what each reads, and what it does.
#include "pipeline/artefacts.hpp"
#include "pipeline/train_loop.hpp"
#include "pipeline/world.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {
namespace {

using Shared = std::shared_ptr<const Parts>;

// --- load: items, samples, and whether anything leaks
// ------------------------------------------------------------------- Every row's history lies
// before its target, and no row of training is later than its user's first test row.
void audit(const Dataset& data, Context& context) {
  std::map<int64_t, int64_t> first_test;
  const int64_t* test_time = data.test.time_S.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const auto [at, is_new] = first_test.emplace(data.test.user(row), test_time[row]);
    if (!is_new) at->second = std::min(at->second, test_time[row]);
  }
  int64_t late = 0, seen = 0;
  const int64_t* train_time = data.train.time_S.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < data.train.size(); ++row) {
    const auto found = first_test.find(data.train.user(row));
    late += found != first_test.end() && train_time[row] > found->second;
  }
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const auto history = data.test.history(row);
    seen += std::find(history.begin(), history.end(), data.test.target(row)) != history.end();
  }
  context.log(Level::info,
              c10::str(data.items.size(), " items; rows: ", data.train.size(), " train, ",
                       data.valid.size(), " valid, ", data.test.size(), " test"));
  context.log(Level::info, c10::str("audit: training rows later than their user's first test row: ",
                                    late, late == 0 ? " (pass)" : " (FAIL)",
                                    "; test targets that stand in their own history: ", seen,
                                    " of ", data.test.size()));
  if (late > 0)
    throw DataError(late,
                    " training rows are later than their user's first test row; the split leaks");
}

Stage load_stage(const Shared& parts) {
  return {"load",
          {},
          {parts->source},
          {},
          [parts](StageRun& run) {
            const Dataset data = parts->source.make<Source>(run.context())->load(run.context());
            if (data.items.size() == 0)
              throw DataError("the catalogue is empty; check the source's files");
            audit(data, run.context());
            write_dataset(data, run.out());
          },
          false};
}

// --- embed, quantize, resolve: from texts to SIDs
// -----------------------------------------------------------------------
Stage embed_stage(const Shared& parts) {
  return {"embed",
          {"load"},
          {*parts->encoder},
          {},
          [parts](StageRun& run) {
            const Dataset data = read_dataset(run.input("load"));
            const torch::Tensor x_ND =
                parts->encoder->make<Encoder>(run.context())->encode(data.items, run.context());
            if (x_ND.dim() != 2 || x_ND.size(0) != data.items.size() ||
                !x_ND.isfinite().all().item<bool>()) {
              throw DataError("the encoder '", parts->encoder->use,
                              "' gave vectors that are not finite, or not one per item");
            }
            run.out().tensor("x_ND", x_ND);
          },
          false};
}

Stage quantize_stage(const Shared& parts) {
  return {"quantize",
          {"embed"},
          {*parts->quantizer},
          {},
          [parts](StageRun& run) {
            const torch::Tensor x_ND = ArtifactReader(run.input("embed")).tensor("x_ND");
            const auto quantizer = parts->quantizer->make<Quantizer>(run.context());
            quantizer->fit(x_ND, run.context());
            ArtifactWriter fitted(run.out().folder("quantizer"));
            quantizer->save(fitted);
            fitted.close();
            run.out().tensor("code_NL", quantizer->encode(x_ND));
          },
          false};
}

void report_sids(const SidTable& sids, Context& context) {
  const std::vector<int64_t> group = sids.group_N();
  const int64_t distinct = *std::max_element(group.begin(), group.end()) + 1;
  std::string used;
  std::vector<int64_t> per_level(static_cast<size_t>(sids.num_levels()), 0);
  for (const TokenCluster& cluster : token_clusters(sids))
    ++per_level[static_cast<size_t>(cluster.level)];
  for (size_t level = 0; level < per_level.size(); ++level)
    used += c10::str(level ? ", " : "", per_level[level], "/", sids.sizes[level]);
  context.log(Level::info, c10::str(distinct, " distinct SIDs of ", sids.num_items(),
                                    " items; codes in use per level: ", used));
}

Stage resolve_stage(const Shared& parts) {
  if (!parts->quantizer) {  // the source's own SIDs
    return {"resolve",
            {"load"},
            {},
            {},
            [](StageRun& run) {
              const Dataset data = read_dataset(run.input("load"));
              if (!data.sids)
                throw DataError("the source ships no SIDs; add a [quantizer] with an [encoder]");
              report_sids(*data.sids, run.context());
              write_sids(*data.sids, keys_of(data.items), run.out());
            },
            false};
  }
  return {"resolve",
          {"load", "embed", "quantize"},
          {*parts->quantizer, *parts->resolver},
          {},
          [parts](StageRun& run) {
            const Dataset data = read_dataset(run.input("load"));
            const torch::Tensor x_ND = ArtifactReader(run.input("embed")).tensor("x_ND");
            const ArtifactReader quantized(run.input("quantize"));
            const auto quantizer = parts->quantizer->make<Quantizer>(run.context());
            quantizer->load(ArtifactReader(quantized.folder("quantizer")));
            const SidTable sids =
                parts->resolver->make<Resolver>(run.context())
                    ->resolve({quantized.tensor("code_NL"), x_ND, *quantizer}, run.context());
            report_sids(sids, run.context());
            write_sids(sids, keys_of(data.items), run.out());
          },
          false};
}

Stage extract_stage(const Shared& parts) {
  return {"extract",
          {"load", "resolve"},
          {*parts->extractor},
          {},
          [parts](StageRun& run) {
            const Dataset data = read_dataset(run.input("load"));
            const auto notes = parts->extractor->make<Extractor>(run.context())
                                   ->extract(token_clusters(read_sids(run.input("resolve"))),
                                             data.items, run.context());
            run.context().log(Level::info, c10::str(notes.size(), " tokens described"));
            write_notes(notes, run.out());
          },
          false};
}

// --- backbone, extend: a language model that knows the SID tokens
// -------------------------------------------------------
Stage backbone_stage(const Shared& parts) {
  return {"backbone",
          {"load"},
          {*parts->backbone},
          {},
          [parts](StageRun& run) {
            const auto backbone = parts->backbone->make<Backbone>(run.context());
            backbone->prepare(read_dataset(run.input("load")).items, run.context());
            backbone->save(run.out().folder("model"));
          },
          false};
}

std::vector<TokenNote> notes_for(const Shared& parts, StageRun& run) {
  return parts->extractor ? read_notes(run.input("extract")) : std::vector<TokenNote>();
}

std::vector<std::string> with_notes(const Shared& parts, std::vector<std::string> inputs) {
  if (parts->extractor) inputs.emplace_back("extract");
  return inputs;
}

Stage extend_stage(const Shared& parts) {
  return {"extend",
          with_notes(parts, {"load", "resolve", "backbone"}),
          {*parts->backbone, *parts->initializer},
          {},
          [parts](StageRun& run) {
            const auto backbone = parts->backbone->make<Backbone>(run.context());
            backbone->load(run.input("backbone") / "model");
            const SidTable sids = read_sids(run.input("resolve"));
            const std::vector<TokenNote> notes = notes_for(parts, run);
            const Vocabulary vocabulary(sids, static_cast<int32_t>(backbone->tokenizer().size()));
            const NewRows rows =
                parts->initializer->make<Initializer>(run.context())
                    ->rows(
                        {.tokens = vocabulary, .notes = notes, .backbone = *backbone, .sids = sids},
                        run.context());
            if (!rows.input_ED.isfinite().all().item<bool>())
              throw DataError("the initializer '", parts->initializer->use,
                              "' gave rows that are not finite");
            std::vector<std::string> tokens;
            for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
            backbone->extend(tokens, rows.input_ED, rows.output_ED);
            backbone->save(run.out().folder("model"));
            run.out().text("fingerprint", ArtifactReader(run.input("resolve")).text("fingerprint"));
          },
          false};
}

WorldFolders world_folders(const Shared& parts, const StageRun& run, const std::string& model) {
  return {run.input("load"), run.input("resolve"),
          parts->extractor ? run.input("extract") : std::filesystem::path(), run.input(model)};
}

// --- stage.<name>: each continues from the model before it
// --------------------------------------------------------------
Stage train_stage(const Shared& parts, size_t index, const std::string& before) {
  const StageEntry& entry = parts->stages[index];
  Stage stage{"stage." + entry.trainer.name,
              with_notes(parts, {"load", "resolve", before}),
              {*parts->backbone, entry.trainer},
              {},
              {},
              true};
  for (const TaskEntry& task : parts->tasks) {
    if (!is_among(task.part.name, entry.tasks) && !is_among(task.part.name, entry.validate_with))
      continue;
    stage.parts.push_back(task.part);
    stage.key_lines.push_back(
        c10::str("task ", task.part.name, " weight = ", task.weight, " repeat = ", task.repeat));
  }
  for (size_t r = 0; r < entry.rewards.size(); ++r) {
    stage.parts.push_back(entry.rewards[r]);
    stage.key_lines.push_back(
        c10::str("reward ", entry.rewards[r].name, " weight = ", entry.reward_weights[r]));
  }
  stage.key_lines.push_back("tasks = " + c10::Join(" ", entry.tasks));
  stage.key_lines.push_back("validate_with = " + c10::Join(" ", entry.validate_with));
  stage.key_lines.push_back(c10::str("validate_every = ", entry.validate_every,
                                     " patience = ", entry.patience, " select = ", entry.select));
  if (entry.curve_rows > 0) {
    stage.key_lines.push_back(c10::str("curve_rows = ", entry.curve_rows));
    for (const std::string& line : parts->evaluate.key_lines()) stage.key_lines.push_back(line);
    for (const PartChoice& metric : parts->metrics) stage.parts.push_back(metric);
  }
  stage.key_lines.push_back("prompt = " + io::sha256(wording_text(parts->wording)));
  stage.run = [parts, index, before](StageRun& run) {
    const StageEntry& settings = parts->stages[index];
    Context& context = run.context();
    const World world(*parts, world_folders(parts, run, before), /*with_test=*/false, context);
    const TaskExamples examples(world.tasks(settings.tasks, world.data, context), world.data,
                                *world.compiler);
    const TaskExamples validation(world.tasks(settings.validate_with, world.data, context),
                                  world.data, *world.compiler);
    TrainInputs inputs{.policy = *world.backbone,
                       .examples = examples,
                       .validation = validation,
                       .sids = world.sids,
                       .trie = *world.trie,
                       .rewards = {},
                       .reward_names = {},
                       .reward_weights = settings.reward_weights};
    for (const PartChoice& choice : settings.rewards) {
      auto reward = choice.make<Reward>(context);
      reward->prepare({world.data, world.sids, world.notes}, context);
      inputs.rewards.push_back(std::move(reward));
      inputs.reward_names.push_back(choice.name);
    }
    const Samples curve_samples = limited(world.data.valid, settings.curve_rows);
    TrainLoopSettings loop;
    loop.patience = settings.patience;
    loop.checkpoint_every = settings.checkpoint_every;
    loop.select = settings.select;
    loop.validate_every = [&](int64_t steps) { return settings.validation_interval(steps); };
    if (settings.curve_rows > 0) {
      loop.more_numbers = [&] {
        return world.measure(world.rank(curve_samples, parts->evaluate, context), curve_samples,
                             /*with_decoder=*/false, context);
      };
    }
    const auto trainer = settings.trainer.make<Trainer>(context);
    const int64_t steps =
        train_loop(run, *trainer, *world.backbone, loop, [&] { trainer->start(inputs, context); });
    world.backbone->save(run.out().folder("model"));
    run.out().number("steps", static_cast<double>(steps));
    run.out().text("fingerprint", ArtifactReader(run.input("resolve")).text("fingerprint"));
  };
  return stage;
}

// --- recommender.<name>, evaluate.<of>
// ----------------------------------------------------------------------------------
Stage recommender_stage(const PartChoice& choice, bool has_sids) {
  Stage stage{"recommender." + choice.name, {"load"}, {choice}, {}, {}, false};
  if (has_sids) stage.inputs.emplace_back("resolve");
  stage.run = [choice, has_sids](StageRun& run) {
    const Dataset data = read_dataset(run.input("load")).without_test();
    const std::optional<SidTable> sids =
        has_sids ? std::optional(read_sids(run.input("resolve"))) : std::nullopt;
    const auto recommender = choice.make<Recommender>(run.context());
    recommender->fit({data, sids ? &*sids : nullptr}, run.context());
    ArtifactWriter fitted(run.out().folder("recommender"));
    recommender->save(fitted);
    fitted.close();
  };
  return stage;
}

Split evaluated_split(const EvaluateSettings& settings) {
  return settings.split == "valid" ? Split::valid : Split::test;
}

Stage evaluate_recommender(const Shared& parts, const PartChoice& choice, bool has_sids) {
  Stage stage{"evaluate." + choice.name,
              {"load", "recommender." + choice.name},
              {choice},
              parts->evaluate.key_lines(),
              {},
              false};
  if (has_sids) stage.inputs.emplace_back("resolve");
  for (const PartChoice& metric : parts->metrics) stage.parts.push_back(metric);
  stage.run = [parts, choice, has_sids](StageRun& run) {
    const Dataset data = read_dataset(run.input("load"));
    const std::optional<SidTable> sids =
        has_sids ? std::optional(read_sids(run.input("resolve"))) : std::nullopt;
    const auto recommender = choice.make<Recommender>(run.context());
    recommender->load(ArtifactReader(run.input("recommender." + choice.name) / "recommender"));
    const Samples samples =
        limited(data.split(evaluated_split(parts->evaluate)), parts->evaluate.limit);
    const Rankings rankings = recommender->rank(samples, parts->evaluate.beams, run.context());
    Numbers numbers;
    for (const PartChoice& metric : parts->metrics) {
      for (Number& number :
           metric.make<Metric>(run.context())
               ->measure({rankings, samples, data, sids ? &*sids : nullptr}, run.context())) {
        numbers.push_back(std::move(number));
      }
    }
    write_numbers(numbers, samples, run.out());
  };
  return stage;
}

Stage evaluate_model(const Shared& parts, const std::string& of, const std::string& model_stage) {
  Stage stage{"evaluate." + of,
              with_notes(parts, {"load", "resolve", model_stage}),
              {*parts->backbone},
              parts->evaluate.key_lines(),
              {},
              false};
  for (const PartChoice& metric : parts->metrics) stage.parts.push_back(metric);
  for (const TaskEntry& task : parts->tasks) {
    if (task.part.name == parts->evaluate.task) stage.parts.push_back(task.part);
  }
  stage.key_lines.push_back("prompt = " + io::sha256(wording_text(parts->wording)));
  stage.run = [parts, model_stage](StageRun& run) {
    const World world(*parts, world_folders(parts, run, model_stage), /*with_test=*/true,
                      run.context());
    // In float32 only forwards of few tokens would profit, and here are none.
    if (run.context().precision() == torch::kBFloat16) world.backbone->pack();
    const Samples samples =
        limited(world.data.split(evaluated_split(parts->evaluate)), parts->evaluate.limit);
    const Rankings rankings = world.rank(samples, parts->evaluate, run.context());
    write_numbers(world.measure(rankings, samples, /*with_decoder=*/true, run.context()), samples,
                  run.out());
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
  document.complain_about_leftovers();
  document.throw_if_any();
  experiment.parts = parts;
  experiment.resolved_toml = document.resolved_toml();

  const bool has_sids = parts->quantizer || parts->backbone;
  std::vector<Stage>& stages = experiment.stages;
  stages.push_back(seeded(load_stage(parts), parts->source));
  if (parts->quantizer) {
    stages.push_back(seeded(embed_stage(parts), *parts->encoder));
    stages.push_back(seeded(quantize_stage(parts), *parts->quantizer));
  }
  if (has_sids)
    stages.push_back(parts->resolver ? seeded(resolve_stage(parts), *parts->resolver)
                                     : resolve_stage(parts));
  if (parts->extractor && has_sids)
    stages.push_back(seeded(extract_stage(parts), *parts->extractor));
  for (const PartChoice& choice : parts->recommenders) {
    stages.push_back(seeded(recommender_stage(choice, has_sids), choice));
    stages.push_back(evaluate_recommender(parts, choice, has_sids));
  }
  if (parts->backbone) {
    stages.push_back(seeded(backbone_stage(parts), *parts->backbone));
    stages.push_back(seeded(extend_stage(parts), *parts->initializer));
    std::string model = "extend";
    if (parts->evaluate.untrained) stages.push_back(evaluate_model(parts, "untrained", model));
    for (size_t i = 0; i < parts->stages.size(); ++i) {
      stages.push_back(seeded(train_stage(parts, i, model), parts->stages[i].trainer));
      model = stages.back().name;
      const bool is_last = i + 1 == parts->stages.size();
      if (is_last || parts->evaluate.every_stage)
        stages.push_back(evaluate_model(parts, parts->stages[i].trainer.name, model));
    }
  }
  return experiment;
}

}  // namespace tsrec::host
