#include "commands/open.hpp"

#include <ATen/Parallel.h>

#include <ctime>
#include <iostream>

#include "pipeline/kept_plugins.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "plugin/active_call.hpp"
#include "support/cuda.hpp"
#include "support/endings.hpp"
#include "support/log.hpp"
#include "support/signals.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

namespace {

fs::path fresh_run_folder(const fs::path& store, const std::string& name) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> stamp;
  std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &local);
  const std::string base = std::string(stamp.data()) + "-" + name;
  fs::create_directories(store / "runs");
  // Who makes it has it: others on the store may begin the same one in the same second.
  fs::path folder = store / "runs" / base;
  for (int again = 2; !fs::create_directory(folder); ++again)
    folder = store / "runs" / (base + "-" + std::to_string(again));
  return folder;
}

}  // namespace

const std::string& named_experiment(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    throw ConfigError("name one experiment: a .toml file, or a folder with an experiment.toml");
  return arguments.words.front();
}

fs::path run_folder(const Arguments& arguments, const std::string& named) {
  for (const fs::path& folder : {fs::path(named), arguments.store / "runs" / named}) {
    if (fs::exists(folder / "resolved.toml")) return folder;
  }
  return {};
}

fs::path folder_of(const fs::path& experiment) {
  if (fs::is_directory(experiment)) return experiment;
  return experiment.has_parent_path() ? experiment.parent_path() : ".";
}

Opened open_experiment(const Arguments& arguments, const std::string& named,
                       const DocumentRequest::Overrides& cell, const std::string& cell_name,
                       const std::shared_ptr<Registry>& registry) {
  DocumentRequest request;
  const fs::path run = run_folder(arguments, named);
  request.file = run.empty() ? fs::path(named) : run / "resolved.toml";
  request.with = arguments.with;
  request.set = arguments.set;
  request.overrides = cell;
  request.overrides_flag = cell_name;
  const Document document = Document::load(request);
  Opened opened;
  opened.folder = folder_of(document.file());
  opened.registry =
      registry ? registry : std::make_shared<Registry>(arguments.plugins, opened.folder);
  opened.experiment = make_experiment(document, *opened.registry);
  if (registry) return opened;  // whoever made it has warned
  // A broken plugin that nobody asked for is no reason to stop, but its author wants to know.
  for (const auto& file : opened.registry->files()) {
    if (!file->is_installed() && !file->refusal.empty())
      log(Level::warning, "warning: " + file->refusal);
  }
  return opened;
}

fs::path recorded_run(const Arguments& arguments, const std::string& named) {
  const bool is_changed = !arguments.set.empty() || !arguments.with.empty();
  return is_changed ? fs::path() : run_folder(arguments, named);
}

std::vector<StageResult> stages_of(const Arguments& arguments, const std::string& named,
                                   const Experiment& experiment, const Store& store) {
  const fs::path run = recorded_run(arguments, named);
  return run.empty() ? plan_stages(experiment, store) : read_run_record(run, store);
}

fs::path begin_run_folder(const Opened& opened, const Store& store, const std::string& ending) {
  const fs::path folder = fresh_run_folder(store.root(), opened.experiment.run.name + ending);
  io::write_text(folder / "resolved.toml", opened.experiment.resolved_toml);
  keep_plugins(*opened.registry, store, folder);
  log_to_file(folder / "log.txt");
  const ProductLibrary library = opened.experiment.run.product_library;
  if (library != ProductLibrary::mkl)
    log(Level::info, c10::str("float32 products: ", shown_name(library)));
  return folder;
}

Store existing_store(const Arguments& arguments) {
  if (!fs::is_directory(arguments.store))
    throw ConfigError("there is no store '", arguments.store.string(),
                      "'; name another with --store or TSREC_STORE");
  return Store(arguments.store);
}

int stopped_tidily(const Interrupted& stopped) {
  std::cerr << "\n" << stopped.what() << "; run the same command again to go on" << std::endl;
  return kStopped;
}

void prepare_process(const RunSettings& run) {
  at::set_num_threads(static_cast<int>(run.threads));
  use_product_library(run.product_library);
  // A GPU may sum in any order, which is faster: its numbers agree within tolerances, not to the
  // bit.
  at::globalContext().setDeterministicAlgorithms(run.torch_device.is_cpu(), /*warn_only=*/true);
  // Comes with determinism, and would write every tensor twice.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  if (run.device == "auto" && run.torch_device.is_cpu() && has_driver())
    log(Level::warning, "the GPU of this machine is not used: " + why_no_cuda());
}

void watch_endings(const char* advice) {
  const FindOpenCall find = []() noexcept -> OpenCall {
    const ActiveCall::Names names = ActiveCall::of_this_thread();
    return {names.part, names.method};
  };
  name_who_ends_the_process(find, advice);
}

void watch_process(bool is_child, bool isolates) {
  const bool is_advised = !is_child && !isolates;
  watch_endings(is_advised ? "; --isolate runs every stage in a process of its own" : "");
  watch_signals(/*acknowledges=*/!is_child);
}

}  // namespace tsrec::host
