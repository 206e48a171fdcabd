#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "layers/include_graph.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(Layers, TheTreeIncludesWhatArchitectureMdAllows) {
  const fs::path tree = TSREC_SOURCE_FOLDER;
  for (const std::string& complaint :
       complaints(tree, read_layers(text_of(tree / "ARCHITECTURE.md"))))
    ADD_FAILURE() << complaint;
}

constexpr const char* kTable = R"(# A tree
| `not` | `this` | table | |

## Layers
| layer | files | what | may include |
|---|---|---|---|
| `base` | `error` | ground | |
| `nn` | `nn/` | models | `base` |
| `parts` | `parts/` | interfaces | all above |
| `plugins` | `plugins/` | parts | `parts` |
)";

// A small tree that obeys the table; each test plants one slip in it.
class SmallTree : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tsrec-layers-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    tree_ = pattern;
    write("core/include/tsrec/error.hpp", "#include <string>\n");
    write("core/include/tsrec/nn/head.hpp", "#include \"tsrec/error.hpp\"\n");
    write("core/src/nn/head.cpp", "#include \"tsrec/nn/head.hpp\"\n#include \"nn/weight.hpp\"\n");
    write("core/src/nn/weight.hpp", "");
    write("core/include/tsrec/parts/model.hpp", "#include \"tsrec/nn/head.hpp\"\n");
    write("plugins/mine/mine.cpp", "#include \"own.hpp\"\n#include \"tsrec/parts/model.hpp\"\n");
    write("plugins/mine/own.hpp", "");
    write("plugins/mine/mine_test.cpp", "#include \"tsrec/error.hpp\"\n");
  }
  void TearDown() override { fs::remove_all(tree_); }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((tree_ / file).parent_path());
    std::ofstream(tree_ / file) << text;
  }
  std::string said(const std::string& table = kTable) const {
    std::string all;
    for (const std::string& complaint : complaints(tree_, read_layers(table)))
      all += complaint + "\n";
    return all;
  }
  static std::string with(std::string row) { return kTable + row + "\n"; }

  fs::path tree_;
};

TEST_F(SmallTree, ObeysItsTable) { EXPECT_EQ(said(), ""); }

TEST_F(SmallTree, AnIncludeThatIsNotAllowed) {
  write("core/src/nn/weight.hpp", "#pragma once\n#include \"tsrec/parts/model.hpp\"\n");
  EXPECT_EQ(said(),
            "core/src/nn/weight.hpp:2 includes \"tsrec/parts/model.hpp\" of 'parts'; 'nn' may "
            "include: base\n");
}

TEST_F(SmallTree, WhatIsAllowedDoesNotReachFurther) {
  write("plugins/mine/own.hpp", "#include \"tsrec/nn/head.hpp\"\n");
  EXPECT_EQ(said(),
            "plugins/mine/own.hpp:1 includes \"tsrec/nn/head.hpp\" of 'nn'; 'plugins' may "
            "include: parts\n");
}

TEST_F(SmallTree, TheSdkAndPluginsStayWithinTheSdk) {
  write("core/include/tsrec/nn/head.hpp", "#include \"nn/weight.hpp\"\n");
  write("plugins/mine/own.hpp", "#include \"../other/other.hpp\"\n");
  write("plugins/other/other.hpp", "");
  EXPECT_EQ(said(),
            "core/include/tsrec/nn/head.hpp:1 includes \"nn/weight.hpp\", which is no header of "
            "the SDK\n"
            "plugins/mine/own.hpp:1 includes \"../other/other.hpp\", which is no header of the "
            "SDK\n");
}

TEST_F(SmallTree, AFileOfNoLayer) {
  write("core/include/tsrec/text/bpe.hpp", "");
  EXPECT_EQ(said(),
            "core/include/tsrec/text/bpe.hpp stands in no layer; add it to a row, or a row\n");
}

TEST_F(SmallTree, AFileOfTwoLayers) {
  EXPECT_EQ(said(with("| `more` | `parts/model` | twice | |")),
            "core/include/tsrec/parts/model.hpp stands in several layers: more, parts\n");
}

TEST_F(SmallTree, APlaceWithoutFiles) {
  EXPECT_EQ(said(with("| `gone` | `gone/` | nothing | |")),
            "the layer 'gone' names 'gone/', where no file is\n");
}

TEST_F(SmallTree, ALayerThatMayIncludeALaterOneCouldCloseACircle) {
  std::string table = kTable;
  table.replace(table.find("| ground | |"), 12, "| ground | `nn` |");
  EXPECT_EQ(said(table), "the layer 'base' may include 'nn', which is no row above it\n");
}

TEST_F(SmallTree, AnIncludeOfNoFile) {
  write("core/src/nn/weight.hpp", "#include \"nn/lost.hpp\"\n");
  EXPECT_EQ(said(),
            "core/src/nn/weight.hpp:1 includes \"nn/lost.hpp\", which is not in this tree\n");
}

TEST(Layers, ATableThatCannotBeReadIsRefused) {
  EXPECT_THROW(read_layers("# nothing\n"), std::runtime_error);
  EXPECT_THROW(read_layers("## Layers\n| `a` | `b` |\n"), std::runtime_error);
  EXPECT_THROW(read_layers("## Layers\n| `a` | `b | c | |\n"), std::runtime_error);
}

}  // namespace
}  // namespace tsrec::test
