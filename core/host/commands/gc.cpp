#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/inventory.hpp"
#include "pipeline/key_lock.hpp"
#include "pipeline/runner.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Keys of a run that did not record its stages: it is at work, or was killed. What it plans now is
// what it would find stored.
std::set<std::string> planned_keys(const Arguments& arguments, const fs::path& run_folder,
                                   const Store& store) {
  try {
    Arguments asked = arguments;
    asked.set.clear();
    std::set<std::string> keys;
    for (const StageResult& stage :
         plan_stages(open_experiment(asked, run_folder.string()).experiment, store))
      keys.insert(stage.key);
    return keys;
  } catch (const std::exception& error) {
    throw ConfigError("the run '", run_folder.string(),
                      "' did not come to its end, and what it refers to cannot be told (",
                      error.what(), "); remove its folder, or mend that");
  }
}

std::set<std::string> referenced_keys(const Arguments& arguments, const Store& store) {
  std::set<std::string> keys;
  for (const fs::path& folder : run_folders(store)) {
    for (const fs::path& run : runs_within(folder)) {
      std::optional<std::set<std::string>> own = recorded_keys(run);
      if (!own) own = planned_keys(arguments, run, store);
      keys.merge(*own);
    }
  }
  return keys;
}

// What may go, and why.
struct Garbage {
  fs::path path;
  std::string what;
  uintmax_t bytes = 0;
};

double days_since(fs::file_time_type time) {
  return std::chrono::duration<double, std::ratio<86400>>(fs::file_time_type::clock::now() - time)
      .count();
}

std::vector<Garbage> garbage_of(const Arguments& arguments, const Store& store) {
  const auto is_wanted = [&](uintmax_t bytes, fs::file_time_type written) {
    return days_since(written) >= arguments.older_than &&
           static_cast<double>(bytes) >= arguments.larger_than * (1 << 20);
  };
  std::vector<Garbage> garbage;
  const std::set<std::string> referenced = referenced_keys(arguments, store);
  for (const StoredArtefact& artefact : stored_artefacts(store)) {
    if (referenced.contains(artefact.key)) continue;
    const uintmax_t bytes = bytes_of(artefact.folder);
    if (is_wanted(bytes, artefact.written))
      garbage.push_back({artefact.folder, artefact.stage + ", of no run", bytes});
  }
  std::error_code absent;
  for (const char* kind : {"work", "failed"}) {
    for (const auto& entry : fs::directory_iterator(store.root() / kind, absent)) {
      if (KeyLock::holder(store.lock(entry.path().filename().string()))) continue;
      const uintmax_t bytes = bytes_of(entry.path());
      if (is_wanted(bytes, last_written(entry.path())))
        garbage.push_back({entry.path(),
                           std::string(kind) == "work" ? "an interrupted stage, with its checkpoint"
                                                       : "the words of a stage that failed",
                           bytes});
    }
  }
  // Of an import that is at work the last file is young, unless its archive is read very slowly.
  constexpr double kDays = 1;
  for (const auto& entry : fs::directory_iterator(store.root() / "importing", absent)) {
    const fs::file_time_type written = last_written(entry.path());
    const uintmax_t bytes = bytes_of(entry.path());
    if (days_since(written) > kDays && is_wanted(bytes, written))
      garbage.push_back({entry.path(), "what an import left behind", bytes});
  }
  return garbage;
}

// The files of locks, KEY.N; a KEY has several of them where a stage was begun more than once.
std::vector<fs::path> lock_files(const Store& store) {
  std::vector<fs::path> files;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(store.root() / "locks", absent))
    files.push_back(entry.path());
  return files;
}

std::optional<LockHolder> holder_of(const fs::path& lock_file, const Store& store) {
  return KeyLock::holder(store.lock(lock_file.stem().string()));
}

// A run at work reads artefacts without a lock, and its folder does not yet say which.
void refuse_while_at_work(const Store& store) {
  for (const fs::path& file : lock_files(store)) {
    if (const std::optional<LockHolder> holder = holder_of(file, store))
      throw ConfigError("a stage is being made by ", holder->text(), " ('", file.string(),
                        "'), and what its run reads cannot be told; nothing was deleted. Wait "
                        "until it has ended; where that machine is gone for good, remove the file");
  }
}

// What is left of locks that nobody holds. Whoever waits for one takes it within a second, so that
// after a day nobody has seen these files and goes by their numbers, whatever the clocks say.
void remove_old_locks(const Store& store) {
  constexpr double kDays = 1;
  std::error_code gone;
  for (const fs::path& file : lock_files(store)) {
    const fs::file_time_type written = fs::last_write_time(file, gone);
    if (!gone && days_since(written) > kDays && !holder_of(file, store)) fs::remove(file, gone);
  }
}

// Out of the store by one rename: whoever looks finds it whole, or not at all.
void take_away(const Garbage& garbage, const Store& store) {
  const fs::path bin = store.root() / "deleted";
  fs::create_directories(bin);
  const fs::path place = bin / garbage.path.filename();
  fs::remove_all(place);
  fs::rename(garbage.path, place);
  fs::remove_all(place);
  std::error_code absent;
  fs::remove(store.root() / "seconds" / garbage.path.filename(), absent);
}

}  // namespace

int command_gc(const Arguments& arguments) {
  if (!arguments.words.empty())
    throw ConfigError("gc takes no arguments; --store DIR names another store");
  const Store store = existing_store(arguments);
  if (arguments.deletes) refuse_while_at_work(store);
  const std::vector<Garbage> garbage = garbage_of(arguments, store);
  uintmax_t bytes = 0;
  for (const Garbage& one : garbage) {
    bytes += one.bytes;
    std::cout << (arguments.deletes ? "deleted " : "would delete ") << one.path.string() << "  ("
              << one.what << ", " << one.bytes << " bytes)\n";
    if (arguments.deletes) take_away(one, store);
  }
  if (arguments.deletes) remove_old_locks(store);
  std::error_code left_behind;
  for (const char* empty : {"deleted", "importing"}) fs::remove(store.root() / empty, left_behind);
  std::cout << garbage.size() << " folders, " << bytes << " bytes"
            << (arguments.deletes || garbage.empty() ? "" : "; --delete deletes them") << '\n';
  return kFine;
}

}  // namespace tsrec::host
