#include "commands/open.hpp"

namespace tsrec::host {

Opened open_experiment(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    throw ConfigError("name one experiment: a .toml file, or a folder with an experiment.toml");
  DocumentRequest request;
  request.file = arguments.words.front();
  request.with = arguments.with;
  request.set = arguments.set;
  const Document document = Document::load(request);
  Opened opened;
  opened.folder = document.file().parent_path();
  opened.registry = std::make_shared<Registry>(arguments.plugins, opened.folder);
  opened.experiment = make_experiment(document, *opened.registry);
  return opened;
}

void prepare_process(const RunSettings& run) {
  at::set_num_threads(static_cast<int>(run.threads));
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
}

}  // namespace tsrec::host
