// Every way to get a plugin wrong ends in a sentence, and the host goes on working.
#include <dlfcn.h>
#include <sys/fsuid.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "plugin/facts.hpp"
#include "plugin/registry.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const std::string kRebuild =
    "rebuild it against this tsrec:  cmake --preset dev --fresh && cmake --build --preset dev";

host::Origin asked_for() {
  host::Origin asked;
  asked.flag = "--set";
  return asked;
}

// What the host says about the only file below the folder. It must go on working: the parts of the
// installation are found as before.
std::string refusal_in(const fs::path& folder) {
  host::Registry registry({folder}, "");
  registry.load_all();
  EXPECT_EQ(registry.find("quantizer", "random_codes", asked_for()).first->name,
            std::string("random_codes"));
  std::string refusal;
  for (const auto& file : registry.files()) {
    if (file->origin == "--plugins") refusal += file->refusal;
  }
  return refusal;
}

fs::path bad(const std::string& name) { return fs::path(TSREC_BAD_PLUGINS) / name; }
std::string quoted(const std::string& name) {
  return "'" + (bad(name) / (name + ".so")).string() + "'";
}

TEST(Refusal, FactsOfAnotherTsrec) {
  EXPECT_EQ(refusal_in(bad("wrong_facts")),
            quoted("wrong_facts") +
                " was built for another tsrec\n"
                "  plugin  GNU-12;c++20;cxx11=1;torch=2.7.1;cuda=cpu;sdk=d56b96273892;debug=0;"
                "san=none\n  host    " TSREC_FACTS "\n  differs: torch, cuda, sdk; " +
                kRebuild);
}

TEST(Refusal, AnotherCompilerIsNamed) {
  const std::string refusal = refusal_in(bad("wrong_compiler"));
  EXPECT_TRUE(refusal.starts_with(quoted("wrong_compiler") +
                                  " was built with CLANG-99, and this tsrec with " +
                                  TSREC_FACT_COMPILER "\n  plugin  CLANG-99;"))
      << refusal;
  EXPECT_TRUE(contains(refusal,
                       "\n  differs: compiler; rebuild it against this tsrec:  cmake --preset dev "
                       "--fresh -DCMAKE_CXX_COMPILER="))
      << refusal;
}

TEST(Refusal, NoFacts) {
  EXPECT_EQ(refusal_in(bad("no_facts")),
            quoted("no_facts") +
                " is no tsrec plugin: it carries no facts line\n"
                "  build it with tsrec_add_plugin() and end its source with TSREC_PLUGIN(...)");
}

TEST(Refusal, NoEntry) {
  EXPECT_EQ(refusal_in(bad("no_entry")),
            quoted("no_entry") +
                " has no entry 'tsrec_plugin'\n"
                "  end its source with TSREC_PLUGIN(...), once, at namespace scope");
}

TEST(Refusal, NullTable) {
  EXPECT_EQ(refusal_in(bad("null_table")),
            quoted("null_table") +
                " has no part table: tsrec_plugin() returned null\n"
                "  end its source with TSREC_PLUGIN(...), which writes both");
}

TEST(Refusal, TableOfAnotherSize) {
  EXPECT_EQ(
      refusal_in(bad("small_table")),
      quoted("small_table") + " has a part table of 24 bytes; this tsrec reads 48\n  " + kRebuild);
}

TEST(Refusal, OldContract) {
  EXPECT_EQ(refusal_in(bad("old_contract")),
            "quantizer 'old_contract' in " + quoted("old_contract") +
                " speaks contract 0 of 'quantizer'; this tsrec speaks 1\n"
                "  CHANGELOG.md (SDK) says what changed between them; adapt the plugin and rebuild "
                "it");
}

TEST(Refusal, UnknownKind) {
  EXPECT_EQ(refusal_in(bad("unknown_kind")),
            "quantiser 'unknown_kind' in " + quoted("unknown_kind") +
                " is of no kind that this tsrec has; did you mean 'quantizer'?");
}

TEST(Refusal, NeedOfNoKind) {
  EXPECT_EQ(refusal_in(bad("misspelt_need")),
            "quantizer 'misspelt_need' in " + quoted("misspelt_need") +
                " needs 'encodr', which is no kind of part; did you mean 'encoder'?");
}

TEST(Refusal, NeedOfAList) {
  EXPECT_EQ(refusal_in(bad("needs_a_list")),
            "quantizer 'needs_a_list' in " + quoted("needs_a_list") +
                " needs 'metric', of which an experiment may have any number\n"
                "  kNeeds names kinds that stand once: source, encoder, quantizer, resolver, "
                "extractor, backbone, initializer");
}

TEST(Refusal, NameThatNoExperimentCouldUse) {
  EXPECT_EQ(refusal_in(bad("unusable_name")),
            "quantizer 'My Quantizer' in " + quoted("unusable_name") +
                " has a name that no experiment could use\n"
                "  names begin with a-z and go on with a-z, 0-9 and _");
}

TEST(Refusal, OnePartTwiceInOneFile) {
  EXPECT_EQ(refusal_in(bad("offered_twice")),
            "quantizer 'twice' is offered twice by " + quoted("offered_twice") +
                "\n  give one of them another name in TSREC_PLUGIN(...)");
}

TEST(Refusal, UndefinedSymbol) {
  EXPECT_EQ(refusal_in(bad("undefined_symbol")),
            quoted("undefined_symbol") +
                " cannot be loaded: undefined symbol: _ZN4acme4fastEi\n"
                "  a plugin must link everything it uses; tsrec_add_plugin() checks this with -z "
                "defs");
}

// The exception would end any process; a child finds out.
TEST(Refusal, ThrowingStaticConstructor) {
  EXPECT_EQ(refusal_in(bad("static_throw")),
            quoted("static_throw") +
                " ends the process that loads it, by signal 6 (Aborted): terminate called after "
                "throwing an instance of 'std::runtime_error' what(): no table today\n"
                "  a static constructor throws or crashes; make such objects inside the part");
}

TEST(Refusal, SecondLibTorch) {
  const std::string refusal = refusal_in(bad("second_torch"));
  const fs::path second = bad("second_torch") / "../../bad_libraries/libtorch_cpu.so";
  EXPECT_TRUE(refusal.starts_with(quoted("second_torch") +
                                  " brings a second libtorch_cpu.so into the process\n  in use  /"))
      << refusal;
  EXPECT_TRUE(contains(refusal, "/lib/libtorch_cpu.so\n  second  " +
                                    fs::canonical(second).string() +
                                    "\n  link the one that tsrec was built with: "
                                    "find_package(tsrec) finds it"))
      << refusal;
  // It stays mapped, and is held against nobody else.
  EXPECT_EQ(refusal_in(bad("duplicate_name")), "");
}

TEST(Refusal, NoSharedObject) {
  const TempFolder folder;
  const fs::path file = folder.write("notes.so", "just some text\n");
  EXPECT_EQ(refusal_in(folder.path()),
            "'" + file.string() +
                "' is no shared object: it does not begin as an ELF file\n"
                "  build it with tsrec_add_plugin(), or move it out of here");
}

TEST(Refusal, EmptyAndCutOffFiles) {
  const TempFolder folder;
  const fs::path empty = folder.write("empty.so", "");
  EXPECT_EQ(refusal_in(folder.path()),
            "'" + empty.string() +
                "' is no shared object: it does not begin as an ELF file\n"
                "  build it with tsrec_add_plugin(), or move it out of here");
  fs::remove(empty);
  // Half of a download: the facts are there, the rest is not.
  const fs::path whole = bad("no_entry") / "no_entry.so";
  fs::copy_file(whole, folder.path() / "half.so");
  fs::resize_file(folder.path() / "half.so", fs::file_size(whole) / 2);
  const std::string refusal = refusal_in(folder.path());
  EXPECT_TRUE(contains(refusal, "half.so' ")) << refusal;
  EXPECT_NE(refusal, "");
}

TEST(Refusal, UnreadableFile) {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  const fs::path file = folder.write("secret.so", "\177ELF");
  fs::permissions(file, fs::perms::none);
  ::setfsuid(65534);  // root may read everything; nobody may not
  const std::string refusal = host::unreadable(file);
  ::setfsuid(::geteuid());
  EXPECT_EQ(refusal, "'" + file.string() +
                         "' cannot be read: Permission denied\n"
                         "  give yourself permission to read it, or move it out of here");
}

TEST(Refusal, FolderInsteadOfFile) {
  const TempFolder folder;
  fs::create_directories(folder.path() / "opq.so");
  EXPECT_EQ(refusal_in(folder.path()), "'" + (folder.path() / "opq.so").string() +
                                           "' is a folder; a plugin is a file\n"
                                           "  rename the folder, or move it out of here");
}

TEST(Refusal, LinksThatLeadNowhere) {
  const TempFolder folder;
  fs::create_symlink("b.so", folder.path() / "a.so");
  fs::create_symlink("a.so", folder.path() / "b.so");
  const auto sentence = [&](const std::string& name, const std::string& reason) {
    return "'" + (folder.path() / name).string() + "' leads to no file: " + reason +
           "\n  remove the link, or make it point to a plugin";
  };
  EXPECT_EQ(refusal_in(folder.path()), sentence("a.so", "Too many levels of symbolic links") +
                                           sentence("b.so", "Too many levels of symbolic links"));
  const TempFolder other;
  fs::create_symlink("gone.so", other.path() / "a.so");
  EXPECT_EQ(refusal_in(other.path()), "'" + (other.path() / "a.so").string() +
                                          "' leads to no file: No such file or directory\n"
                                          "  remove the link, or make it point to a plugin");
}

TEST(Refusal, AFileThatIsNotThere) {
  EXPECT_EQ(host::unreadable("/nowhere/opq.so"),
            "'/nowhere/opq.so' does not exist\n"
            "  name the file of a plugin, as tsrec_add_plugin() builds it: plugins/NAME.so");
}

// 0 where the processor takes denormal numbers for 0.
float half_of_the_smallest() {
  volatile float smallest = std::numeric_limits<float>::min();
  return smallest * 0.5F;
}

// What -ffast-math links into a plugin would change the numbers of the whole process.
TEST(Loading, LeavesDenormalNumbersAlone) {
  const float before = half_of_the_smallest();
  ASSERT_GT(before, 0);
  const fs::path file = bad("fast_math") / "fast_math.so";
  const TempFolder plain;  // another file, so that its constructors run once more
  fs::copy_file(file, plain.path() / "plain.so");
  float flushed = -1;
  std::thread([&] {  // the mode is the thread's own
    ASSERT_NE(::dlopen((plain.path() / "plain.so").c_str(), RTLD_NOW), nullptr) << ::dlerror();
    flushed = half_of_the_smallest();
  })
      .join();
  EXPECT_EQ(flushed, 0) << "this plugin does not do what it is here for";

  EXPECT_TRUE(contains(refusal_in(bad("fast_math")), "has no part table")) << "it was not loaded";
  EXPECT_EQ(half_of_the_smallest(), before);
  fs::copy_file(file, plain.path() / "kit.so");
  EXPECT_THROW(kit::open_plugin(plain.path() / "kit.so"), Error);
  EXPECT_EQ(half_of_the_smallest(), before);
  float later = 0;  // a thread begins with the mode of the one that starts it
  std::thread([&] { later = half_of_the_smallest(); }).join();
  EXPECT_EQ(later, before);
}

TEST(Refusal, TwoPluginsWithOneName) {
  const fs::path ours = fs::path(TSREC_PLUGIN_FOLDER) / "quantizer" / "rq_kmeans.so";
  host::Registry registry({bad("duplicate_name")}, "");
  const std::string message =
      message_of<host::PluginError>([&] { registry.find("quantizer", "rq_kmeans", asked_for()); });
  EXPECT_EQ(message, "quantizer 'rq_kmeans' is offered by both acme.opq (" +
                         quoted("duplicate_name") + ") and tsrec.rq_kmeans ('" + ours.string() +
                         "')\n  asked for in --set\n  choose one:  use = \"acme.opq/rq_kmeans\"  or"
                         "  use = \"tsrec.rq_kmeans/rq_kmeans\"");
  EXPECT_EQ(registry.find("quantizer", "acme.opq/rq_kmeans", asked_for()).second->file.filename(),
            "duplicate_name.so");
  EXPECT_EQ(registry.find("quantizer", "tsrec.rq_kmeans/rq_kmeans", asked_for()).second->file,
            ours);
}

TEST(Refusal, OneFileFoundTwiceIsOneFile) {
  const fs::path ours = fs::path(TSREC_PLUGIN_FOLDER) / "quantizer";
  host::Registry registry({ours, ours}, "");
  EXPECT_EQ(registry.find("quantizer", "rq_kmeans", asked_for()).second->origin, "--plugins");
}

TEST(Refusal, AMissingPartNamesThePlacesAndTheBrokenFiles) {
  const auto ours = std::ranges::count_if(
      fs::recursive_directory_iterator(TSREC_PLUGIN_FOLDER),
      [](const fs::directory_entry& entry) { return entry.path().extension() == ".so"; });
  host::Registry registry({bad("no_entry")}, "");
  const std::string message =
      message_of<host::PluginError>([&] { registry.find("quantizer", "rq_kmean", asked_for()); });
  EXPECT_EQ(message,
            "no quantizer is named 'rq_kmean'; did you mean 'rq_kmeans'?\n  asked for in --set\n"
            "  searched: " +
                bad("no_entry").string() + " (1 files) | " + TSREC_PLUGIN_FOLDER + " (" +
                std::to_string(ours) + " files)\nplugins that cannot be used:\n" +
                quoted("no_entry") +
                " has no entry 'tsrec_plugin'\n"
                "  end its source with TSREC_PLUGIN(...), once, at namespace scope");
}

}  // namespace
}  // namespace tsrec::test
