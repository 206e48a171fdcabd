// why, runs, verify, gc, export-run and import-run, on a small run.
#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "cli_support.hpp"
#include "pipeline/inventory.hpp"
#include "pipeline/key_lock.hpp"
#include "pipeline/run_archive.hpp"
#include "support/tar.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

// Floors on the smoke test's data: a run of a second.
const std::string kSmokeFloors =
    kSmoke +
    " --set stage.sft.enabled=false --set stage.grpo.enabled=false --set "
    "backbone.enabled=false --set initializer.enabled=false";

class StoreCommands : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    store_ = new TempFolder;
    const Outcome made = run("run " + kSmokeFloors + in(store()));
    ASSERT_EQ(made.code, 0) << made.text;
    name_ = fs::path(between(made.text, "run folder: ", "\n")).filename().string();
    archive_ = store() / "floors.tar";
    const Outcome packed = run("export-run " + name_ + " " + archive_.string() + in(store()));
    ASSERT_EQ(packed.code, 0) << packed.text;
  }
  static void TearDownTestSuite() {
    delete store_;
    store_ = nullptr;
  }
  static fs::path store() { return store_->path(); }
  static std::string in(const fs::path& folder) { return " --store " + folder.string(); }
  // A copy, to be damaged.
  static void copy_store(const fs::path& to) { fs::copy(store(), to, fs::copy_options::recursive); }
  static std::vector<host::StoredArtefact> artefacts(const fs::path& folder) {
    return host::stored_artefacts(host::Store(folder));
  }
  static const host::StoredArtefact& of_stage(const std::vector<host::StoredArtefact>& all,
                                              const std::string& stage) {
    for (const host::StoredArtefact& one : all) {
      if (one.stage == stage) return one;
    }
    throw Error("nothing is stored of ", stage);
  }

  static TempFolder* store_;
  static std::string name_;
  static fs::path archive_;
};
TempFolder* StoreCommands::store_ = nullptr;
std::string StoreCommands::name_;
fs::path StoreCommands::archive_;

TEST_F(StoreCommands, WhySaysEveryLineThatDiffers) {
  const Outcome stored = run("why " + kSmokeFloors + " load" + in(store()));
  EXPECT_EQ(stored.code, 0) << stored.text;
  EXPECT_TRUE(contains(stored.text, "\nstored in ")) << stored.text;
  const Outcome changed =
      run("why " + kSmokeFloors + " quantize --set quantizer.codes=9" + in(store()));
  EXPECT_EQ(changed.code, 0) << changed.text;
  const std::string changes = between(changed.text, ":\n", "(- stored");
  EXPECT_TRUE(contains(changes, "  - option codes = 8\n")) << changed.text;
  EXPECT_TRUE(contains(changes, "  + option codes = 9\n")) << changed.text;
  EXPECT_FALSE(contains(changes, "dimensions")) << "what is equal is left out\n" << changes;
  const Outcome unknowable =
      run("why " + kSmokeFloors + " quantize --set source.users=200" + in(store()));
  EXPECT_TRUE(contains(unknowable.text, "because its input embed has to be made"))
      << unknowable.text;
  const Outcome unknown = run("why " + kSmokeFloors + " quantise" + in(store()));
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(contains(unknown.text, "did you mean 'quantize'?")) << unknown.text;
}

TEST_F(StoreCommands, RunsAreListedAndFiltered) {
  const Outcome all = run("runs" + in(store()));
  EXPECT_EQ(all.code, 0);
  EXPECT_TRUE(contains(all.text, "| " + name_ + " | ")) << all.text;
  EXPECT_TRUE(contains(all.text, " done | ")) << all.text;
  EXPECT_TRUE(contains(all.text, "item.hr@10 0.")) << all.text;
  EXPECT_TRUE(contains(run("runs --name smoke --state done" + in(store())).text, name_));
  EXPECT_EQ(run("runs --name nothing" + in(store())).text, "no runs\n");
  EXPECT_EQ(run("runs --state failed" + in(store())).text, "no runs\n");
  EXPECT_EQ(run("runs --since 2999-01-01" + in(store())).text, "no runs\n");
  EXPECT_TRUE(contains(run("runs --since 2020-01-01" + in(store())).text, name_));
  const Outcome lines = run("runs --json" + in(store()));
  EXPECT_TRUE(contains(lines.text, "{\"run\":\"" + name_ + "\",\"name\":\"smoke\",\"time\":\""))
      << lines.text;
  EXPECT_EQ(run("runs --since yesterday" + in(store())).code, 2);
  EXPECT_EQ(run("runs --state don" + in(store())).code, 2);
}

TEST_F(StoreCommands, VerifyNamesWhatIsDamaged) {
  const TempFolder place;
  const fs::path copy = place.path() / "copy";
  copy_store(copy);
  const Outcome fine = run("verify" + in(copy));
  EXPECT_EQ(fine.code, 0) << fine.text;
  EXPECT_TRUE(contains(fine.text, "all are as they were stored")) << fine.text;
  const std::vector<host::StoredArtefact> all = artefacts(copy);
  const fs::path embed = of_stage(all, "embed").folder, load = of_stage(all, "load").folder;
  std::string bytes = io::read_text(embed / "tensors.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  io::write_text(embed / "tensors.safetensors", bytes);
  io::write_text(load / "key.txt", io::read_text(load / "key.txt") + "more\n");
  io::write_text(of_stage(all, "quantize").folder / "stray.txt", "x");
  const Outcome damaged = run("verify" + in(copy));
  EXPECT_EQ(damaged.code, 4) << damaged.text;
  EXPECT_TRUE(contains(damaged.text, "damaged: embed, " + embed.string() + ": its bytes are not"))
      << damaged.text;
  EXPECT_TRUE(contains(damaged.text, "damaged: load, " + load.string() + ": its key.txt"))
      << damaged.text;
  EXPECT_TRUE(contains(damaged.text, ": 3 damaged\n")) << damaged.text;
  EXPECT_TRUE(contains(damaged.text, "remove the folders")) << damaged.text;
}

TEST_F(StoreCommands, GcLetsGoOfWhatNoRunRefersTo) {
  const TempFolder place;
  const fs::path copy = place.path() / "copy";
  copy_store(copy);
  const auto gc = [&](const std::string& more = "") { return run("gc" + more + in(copy)); };
  EXPECT_EQ(gc().text, "0 folders, 0 bytes\n") << "a run refers to all of it";
  // Another run, which is then removed: what it shared with the first stays.
  const Outcome other = run("run " + kSmokeFloors + " --set quantizer.codes=9" + in(copy));
  ASSERT_EQ(other.code, 0) << other.text;
  EXPECT_EQ(gc().text, "0 folders, 0 bytes\n");
  const size_t both = artefacts(copy).size(), first = artefacts(store()).size();
  ASSERT_GT(both, first);
  fs::remove_all(between(other.text, "run folder: ", "\n"));
  fs::create_directories(copy / "work" / "0123");
  io::write_text(copy / "work" / "0123" / "checkpoint", "four");
  uintmax_t bytes = 4;
  const std::vector<host::StoredArtefact> of_first = artefacts(store());
  for (const host::StoredArtefact& one : artefacts(copy)) {
    const bool is_shared = std::any_of(of_first.begin(), of_first.end(),
                                       [&](const auto& known) { return known.key == one.key; });
    if (!is_shared) bytes += host::bytes_of(one.folder);
  }
  const std::string total = c10::str(both - first + 1, " folders, ", bytes, " bytes");
  const Outcome dry = gc();
  EXPECT_TRUE(contains(dry.text, total + "; --delete deletes them\n")) << dry.text;
  EXPECT_EQ(artefacts(copy).size(), both) << "it only says so";
  EXPECT_EQ(gc(" --older-than 1").text, "0 folders, 0 bytes\n");
  EXPECT_EQ(gc(" --larger-than 1000").text, "0 folders, 0 bytes\n");
  // A stage that is being made.
  fs::create_directories(copy / "work" / "4567");
  {
    const host::KeyLock lock(host::Store(copy).lock("4567"));
    const Outcome busy = gc(" --delete");
    EXPECT_EQ(busy.code, 2) << busy.text;
    EXPECT_TRUE(contains(busy.text, c10::str("is being made by process ", ::getpid(), " on ")))
        << busy.text;
    EXPECT_TRUE(contains(busy.text, "nothing was deleted")) << busy.text;
    EXPECT_EQ(artefacts(copy).size(), both);
    EXPECT_FALSE(contains(gc().text, "4567"));
  }
  EXPECT_TRUE(contains(gc().text, "4567")) << "it was interrupted";
  fs::remove_all(copy / "work" / "4567");
  const Outcome done = gc(" --delete");
  EXPECT_TRUE(contains(done.text, "\n" + total + "\n")) << done.text;
  EXPECT_EQ(artefacts(copy).size(), first);
  EXPECT_FALSE(fs::exists(copy / "work" / "0123"));
  EXPECT_EQ(gc().text, "0 folders, 0 bytes\n");
  EXPECT_FALSE(contains(run("plan " + name_ + in(copy)).text, "runs:")) << "the first is whole";
}

// Files of locks are taken away when nobody can go by them any more.
TEST_F(StoreCommands, GcRemovesLocksThatNobodyHasHeldForADay) {
  const TempFolder folder;
  const host::Store store(folder.path());
  const auto age = [](const fs::path& file) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(25));
  };
  const auto gc = [&] { return run("gc --delete" + in(folder.path())); };
  for (const char* key : {"0123", "4567"}) const host::KeyLock lock(store.lock(key));
  const fs::path young = store.lock("0123.1"), old = store.lock("4567.1");
  age(old);
  EXPECT_EQ(gc().code, 0);
  EXPECT_TRUE(fs::exists(young));
  EXPECT_FALSE(fs::exists(old));
  const host::KeyLock held(store.lock("89ab"));
  age(young);
  age(store.lock("89ab.1"));
  EXPECT_EQ(gc().code, 2);
  EXPECT_TRUE(fs::exists(young)) << "nothing was deleted";
  EXPECT_TRUE(fs::exists(store.lock("89ab.1")));
}

TEST_F(StoreCommands, GcTakesAwayWhatAnImportLeftBehindADayAgo) {
  const TempFolder folder;
  const fs::path killed = folder.path() / "importing" / "123",
                 young = folder.path() / "importing/456";
  for (const fs::path& one : {killed, young}) {
    fs::create_directories(one / "run");
    io::write_text(one / "run" / "resolved.toml", "four");
  }
  for (const fs::path& one : {killed / "run" / "resolved.toml", killed / "run", killed})
    fs::last_write_time(one, fs::file_time_type::clock::now() - std::chrono::hours(25));
  const Outcome done = run("gc --delete" + in(folder.path()));
  EXPECT_EQ(done.code, 0) << done.text;
  EXPECT_TRUE(contains(done.text, "what an import left behind, 4 bytes")) << done.text;
  EXPECT_FALSE(fs::exists(killed));
  EXPECT_TRUE(fs::exists(young)) << "it may be at work";
  fs::remove_all(young);
  EXPECT_EQ(run("gc --delete" + in(folder.path())).code, 0);
  EXPECT_FALSE(fs::exists(folder.path() / "importing"));
}

TEST_F(StoreCommands, AShareIsDoneWhenItsCellsAreStored) {
  const TempFolder place;
  const fs::path copy = place.path() / "copy";
  copy_store(copy);
  io::write_text(place.path() / "cells.toml",
                 "[compare.axis.decay]\na = {}\nb = { \"recommender.markov.decay\" = 0.3 }\n");
  const Outcome share = run("compare " + kSmokeFloors + " --with " +
                            (place.path() / "cells.toml").string() + " --shard 2/2" + in(copy));
  ASSERT_EQ(share.code, 0) << share.text;
  const fs::path folder = between(share.text, "run folder: ", "\n");
  const auto listed = [&](const std::string& state) {
    return contains(run("runs --state " + state + in(copy)).text, folder.filename().string());
  };
  EXPECT_TRUE(listed("done"));
  // Its page has the other share's cell too, once that is stored.
  EXPECT_EQ(run("report " + folder.string() + in(copy)).code, 0);
  EXPECT_TRUE(contains(io::read_text(folder / "report.html"), "\"name\":\"a, seed 17\""));
  fs::remove(folder / "share.txt");
  EXPECT_TRUE(listed("unfinished")) << "as where it was killed";
}

// What it plans now is what it refers to, as no record says so.
TEST_F(StoreCommands, GcKeepsWhatAnUnfinishedRunRefersTo) {
  const TempFolder place;
  const fs::path copy = place.path() / "copy";
  copy_store(copy);
  fs::remove(copy / "runs" / name_ / "stages.json");
  EXPECT_EQ(run("gc" + in(copy)).text, "0 folders, 0 bytes\n");
  io::write_text(copy / "runs" / name_ / "resolved.toml", "[source]\nuse = \"no_such_source\"\n");
  const Outcome unknown = run("gc --delete" + in(copy));
  EXPECT_EQ(unknown.code, 2) << unknown.text;
  EXPECT_TRUE(contains(unknown.text, "what it refers to cannot be told")) << unknown.text;
}

TEST_F(StoreCommands, ARunGoesRoundToAnotherStore) {
  const TempFolder fresh;
  const Outcome taken = run("import-run " + archive_.string() + in(fresh.path()));
  ASSERT_EQ(taken.code, 0) << taken.text;
  EXPECT_TRUE(contains(taken.text, c10::str(artefacts(store()).size(), " artefacts are new here")))
      << taken.text;
  EXPECT_EQ(run("verify" + in(fresh.path())).code, 0);
  const std::string plan = run("plan " + name_ + in(fresh.path())).text;
  EXPECT_TRUE(contains(plan, "stored\n")) << plan;
  EXPECT_FALSE(contains(plan, "runs:")) << plan;
  const Outcome checked = run("run " + name_ + " --check" + in(fresh.path()));
  EXPECT_EQ(checked.code, 0) << checked.text;
  EXPECT_TRUE(contains(checked.text, "expected.toml: all numbers agree")) << checked.text;
  // Run again from nothing, the numbers are the same; and the check can fail.
  const TempFolder alone;
  fs::create_directories(alone.path() / "runs");
  fs::copy(fresh.path() / "runs" / name_, alone.path() / "runs" / name_,
           fs::copy_options::recursive);
  EXPECT_EQ(run("run " + name_ + " --check" + in(alone.path())).code, 0);
  EXPECT_EQ(
      run("run " + name_ + " --check --set recommender.markov.decay=0.01" + in(alone.path())).code,
      1);
  // Nothing is written over.
  const Outcome again = run("import-run " + archive_.string() + in(fresh.path()));
  EXPECT_EQ(again.code, 2) << again.text;
  EXPECT_TRUE(contains(again.text, "exists already, and nothing is written over")) << again.text;
  EXPECT_FALSE(fs::exists(fresh.path() / "importing"));
  EXPECT_EQ(run("export-run " + name_ + " " + archive_.string() + in(store())).code, 2)
      << "the archive exists";
}

TEST_F(StoreCommands, WithoutModelsTheirStagesRunAgain) {
  const TempFolder place, fresh;
  const std::string archive = (place.path() / "numbers.tar").string();
  const Outcome packed =
      run("export-run " + name_ + " " + archive + " --without-models" + in(store()));
  ASSERT_EQ(packed.code, 0) << packed.text;
  EXPECT_TRUE(contains(packed.text, "left out: the model of recommender.markov\n")) << packed.text;
  ASSERT_EQ(run("import-run " + archive + in(fresh.path())).code, 0);
  const std::string plan = run("plan " + name_ + in(fresh.path())).text;
  EXPECT_TRUE(contains(between(plan, "resolve ", "\n"), "stored")) << plan;
  EXPECT_TRUE(contains(between(plan, "recommender.markov ", "\n"), "runs:")) << plan;
  const Outcome checked = run("run " + name_ + " --check" + in(fresh.path()));
  EXPECT_EQ(checked.code, 0) << checked.text;
  EXPECT_FALSE(contains(checked.text, "evaluate.markov  (")) << "its numbers came along\n"
                                                             << checked.text;
}

// --- archives that nobody should trust

// The files of an archive, as they are.
std::map<std::string, std::string> unpacked(const fs::path& archive) {
  const TempFolder folder;
  host::unpack_tar(archive, folder.path());
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder.path()).string()] = io::read_text(entry.path());
  }
  return files;
}

fs::path packed(const std::map<std::string, std::string>& files, const fs::path& archive) {
  host::TarWriter out(archive);
  for (const auto& [name, bytes] : files) out.add_text(name, bytes);
  out.close();
  return archive;
}

TEST_F(StoreCommands, AnArchiveIsHeldAgainstItsDigests) {
  const auto files = unpacked(archive_);
  const TempFolder place, fresh;
  const host::Store target(fresh.path());
  const auto refusal = [&](const std::map<std::string, std::string>& changed) {
    const fs::path archive = packed(changed, place.path() / "changed.tar");
    return message_of<DataError>([&] { host::import_run(target, archive); });
  };
  auto changed = files;
  changed.at("run/results.md") += " ";
  EXPECT_TRUE(contains(refusal(changed), "'run/results.md' has other bytes than were packed"));
  changed = files;
  changed.erase("run/resolved.toml");
  EXPECT_TRUE(contains(refusal(changed), "lacks 'run/resolved.toml'"));
  changed = files;
  changed["run/more"] = "";
  EXPECT_TRUE(contains(refusal(changed), "holds 'run/more', which its manifest does not name"));
  changed = files;
  changed.erase("manifest.json");
  EXPECT_TRUE(contains(refusal(changed), "has no manifest.json"));
  changed = files;
  changed.at("manifest.json")
      .replace(changed.at("manifest.json").find(name_), name_.size(), "../" + name_);
  EXPECT_TRUE(contains(refusal(changed), "which is no name"));
  // An artefact whose manifest was mended to fit still has its own digest.
  changed = files;
  for (auto& [name, bytes] : changed) {
    if (!name.starts_with("store/") || !name.ends_with("/values.json")) continue;
    std::string& manifest = changed.at("manifest.json");
    const std::string before = io::sha256(bytes);
    bytes += " ";
    manifest.replace(manifest.find(before), before.size(), io::sha256(bytes));
    break;
  }
  EXPECT_TRUE(contains(refusal(changed), "its bytes are not those that were stored"));
  EXPECT_TRUE(artefacts(fresh.path()).empty());
  EXPECT_FALSE(fs::exists(fresh.path() / "runs" / name_));
  io::write_text(place.path() / "text.tar", "this is no archive, but a text of some length");
  EXPECT_FALSE(
      message_of<DataError>([&] { host::import_run(target, place.path() / "text.tar"); }).empty());
}

TEST(Tar, NothingLeadsOutOfTheFolder) {
  const TempFolder place;
  const auto refusal = [&](const std::string& name, mode_t type, const char* link) {
    const fs::path file = place.path() / "bad.tar";
    archive* out = archive_write_new();
    archive_write_set_format_pax_restricted(out);
    archive_write_open_filename(out, file.c_str());
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, 0);
    if (link != nullptr && type == AE_IFLNK) archive_entry_set_symlink(entry, link);
    if (link != nullptr && type == AE_IFREG) archive_entry_set_hardlink(entry, link);
    archive_write_header(out, entry);
    archive_entry_free(entry);
    archive_write_free(out);
    const fs::path folder = place.path() / "folder";
    fs::create_directories(folder);
    const std::string sentence = message_of<DataError>([&] { host::unpack_tar(file, folder); });
    EXPECT_TRUE(fs::is_empty(folder));
    return sentence;
  };
  for (const char* name : {"../out", "a/../../out", "/tmp/tsrec_out", "a/./b"})
    EXPECT_TRUE(contains(refusal(name, AE_IFREG, nullptr), "leads out of its folder")) << name;
  EXPECT_TRUE(contains(refusal("a", AE_IFLNK, "/etc/passwd"), "is no plain file"));
  EXPECT_TRUE(contains(refusal("a", AE_IFREG, "/etc/passwd"), "is no plain file"));
  EXPECT_TRUE(contains(refusal("a", AE_IFIFO, nullptr), "is no plain file"));
}

TEST(Tar, LongNamesAndBytesComeBack) {
  const TempFolder place;
  std::map<std::string, std::string> files;
  std::string bytes(200'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  files[std::string(150, 'a') + "/" + std::string(180, 'b') + "/é"] = bytes;
  files["empty"] = "";
  EXPECT_EQ(unpacked(packed(files, place.path() / "a.tar")), files);
  packed(files, place.path() / "b.tar");
  EXPECT_EQ(io::read_text(place.path() / "a.tar"), io::read_text(place.path() / "b.tar"));
}

}  // namespace
}  // namespace tsrec::test
