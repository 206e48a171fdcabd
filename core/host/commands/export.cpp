#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "serving/stored_model.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/adapter_files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// One line for each item: key, SID, title. Whoever serves the model turns its answers back with it.
std::string sid_lines(const Items& items, const SidTable& sids) {
  std::string lines = "item\tsid\ttitle\n";
  for (int64_t item = 0; item < items.size(); ++item) {
    std::string title(items.text("title", item));
    for (char& c : title) {
      if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    }
    lines += items.key(item) + "\t" + sids.text(item) + "\t" + title + "\n";
  }
  return lines;
}

// Returns what was written.
const char* write_model(const fs::path& model, const std::string& adapters_of, const fs::path& to) {
  if (!adapters_of.empty()) {
    nn::write_peft(model, adapters_of, to);
    return "adapters for peft with their tokenizer, which knows the SIDs";
  }
  if (nn::has_adapters(model)) {
    nn::write_merged(model, to);
  } else {
    fs::copy(model, to, fs::copy_options::recursive);
  }
  return "a Hugging Face model whose tokenizer knows the SIDs";
}

}  // namespace

int command_export(const Arguments& arguments) {
  if (arguments.words.size() != 2)
    throw ConfigError("export needs a run or an experiment, and a folder that does not exist yet");
  const fs::path folder = arguments.words[1], unfinished = folder.string() + ".unfinished";
  if (fs::exists(folder))
    throw ConfigError("'", folder.string(), "' exists already; name another folder");
  const Store store(arguments.store);
  const std::string& named = arguments.words[0];
  const fs::path run = recorded_run(arguments, named);
  const ModelFolders stored = serving::stored_model(
      run.empty() ? plan_stages(open_experiment(arguments, named).experiment, store)
                  : read_run_record(run, store),
      arguments.of, named);
  fs::remove_all(unfinished);
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path());
  const char* written =
      write_model(ArtifactReader(stored.model).folder("model"), arguments.adapters_of, unfinished);
  io::write_text(unfinished / "sids.tsv",
                 sid_lines(read_dataset(stored.load).items, read_sids(stored.resolve)));
  fs::rename(unfinished, folder);
  std::cout << "wrote " << folder.string() << ": " << written << ", and sids.tsv\n";
  return kFine;
}

}  // namespace tsrec::host
