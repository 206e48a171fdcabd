// What a stage's key covers: options, the files that they name, the host's own settings, inputs.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "cli_support.hpp"
#include "pipeline/content.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"
#include "support/published_files.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using host::StageId;

// Looks on, while it lives, what reaches the disk before an artefact gets its name.
class Disk {
 public:
  Disk() { here() = this; }
  ~Disk() { here() = nullptr; }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  static std::atomic<Disk*>& here() {
    static std::atomic<Disk*> disk = nullptr;
    return disk;
  }

  void flushed(int descriptor) {
    struct stat facts = {};
    const std::lock_guard lock(mutex_);
    if (::fstat(descriptor, &facts) == 0) flushed_.emplace_back(facts.st_ino, facts.st_size);
  }
  void renames(const fs::path& from, const fs::path& to) {
    if (from.filename() != "out" || to.parent_path().parent_path().filename() != "store") return;
    ++named_;
    if (!has(from)) unflushed_ += from.string() + "\n";
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      if (entry.path().filename() != "digest.txt" && !has(entry.path()))
        unflushed_ += entry.path().string() + "\n";
    }
  }
  // The folder, or the file as it is now.
  bool has(const fs::path& path) {
    struct stat facts = {};
    if (::stat(path.c_str(), &facts) != 0) return false;
    const std::lock_guard lock(mutex_);
    return std::any_of(flushed_.begin(), flushed_.end(), [&](const auto& one) {
      return one.first == facts.st_ino && (S_ISDIR(facts.st_mode) || one.second == facts.st_size);
    });
  }
  size_t named() const { return named_; }
  const std::string& unflushed() const { return unflushed_; }

 private:
  std::mutex mutex_;
  std::vector<std::pair<ino_t, off_t>> flushed_;
  size_t named_ = 0;       // artefacts
  std::string unflushed_;  // files and folders of theirs
};

const std::string kFloors =
    "[source]\nuse = \"lc_rec\"\nfolder = \"data\"\n[[recommender]]\nuse = \"popularity\"\n"
    "[evaluate]\nmetric = [{ use = \"hr\", k = [1] }]\n";

// An experiment on a small data set of its own, read in this process.
struct Floors {
  Floors() {
    fs::copy(LcRecFolder().path(), folder.path() / "data");
    folder.write("experiment.toml", kFloors);
  }
  host::Experiment read() {
    host::DocumentRequest request;
    request.file = folder.path() / "experiment.toml";
    return host::make_experiment(host::Document::load(request), registry);
  }
  std::vector<host::StageResult> plan() { return host::plan_stages(read(), store()); }
  std::vector<host::StageResult> run() {
    const host::Experiment experiment = read();
    const host::Store kept = store();
    host::Trackers nobody;
    return host::run_stages(experiment, kept, host::made_here(experiment, kept, nobody), nobody);
  }
  host::Store store() const { return host::Store(folder.path() / "store"); }

  TempFolder folder;
  host::Registry registry{{}, ""};
};

bool all_stored(const std::vector<host::StageResult>& results) {
  return std::all_of(results.begin(), results.end(), [](const host::StageResult& result) {
    return result.state == host::StageResult::State::stored;
  });
}

TEST(Key, OtherBytesInTheSamePlaceRunAgain) {
  Floors floors;
  floors.run();
  ASSERT_TRUE(all_stored(floors.plan()));

  floors.folder.write("data/Toy.inter.json", R"({"10": [1, 0], "2": [2, 1, 0, 2]})");
  EXPECT_EQ(floors.plan().front().why, "file changed: Toy.inter.json (folder)");
  floors.folder.write("data/Extra.item.json", "{}");
  EXPECT_EQ(floors.plan().front().why,
            "file added: Extra.item.json (folder); file changed: Toy.inter.json (folder)");
  fs::remove(floors.folder.path() / "data/Extra.item.json");
  floors.folder.write("data/.DS_Store", "a file manager's");
  fs::remove(floors.folder.path() / "data/Toy.inter.json");
  EXPECT_EQ(floors.plan().front().why, "file removed: Toy.inter.json (folder)");

  fs::copy(LcRecFolder().path(), floors.folder.path() / "data",
           fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  EXPECT_TRUE(all_stored(floors.plan())) << "the old bytes have the old key";
  fs::remove_all(floors.folder.path() / "data");
  EXPECT_EQ(floors.plan().front().why, "file missing: folder");
}

TEST(Key, NumbersAreThoseOfTheFilesThatAreThere) {
  Floors floors;
  const auto hit_rate = [](const std::vector<host::StageResult>& results) {
    return ArtifactReader(results.back().folder).number("item.hr@1");
  };
  // The test item of the one user who has enough of them: the most popular one, then another.
  floors.folder.write("data/Toy.inter.json", R"({"10": [0, 1, 0, 0], "2": [0, 1, 2]})");
  const double before = hit_rate(floors.run());
  floors.folder.write("data/Toy.inter.json", R"({"10": [0, 1, 0, 2], "2": [0, 1, 1]})");
  const double after = hit_rate(floors.run());
  Floors fresh;
  fresh.folder.write("data/Toy.inter.json", R"({"10": [0, 1, 0, 2], "2": [0, 1, 1]})");
  EXPECT_EQ(after, hit_rate(fresh.run()));
  EXPECT_NE(after, before);
}

// Whatever part of ours has an option of type path.
TEST(Key, EveryPartThatReadsFiles) {
  host::Registry registry({}, "");
  registry.load_all();
  std::set<std::string> found;
  for (const auto& [part, file] : registry.parts()) {
    const PartOptions declared(*part);
    for (const auto& field : declared.options.fields()) {
      if (field->facts().type != "path" || field->facts().is_place) continue;
      found.insert(part->name);
      const TempFolder folder;
      const host::Store store(folder.path() / "store");
      const auto key_at = [&](const std::string& place) {
        folder.write("experiment.toml", c10::str("[part]\nuse = \"", part->name, "\"\n",
                                                 field->facts().key, " = \"", place, "\"\n"));
        host::DocumentRequest request;
        request.file = folder.path() / "experiment.toml";
        const host::Document document = host::Document::load(request);
        return registry.choose(part->kind, *document.root().find("part"), document)
            .key_text([&](const std::string& option, const fs::path& path) {
              return store.content_lines(option, path);
            });
      };
      folder.write("here/a/file", "one");
      folder.write("there/a/file", "one");
      const std::string before = key_at("here/a");
      EXPECT_EQ(key_at("there/a"), before) << part->name << ": the place does not count";
      folder.write("here/a/file", "two");
      EXPECT_NE(key_at("here/a"), before) << part->name << " " << field->facts().key;
    }
  }
  EXPECT_EQ(found, (std::set<std::string>{"amazon_reviews", "csv", "history_to_preference",
                                          "intention_to_sid", "lc_rec", "local", "minionerec",
                                          "movielens", "precomputed", "pretrained", "published",
                                          "recbole", "transformer"}));
}

TEST(Key, AnOptionThatCameLaterLeavesWhatWasStoredBeforeIt) {
  host::Registry registry({}, "");
  const auto key_with = [&](const std::string& options) {
    const TempFolder folder;
    folder.write("experiment.toml", "[part]\nuse = \"markov\"\n" + options);
    host::DocumentRequest request;
    request.file = folder.path() / "experiment.toml";
    const host::Document document = host::Document::load(request);
    return registry.choose("recommender", *document.root().find("part"), document)
        .key_text([](const std::string&, const fs::path&) { return std::string(); });
  };
  const std::string before = key_with("");
  EXPECT_EQ(before.find("repeats"), std::string::npos) << before;
  EXPECT_EQ(key_with("repeats = true\n"), before);
  EXPECT_EQ(key_with("repeats = false\n"), before + "option repeats = false\n");
}

TEST(Key, AFileThatChangesWhileItIsReadIsNoResult) {
  Floors floors;
  host::Experiment experiment = floors.read();
  const auto load = experiment.stages.front().run;
  experiment.stages.front().run = [&](host::StageRun& run) {
    load(run);
    floors.folder.write("data/Toy.inter.json", "{}");
  };
  const host::Store store = floors.store();
  host::Trackers nobody;
  const auto results =
      host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody);
  EXPECT_EQ(results.front().state, host::StageResult::State::failed);
  EXPECT_NE(results.front().why.find("what the stage reads changed while it ran (file changed: "
                                     "Toy.inter.json (folder)); run the same command again"),
            std::string::npos)
      << results.front().why;
  EXPECT_FALSE(store.has(results.front().key));
}

TEST(Content, LargeFilesAreRememberedUntilTheyChange) {
  const TempFolder folder;
  const fs::path memory = folder.path() / "memory";
  std::string bytes(3 << 20, '\0');
  std::mt19937 random(std::random_device{}());
  for (char& byte : bytes) byte = static_cast<char>(random());
  const fs::path file = folder.write("weights", bytes);
  const auto digest = [&] { return host::contents_of(file, memory).at(0).digest; };
  EXPECT_EQ(digest(), io::sha256(bytes));
  EXPECT_FALSE(fs::exists(memory)) << "what changed just now may change again unseen";

  std::this_thread::sleep_for(std::chrono::seconds(4));
  EXPECT_EQ(digest(), io::sha256(bytes));
  EXPECT_EQ(std::distance(fs::directory_iterator(memory), {}), 1);
  EXPECT_EQ(digest(), io::sha256(bytes));

  // The same size, inode, and time of its last change, as `cp --preserve` and `rsync` leave it.
  struct stat facts = {};
  ::stat(file.c_str(), &facts);
  bytes[1 << 20] = static_cast<char>(bytes[1 << 20] + 1);
  std::ofstream(file, std::ios::binary | std::ios::in).write(bytes.data(), std::ssize(bytes));
  const timespec times[] = {facts.st_atim, facts.st_mtim};
  ::utimensat(AT_FDCWD, file.c_str(), times, 0);
  EXPECT_EQ(digest(), io::sha256(bytes));
}

TEST(Content, FoldersAreTheirFilesAndLinksAreFollowed) {
  const TempFolder folder;
  const fs::path memory = folder.path() / "memory";
  folder.write("a/x", "1");
  folder.write("a/sub/y", "2");
  folder.write("a/.cache/z", "3");
  folder.write("b/blob", "4");
  fs::create_symlink("../b/blob", folder.path() / "a/link");
  fs::create_directory_symlink("..", folder.path() / "a/sub/up");  // leads back
  std::string names;
  for (const host::FileContent& file : host::contents_of(folder.path() / "a", memory)) {
    names += file.name + " ";
    EXPECT_EQ(file.digest == io::sha256("4"), file.name == "link") << file.name;
  }
  EXPECT_EQ(names, "link sub/y x ");
  EXPECT_TRUE(host::contents_of(folder.path() / "none", memory).empty());
}

// Every stage's key of the smoke experiment with these settings, but for its inputs.
std::map<std::string, std::string> smoke_keys(host::Registry& registry,
                                              std::vector<std::string> set) {
  host::DocumentRequest request;
  request.file = kSmoke;
  request.set = std::move(set);
  const TempFolder store;
  const host::Experiment experiment =
      host::make_experiment(host::Document::load(request), registry);
  std::map<std::string, std::string> texts;
  for (const host::Stage& stage : experiment.stages) {
    texts[stage.id.text()] =
        host::key_text(stage, experiment.run, std::vector<std::string>(stage.inputs.size()),
                       host::Store(store.path()));
  }
  return texts;
}

// Other bytes, another key; and what MKL computed before there was a choice keeps its own.
TEST(Key, TheLibraryOfProductsIsInItWhereItIsNotMkl) {
  host::Registry registry({}, "");
  const auto mkl = smoke_keys(registry, {"run.products=mkl"});
  for (const auto& [name, text] : mkl) EXPECT_FALSE(contains(text, "products")) << text;
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch was built without oneDNN";
  const auto onednn = smoke_keys(registry, {"run.products=onednn"});
  const std::string line = "run products = onednn\n";
  for (auto [name, text] : onednn) {
    ASSERT_TRUE(contains(text, line)) << text;
    EXPECT_EQ(text.erase(text.find(line), line.size()), mkl.at(name));
  }
  EXPECT_EQ(smoke_keys(registry, {}),
            default_product_library() == ProductLibrary::mkl ? mkl : onednn);
}

TEST(Key, HowBfloat16IsRoundedIsInItWhereItIsUsed) {
  host::Registry registry({}, "");
  const std::string line = "run bfloat16 = revision ";
  for (const auto& [name, text] : smoke_keys(registry, {"run.precision=float32"}))
    EXPECT_FALSE(contains(text, line)) << text;
  for (const auto& [name, text] : smoke_keys(registry, {"run.precision=bfloat16"}))
    EXPECT_TRUE(contains(text, line)) << text;
}

TEST(Key, HostSettingsThatDecideResultsAreInIt) {
  host::Registry registry({}, "");
  const auto keys = [&](std::vector<std::string> set) {
    return smoke_keys(registry, std::move(set));
  };
  const auto before = keys({});
  // One setting, and the stages whose own key it enters.
  const auto changed = [&](const std::string& setting) {
    std::string names;
    for (const auto& [name, text] : keys({setting})) {
      if (text != before.at(name)) names += name + " ";
    }
    return names;
  };
  EXPECT_EQ(changed("stage.sft.validate_every=9"), "stage.sft ");
  EXPECT_EQ(changed("stage.sft.validate_every=\"8%\""), "stage.sft ");
  EXPECT_EQ(changed("stage.sft.patience=1"), "stage.sft ");
  EXPECT_EQ(changed("stage.sft.select=last"), "stage.sft ");
  EXPECT_EQ(changed("stage.grpo.validate_with=[\"title_to_sid\"]"), "stage.grpo ");
  EXPECT_EQ(changed("stage.grpo.reward.exact_match.weight=2"), "stage.grpo ");
  EXPECT_EQ(changed("stage.sft.curve_rows=10"), "stage.sft ");
  EXPECT_EQ(changed("stage.sft.rows=\"first:0.8\""), "stage.sft ");
  EXPECT_EQ(changed("stage.grpo.on_alarm=stop"), "stage.grpo ");
  EXPECT_EQ(changed("stage.grpo.watch=item.ndcg@10"), "stage.grpo ");
  EXPECT_EQ(changed("task.title_to_sid.weight=2"), "audit stage.sft ");
  EXPECT_EQ(changed("task.title_to_sid.repeat=0.5"), "audit stage.sft ");
  EXPECT_EQ(changed("prompt.title_to_sid.target=\"{answer}.{eos}\""),
            "audit evaluate.grpo evaluate.sft stage.grpo stage.sft ");
  const std::string evaluated =
      "evaluate.grpo evaluate.markov evaluate.popularity evaluate.repeat_last evaluate.sft ";
  EXPECT_EQ(changed("evaluate.beams=7"), evaluated + "stage.grpo ")
      << "grpo ranks validation rows by itself";
  EXPECT_EQ(changed("evaluate.limit=7"), evaluated) << "which of them is not [evaluate]'s to say";
  EXPECT_EQ(changed("evaluate.bootstrap=7"), "");
  EXPECT_EQ(changed("stage.sft.checkpoint_every=1"), "");
  EXPECT_EQ(changed("run.name=other"), "");
  EXPECT_EQ(changed("quantizer.seed=3"), "quantize ");
  EXPECT_EQ(changed("quantizer.name=other"), "");
}

// Encoders within encoders, to any depth: bound, keyed, and refused where something is wrong.
struct Nested {
  std::string key(const std::string& text, std::vector<std::string> set = {}) {
    folder.write("experiment.toml", text);
    host::DocumentRequest request;
    request.file = folder.path() / "experiment.toml";
    request.set = std::move(set);
    const host::Document document = host::Document::load(request);
    const host::PartChoice choice =
        registry.choose("encoder", *document.root().find("encoder"), document);
    document.throw_if_any();
    return choice.key_text(
        [](const std::string& option, const fs::path&) { return "file " + option + "\n"; });
  }
  TempFolder folder;
  host::Registry registry{{}, ""};
};

const std::string kNested =
    "[encoder]\nuse = \"normalize\"\n[encoder.of]\nuse = \"concat\"\n[[encoder.of.of]]\nuse = "
    "\"lsa\"\ndimensions = 8\n[[encoder.of.of]]\nname = \"images\"\nuse = \"precomputed\"\nfile "
    "= \"x.npy\"\nweight = 2\n";

TEST(PartsOfParts, AreBoundAndKeyedWithThePathThatReachesThem) {
  Nested nested;
  const std::string key = nested.key(kNested);
  for (const char* line : {"part encoder/normalize of tsrec.normalize contract 1 revision 2\n",
                           "option of = encoder/concat of tsrec.concat contract 1 revision 1\n",
                           "option of.of.lsa = encoder/lsa of tsrec.lsa contract 1 revision 2\n",
                           "option of.of.lsa.dimensions = 8\n", "option of.of.lsa.weight = 1.0\n",
                           "option of.of.images.weight = 2.0\n", "file of.of.images.file\n"})
    EXPECT_NE(key.find(line), std::string::npos) << line << key;
  EXPECT_NE(nested.key(kNested, {"encoder.of.of.lsa.dimensions=9"}).find("lsa.dimensions = 9\n"),
            std::string::npos);
}

TEST(PartsOfParts, MistakesInThemNameTheirPlace) {
  Nested nested;
  const auto complaint = [&](const std::string& text, std::vector<std::string> set = {}) {
    return message_of<ConfigError>([&] { nested.key(text, std::move(set)); });
  };
  EXPECT_NE(complaint(kNested, {"encoder.of.of.lsa.dimension=9"})
                .find("encoder 'lsa': unknown option 'dimension'; did you mean 'dimensions'?"),
            std::string::npos);
  EXPECT_NE(complaint("[encoder]\nuse = \"normalize\"\n")
                .find("encoder 'normalize': option 'of' is missing (the encoder whose vectors"),
            std::string::npos);
  EXPECT_NE(complaint("[encoder]\nuse = \"normalize\"\nof = \"lsa\"\n")
                .find("option 'of' is one encoder, such as { use = \"...\" }"),
            std::string::npos);
  EXPECT_NE(complaint("[encoder]\nuse = \"normalize\"\nof = { use = \"lsa\", seed = 3 }\n")
                .find("a seed pins a stage, and this part is within one"),
            std::string::npos);
  EXPECT_NE(complaint("[encoder]\nuse = \"normalize\"\nof = { use = \"lsb\" }\n")
                .find("did you mean 'lsa'?"),
            std::string::npos);
  EXPECT_NE(complaint("[encoder]\nuse = \"normalize\"\nof = { use = \"lsa\", weight = 2 }\n")
                .find("unknown option 'weight'"),
            std::string::npos)
      << "one part has no others to be weighed against";
}

TEST(Names, TwinsAreRefusedWithBothPlaces) {
  const auto complaint = [](const std::string& text, std::vector<std::string> set = {}) {
    Floors floors;
    floors.folder.write("experiment.toml", kFloors + text);
    host::DocumentRequest request;
    request.file = floors.folder.path() / "experiment.toml";
    request.set = std::move(set);
    return message_of<ConfigError>(
        [&] { host::make_experiment(host::Document::load(request), floors.registry); });
  };
  std::string text = complaint("[[stage]]\nuse = \"sft\"\n[[stage]]\nuse = \"sft\"\n");
  EXPECT_NE(text.find("two entries of [[stage]] are called 'sft': "), std::string::npos) << text;
  EXPECT_NE(text.find("experiment.toml:8:1 and "), std::string::npos) << text;
  EXPECT_NE(text.find("experiment.toml:10:1; give each a name of its own, such as  name = "
                      "\"sft_2\""),
            std::string::npos)
      << text;
  text = complaint("[[task]]\nuse = \"a\"\n[[task]]\nname = \"a\"\nuse = \"b\"\n");
  EXPECT_NE(text.find("two entries of [[task]] are called 'a'"), std::string::npos) << text;
  text = complaint("", {"evaluate.metric=[{use=\"hr\"},{use=\"hr\"}]"});
  EXPECT_NE(text.find("two entries of [[evaluate.metric]] are called 'hr': --set and --set"),
            std::string::npos)
      << text;
  text = complaint("[[stage]]\nuse = \"sft\"\nname = \"popularity\"\n");
  EXPECT_NE(text.find("'popularity' is also the name of the recommender in "), std::string::npos)
      << text;
  text = complaint("[[stage]]\nuse = \"sft\"\nname = \"untrained\"\n");
  EXPECT_NE(text.find("'untrained' is what the model before its first stage is called"),
            std::string::npos)
      << text;
  text = complaint("[[stage]]\nuse = \"sft\"\nname = \"a.b\"\n");
  EXPECT_NE(text.find("name = \"a.b\" must consist of letters, digits, '_' and '-'"),
            std::string::npos)
      << text;
}

TEST(Names, APluginBeforeTheNameIsNoPartOfIt) {
  Floors floors;
  floors.folder.write("base.toml", kFloors);
  floors.folder.write("experiment.toml",
                      "include = \"base.toml\"\n[[recommender]]\nuse = "
                      "\"tsrec.floors/popularity\"\n[[recommender]]\nuse = \"markov\"\n");
  const host::Experiment experiment = floors.read();
  std::string stages;
  for (const host::Stage& stage : experiment.stages) stages += stage.id.text() + " ";
  EXPECT_EQ(stages,
            "load audit recommender.popularity evaluate.popularity recommender.markov "
            "evaluate.markov ");
}

// The stages of the smoke test under these settings, with the model that each starts from.
std::string branches(const std::string& more) {
  const TempFolder folder;
  folder.write("experiment.toml", "include = \"" + kSmoke + "/experiment.toml\"\n" + more);
  host::Registry registry({}, "");
  host::DocumentRequest request;
  request.file = folder.path() / "experiment.toml";
  std::string text;
  for (const host::Stage& stage :
       host::make_experiment(host::Document::load(request), registry).stages) {
    if (stage.id.role == StageId::Role::train)
      text += stage.id.of + "<" + stage.inputs[2].text() + " ";
    if (stage.id.role == StageId::Role::rank_model) text += "?" + stage.id.of + " ";
  }
  return text;
}

TEST(Stages, ABranchStartsFromTheStageItNames) {
  EXPECT_EQ(branches(""), "sft<extend ?sft grpo<stage.sft ?grpo ");
  EXPECT_EQ(branches("[[stage]]\nname = \"more\"\nuse = \"sft\"\nfrom = \"sft\"\n"),
            "sft<extend ?sft grpo<stage.sft ?grpo more<stage.sft ?more ");
  EXPECT_EQ(branches("[[stage]]\nname = \"more\"\nuse = \"sft\"\nfrom = \"untrained\"\n"
                     "[[stage]]\nname = \"last\"\nuse = \"sft\"\n"
                     "[evaluate]\nevery_stage = false\nuntrained = true\n"),
            "?untrained sft<extend grpo<stage.sft ?grpo more<extend last<stage.more ?last ");
  const std::string complaint = message_of<ConfigError>(
      [] { branches("[[stage]]\nuse = \"sft\"\nname = \"more\"\nfrom = \"mor\"\n"); });
  EXPECT_NE(complaint.find("from = \"mor\": no earlier stage is called so"), std::string::npos)
      << complaint;
}

// It is written without waiting for the disk, so a power cut may leave it empty.
TEST(Store, SecondsThatWereLostAreNone) {
  const TempFolder folder;
  const host::Store store(folder.path());
  const std::string key = io::sha256("a stage");
  EXPECT_EQ(store.seconds(key), 0);
  std::filesystem::create_directories(store.work(key) / "out");
  store.commit(key, 1.25);
  EXPECT_EQ(store.seconds(key), 1.25);
  io::write_text(folder.path() / "seconds" / key, "");
  EXPECT_EQ(store.seconds(key), 0);
  EXPECT_EQ(store.seconds(""), 0);
}

TEST(Store, AnArtefactWhoseDigestWasLostIsNotStored) {
  const TempFolder folder;
  const host::Store store(folder.path());
  const std::string key = io::sha256("a stage");
  EXPECT_FALSE(store.has(key));
  const auto make = [&] {
    fs::create_directories(store.work(key) / "out");
    io::write_text(store.work(key) / "out" / "values.json", "{}");
    return store.commit(key, 1);
  };
  const std::string digest = make();
  EXPECT_TRUE(store.has(key));
  // What a power cut leaves of a file that was not flushed.
  for (const std::string& left : {std::string(), std::string(64, '\0'), digest.substr(0, 63)}) {
    io::write_text(store.artefact(key) / "digest.txt", left);
    EXPECT_FALSE(store.has(key)) << left.size();
  }
  EXPECT_EQ(make(), digest);
  EXPECT_TRUE(store.has(key)) << "the same command makes it again";
}

// A result may be refused as soon as it is stored; what followed its storing must not delete that.
TEST(Store, WordsOfAFailureStayWhereTheyAreWrittenBehindTheResult) {
  const TempFolder folder;
  const std::string key = io::sha256("a stage");
  const fs::path words = host::Store(folder.path()).failed(key);
  for (int i = 0; i < 20; ++i) {
    const host::Store store(folder.path());
    fs::create_directories(store.work(key) / "out");
    fs::create_directories(words);
    store.commit(key, 1);
    EXPECT_FALSE(fs::exists(words));
    fs::create_directories(words);
    io::write_text(words / "error.txt", "refused");
  }
  EXPECT_TRUE(fs::exists(words / "error.txt"));
}

// Line by line, whoever stored a text and whenever.
TEST(Store, TheClosestKeyTextLacksTheFewestLines) {
  const TempFolder folder;
  const host::Store asked(folder.path()), other(folder.path());
  std::mt19937 random(std::random_device{}());
  const auto text_of = [&](const std::string& stage) {
    std::string text = "tsrec-key 1\nstage " + stage + "\n";
    for (int line = 0; line < 12; ++line)
      text += c10::str("option ", line, " = ", random() % 3, "\n");
    return text;
  };
  std::vector<std::string> stored;
  const auto store = [&](const host::Store& by, const std::string& text) {
    const std::string key = io::sha256(text);
    fs::create_directories(by.work(key) / "out");
    io::write_text(by.work(key) / "out" / "key.txt", text);
    by.commit(key, 1);
    stored.push_back(text);
    // As if it had been there for long: then its folder is read no more before it changes.
    const fs::path group = by.artefact(key).parent_path();
    fs::last_write_time(group, fs::file_time_type::clock::now() - std::chrono::hours(1));
  };
  const auto lines_of = [](const std::string& text) {
    std::istringstream in(text);
    std::set<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  };
  const auto lacking = [&](const std::string& text, const std::string& now) {
    const std::set<std::string> there = lines_of(text), wanted = lines_of(now);
    return std::count_if(wanted.begin(), wanted.end(),
                         [&](const std::string& line) { return !there.contains(line); });
  };
  EXPECT_EQ(asked.closest_key_text("sft", text_of("sft")), "");
  for (int i = 0; i < 40; ++i) {
    store(i % 2 == 0 ? asked : other, text_of(i % 4 < 3 ? "sft" : "grpo"));
    const std::string now = text_of("sft"), closest = asked.closest_key_text("sft", now);
    ASSERT_TRUE(contains(closest, "stage sft\n"));
    for (const std::string& text : stored) {
      if (contains(text, "stage sft\n")) {
        EXPECT_LE(lacking(closest, now), lacking(text, now));
      }
    }
  }
  EXPECT_EQ(asked.closest_key_text("sft", stored.front()), stored.front());
}

TEST(Store, AnArtefactGetsItsNameWhenAllOfItIsOnTheDisk) {
  Floors floors;
  host::Experiment experiment = floors.read();
  const auto load = experiment.stages.front().run;
  experiment.stages.front().run = [&](host::StageRun& run) {
    load(run);
    run.context().number("loaded", 1, 0);  // a curve
    io::write_text(run.out().folder("more") / "file", "of a part");
  };
  std::vector<host::StageResult> results;
  std::optional<Disk> disk(std::in_place);
  {
    const host::Store store = floors.store();
    host::Trackers nobody;
    results =
        host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody);
  }
  EXPECT_EQ(disk->named(), results.size());
  EXPECT_EQ(disk->unflushed(), "");
  for (const host::StageResult& result : results) {
    EXPECT_EQ(result.state, host::StageResult::State::ran) << result.why;
    EXPECT_TRUE(disk->has(result.folder / "digest.txt")) << "behind the last user of the store";
    EXPECT_FALSE(fs::exists(floors.folder.path() / "store" / "work" / result.key));
  }
  EXPECT_TRUE(fs::exists(results.front().folder / "curves.jsonl"));
  EXPECT_EQ(io::sha256(io::read_text(results.front().folder / "key.txt")), results.front().key);
}

TEST(Entries, WhatIsNotEnabledIsLeftOut) {
  Floors floors;
  floors.folder.write("experiment.toml",
                      kFloors + "[extractor]\nuse = \"no_such_part\"\nenabled = false\n");
  EXPECT_FALSE(floors.read().stages.empty());
  floors.folder.write("experiment.toml", kFloors + "[extractor]\nuse = \"no_such_part\"\n");
  EXPECT_NE(message_of<ConfigError>([&] { floors.read(); }).find("no extractor is named"),
            std::string::npos);
}

TEST(Every, IsStepsOrAShare) {
  EXPECT_EQ(Every::parse("50")->of(7), 50);
  EXPECT_EQ(Every::parse("10%")->of(101), 11);
  EXPECT_EQ(Every::parse("2.5%")->of(1000), 25);
  EXPECT_EQ(Every::parse("1%")->of(3), 1);
  EXPECT_EQ(Every::parse("0")->of(3), 0);
  for (const char* wrong : {"", "%", "abc", "5 %", "101%", "-3", "2.5", "1e400", "nan", "5%%"})
    EXPECT_FALSE(Every::parse(wrong)) << wrong;
  const std::string text =
      run("plan " + kSmoke + " --set stage.sft.validate_every=often --store /nowhere/x").text;
  EXPECT_NE(text.find("option 'validate_every' is a string; expected steps or share"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace tsrec::test

// Before the C library's, in this program.
extern "C" {
[[gnu::visibility("default")]] int fsync(int descriptor) {
  if (auto* disk = tsrec::test::Disk::here().load()) disk->flushed(descriptor);
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
[[gnu::visibility("default")]] int rename(const char* from, const char* to) noexcept {
  if (auto* disk = tsrec::test::Disk::here().load()) disk->renames(from, to);
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
}
