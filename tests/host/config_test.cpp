#include "config/document.hpp"
#include "plugin/registry.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using host::Document;
using host::DocumentRequest;

Document load(const TempFolder& folder, std::vector<std::string> set = {}) {
  DocumentRequest request;
  request.file = folder.path() / "experiment.toml";
  request.set = std::move(set);
  return Document::load(request);
}

std::string text_at(const Document& document, const std::string& table, const std::string& key) {
  const host::Node* found = document.root().find(table)->find(key);
  return found == nullptr ? "absent" : found->toml();
}

TEST(Document, LaterLayersWinAndListsMergeByName) {
  const TempFolder folder;
  folder.write("base/a.toml",
               "[quantizer]\nuse = \"rq\"\ncodes = 8\nlevels = 3\n[[task]]\nuse = \"x\"\nweight = "
               "1\n[[task]]\nuse = \"y\"\n");
  folder.write("experiment.toml",
               "include = \"base/a.toml\"\n[quantizer]\ncodes = 16\n[[task]]\nuse = \"x\"\nweight "
               "= 5\n[[task]]\nuse = \"z\"\n");
  const Document document = load(folder, {"quantizer.levels=4", "task.y.weight=0.5"});
  EXPECT_EQ(text_at(document, "quantizer", "codes"), "16");
  EXPECT_EQ(text_at(document, "quantizer", "levels"), "4");
  EXPECT_EQ(document.root().find("quantizer")->find("levels")->origin.text(), "--set");
  EXPECT_NE(
      document.root().find("quantizer")->find("codes")->origin.text().find("experiment.toml:3:"),
      std::string::npos);
  const auto& tasks = std::get<host::Node::List>(document.root().find("task")->value);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].find("weight")->toml(), "5");
  EXPECT_EQ(tasks[1].find("weight")->toml(), "0.5");
}

TEST(Document, AnotherPartForgetsTheOldOnesOptions) {
  const TempFolder folder;
  folder.write("experiment.toml", "[initializer]\nuse = \"sa_init\"\ndepth = 3\n");
  EXPECT_EQ(text_at(load(folder, {"initializer.use=gaussian"}), "initializer", "depth"), "absent");
  EXPECT_EQ(text_at(load(folder, {"initializer.use=sa_init"}), "initializer", "depth"), "3");
}

TEST(Document, ResolvedTomlReadsBackToTheSame) {
  const TempFolder folder;
  folder.write("experiment.toml",
               "[run]\nseed = 3\n[prompt]\nframe = \"a\\n\\\"{x}\\\" \\\\\"\n[prompt.f]\ntarget = "
               "\"t\"\n[evaluate]\nmetric = [{ use = \"hr\", k = [3, 5] }]\n"
               "[[stage]]\nuse = \"sft\"\nrate = 3e-4\nflag = true\n[[stage.reward]]\nuse = "
               "\"r\"\nweight = 1.0\n");
  const std::string once = load(folder).resolved_toml();
  folder.write("experiment.toml", once);
  EXPECT_EQ(load(folder).resolved_toml(), once);
  EXPECT_NE(once.find("rate = 3e-04"), std::string::npos) << once;
}

TEST(Document, MistakesNameTheirPlace) {
  const auto complaint = [](const std::string& text, std::vector<std::string> set = {}) {
    const TempFolder folder;
    folder.write("experiment.toml", text);
    return message_of<ConfigError>([&] { load(folder, set); });
  };
  EXPECT_NE(complaint("[run]\nseed = = 3\n").find("experiment.toml:2:"), std::string::npos);
  EXPECT_NE(complaint("include = \"none.toml\"\n").find("there is no file"), std::string::npos);
  EXPECT_NE(complaint("include = \"experiment.toml\"\n").find("includes itself"),
            std::string::npos);
  EXPECT_NE(
      complaint("[[stage]]\nuse = \"sft\"\n", {"stage.sfd.epochs=1"}).find("did you mean 'sft'?"),
      std::string::npos);
  EXPECT_NE(complaint("[run]\n", {"seed"}).find("expected a path"), std::string::npos);
}

struct Bound {
  int64_t codes = 256;
  double rate = 0.5;
  std::string kind = "a";
  std::filesystem::path file;
  void declare(Options& o) {
    o.add("codes", codes).range(2, 65536);
    o.add("rate", rate);
    o.add("kind", kind).one_of({"a", "b"});
    o.add("file", file);
  }
};

std::string bind_complaints(const std::string& text, Bound& bound) {
  const TempFolder folder;
  folder.write("experiment.toml", text);
  const Document document = load(folder);
  Options options;
  bound.declare(options);
  document.root().find("quantizer")->find("use");
  host::bind(options, *document.root().find("quantizer"), "quantizer 'rq'", {"use"}, document);
  document.complain_about_leftovers({"quantizer", "stage"});
  try {
    document.throw_if_any();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Bind, FillsTypesAndPathsRelativeToTheirFile) {
  Bound bound;
  EXPECT_EQ(
      bind_complaints(
          "[quantizer]\nuse = \"rq\"\ncodes = 4\nrate = 1\nkind = \"b\"\nfile = \"x/y.npy\"\n",
          bound),
      "");
  EXPECT_EQ(bound.codes, 4);
  EXPECT_EQ(bound.rate, 1);
  EXPECT_TRUE(bound.file.is_absolute());
  EXPECT_EQ(bound.file.filename(), "y.npy");
}

TEST(Bind, CollectsAllMistakesWithSuggestions) {
  Bound bound;
  const std::string all = bind_complaints(
      "[quantizer]\ncods = 4\ncodes = 1\nrate = \"fast\"\nkind = \"c\"\nfile = "
      "\"${TSREC_NOT_SET_ANYWHERE}/x\"\n[quantiser]\nx = 1\n",
      bound);
  EXPECT_NE(all.find("unknown option 'cods'; did you mean 'codes'?"), std::string::npos) << all;
  EXPECT_NE(all.find("option 'codes' = 1 is outside [2, 65536]"), std::string::npos) << all;
  EXPECT_NE(all.find("option 'rate' is a string; expected float"), std::string::npos) << all;
  EXPECT_NE(all.find("option 'kind' = \"c\" is none of: a, b"), std::string::npos) << all;
  EXPECT_NE(all.find("TSREC_NOT_SET_ANYWHERE is not set"), std::string::npos) << all;
  EXPECT_NE(all.find("did you mean 'quantizer'?"), std::string::npos) << all;
}

// Options with a dot in their key stand in a table among the others.
TEST(Bind, ReadsTablesOfOptionsAndNamesWhatIsWrongInThem) {
  const auto complaints = [](const std::string& text, int64_t& rank) {
    const TempFolder folder;
    folder.write("experiment.toml", "[backbone]\nuse = \"x\"\n" + text);
    const Document document = load(folder);
    Options options;
    double alpha = 16;
    options.add("lora.rank", rank).range(0, 64).check([&rank] {
      return rank == 7 ? std::string("7 is no rank") : std::string();
    });
    options.add("lora.alpha", alpha);
    const host::Node& table = *document.root().find("backbone");
    table.find("use");
    host::bind(options, table, "backbone 'x'", {"use"}, document);
    document.complain_about_leftovers({"backbone"});
    return message_of<ConfigError>([&] {
      document.throw_if_any();
      throw ConfigError("");
    });
  };
  int64_t rank = 0;
  EXPECT_EQ(complaints("lora = { rank = 8, alpha = 2 }\n", rank), "");
  EXPECT_EQ(rank, 8);
  EXPECT_EQ(complaints("lora.rank = 9\n", rank), "");
  EXPECT_EQ(rank, 9);
  EXPECT_EQ(complaints("[backbone.lora]\nrank = 10\n", rank), "");
  EXPECT_EQ(rank, 10);
  const std::string all = complaints("lora = { rnk = 4, rank = 65 }\n", rank);
  EXPECT_TRUE(contains(all, "unknown option 'lora.rnk'; did you mean 'lora.rank'?")) << all;
  EXPECT_TRUE(contains(all, "option 'lora.rank' = 65 is outside [0, 64]")) << all;
  EXPECT_TRUE(contains(complaints("lora = { rank = 7 }\n", rank), "7 is no rank"));
  EXPECT_TRUE(contains(complaints("lora = 8\n", rank), "unknown option 'lora'"));
}

TEST(Registry, FindsPartsAndRefusesWhatIsNoPlugin) {
  const TempFolder folder;
  folder.write("plugins/broken.so", "not an ELF file");
  host::Registry registry({}, folder.path());
  host::Origin asked;
  asked.flag = "test";
  EXPECT_STREQ(registry.find("quantizer", "rq_kmeans", asked).first->name, "rq_kmeans");
  EXPECT_STREQ(registry.find("quantizer", "tsrec.rq_kmeans/rq_kmeans", asked).first->name,
               "rq_kmeans");
  const std::string message =
      message_of<Error>([&] { registry.find("quantizer", "rq_kmean", asked); });
  EXPECT_NE(message.find("did you mean 'rq_kmeans'?"), std::string::npos) << message;
  EXPECT_NE(message.find("is no shared object"), std::string::npos) << message;
}

TEST(Registry, EveryPluginWeBuildCanBeUsed) {
  host::Registry registry({}, "");
  registry.load_all();
  for (const auto& file : registry.files()) EXPECT_EQ(file->refusal, "") << file->file;
  EXPECT_EQ(registry.parts().size(), 81u);
}

}  // namespace
}  // namespace tsrec::test
