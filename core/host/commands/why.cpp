#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/runner.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

const StageResult& stage_named(const std::string& name, const std::vector<StageResult>& plan) {
  std::vector<std::string> known;
  for (const StageResult& stage : plan) {
    if (stage.id.text() == name) return stage;
    known.push_back(stage.id.text());
  }
  throw ConfigError("the experiment has no stage '", name, "'", suggest(name, known));
}

}  // namespace

int command_why(const Arguments& arguments) {
  if (arguments.words.size() != 2)
    throw ConfigError("why needs an experiment and one of its stages, as  tsrec plan  names them");
  const Opened opened = open_experiment(arguments, arguments.words[0]);
  const Store store(arguments.store);
  const std::vector<StageResult> plan = plan_stages(opened.experiment, store);
  const StageResult& stage = stage_named(arguments.words[1], plan);
  const std::string name = stage.id.text();
  if (stage.changed_input) {
    std::cout << name << " has no key yet, because its input " << stage.changed_input->text()
              << " has to be made; ask  tsrec why " << arguments.words[0] << " "
              << stage.changed_input->text() << '\n';
    return kFine;
  }
  std::cout << name << ", key " << stage.key << '\n';
  if (stage.state == StageResult::State::stored) {
    std::cout << "stored in " << stage.folder.string() << ", digest " << stage.digest << '\n';
    return kFine;
  }
  const std::string nearest = store.closest_key_text(name, stage.key_text);
  if (nearest.empty()) {
    std::cout << "it never ran in " << store.root().string() << '\n';
    return kFine;
  }
  std::cout << "not stored; what differs from the nearest that is, key " << io::sha256(nearest)
            << ":\n";
  for (const std::string& line : lines_only_in(nearest, stage.key_text))
    std::cout << "  - " << line << '\n';
  for (const std::string& line : lines_only_in(stage.key_text, nearest))
    std::cout << "  + " << line << '\n';
  std::cout << "(- stored, + now)\n";
  return kFine;
}

}  // namespace tsrec::host
