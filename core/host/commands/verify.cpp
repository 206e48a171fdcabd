#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/inventory.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

int command_verify(const Arguments& arguments) {
  if (!arguments.words.empty())
    throw ConfigError("verify takes no arguments; --store DIR names another store");
  const Store store = existing_store(arguments);
  const std::vector<StoredArtefact> artefacts = stored_artefacts(store);
  uintmax_t bytes = 0;
  int64_t damaged = 0;
  for (const StoredArtefact& artefact : artefacts) {
    bytes += bytes_of(artefact.folder);
    const std::string damage = damage_of(artefact);
    if (damage.empty()) continue;
    ++damaged;
    std::cout << "damaged: " << artefact.stage << ", " << artefact.folder.string() << ": " << damage
              << '\n';
  }
  std::cout << artefacts.size() << " artefacts, " << (bytes >> 20) << " MiB: "
            << (damaged == 0 ? "all are as they were stored" : c10::str(damaged, " damaged"))
            << '\n';
  if (damaged == 0) return kFine;
  std::cerr << "remove the folders of the damaged ones: the next run makes them again, and what "
               "was made from them only where the bytes come out otherwise\n";
  return kFailed;
}

}  // namespace tsrec::host
