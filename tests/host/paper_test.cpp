// experiments/PAPER.md and the numbers of the paper: commands that can be run, tables that say what
// the file says.
#include <algorithm>
#include <array>
#include <map>

#include "cli_support.hpp"
#include "report/published.hpp"

namespace tsrec::test {
namespace {

const std::string kRoot = TSREC_SOURCE_FOLDER;

std::string paper() { return io::read_text(kRoot + "/experiments/PAPER.md"); }

// What stands between backticks and is a command that runs something.
std::vector<std::string> commands_of(const std::string& text) {
  std::vector<std::string> commands;
  for (size_t at = text.find("`tsrec "); at != std::string::npos;
       at = text.find("`tsrec ", at + 1)) {
    const std::string command = text.substr(at + 7, text.find('`', at + 1) - at - 7);
    for (const char* word : {"run ", "compare ", "rows ", "data "}) {
      const bool is_new = std::find(commands.begin(), commands.end(), command) == commands.end();
      if (command.starts_with(word) && is_new) commands.push_back(command);
    }
  }
  return commands;
}

// Folders with files of the right names: a plan reads what names and options say, and digests.
class Paper : public ::testing::Test {
 protected:
  Paper() {
    folder_.write("industrial/Industrial_and_Scientific.description_keywords.json", "{}");
    folder_.write("scientific/Scientific.inter.json", "{}");
    folder_.write("scientific/Scientific.item.json", "{}");
    folder_.write("amazon/Office_Products.json.gz", "");
    folder_.write("amazon/meta_Office_Products.json.gz", "");
    folder_.write("qwen/config.json", "{}");
    const std::string at = folder_.path().string();
    before_ = "cd '" + kRoot + "' && TSREC_INDUSTRIAL='" + at + "/industrial' TSREC_SCIENTIFIC='" +
              at + "/scientific' TSREC_AMAZON='" + at + "/amazon' TSREC_QWEN='" + at + "/qwen' ";
  }
  // "tsrec compare EXPERIMENT ..." planned.
  Outcome planned(const std::string& command) const {
    std::string rest = command.substr(command.find(' ') + 1);
    if (command.starts_with("rows ")) rest.replace(rest.find(" figure1"), 8, "");
    return run("plan " + rest + " --store '" + (folder_.path() / "store").string() + "'", before_);
  }

  TempFolder folder_;
  std::string before_;
};

TEST_F(Paper, EveryCommandCanBePlanned) {
  const auto commands = commands_of(paper());
  EXPECT_GE(commands.size(), 11u);
  for (const std::string& command : commands) {
    const Outcome plan = planned(command);
    EXPECT_EQ(plan.code, 0) << command << "\n" << plan.text;
    if (command.find("scale/paper") == std::string::npos) continue;
    const Outcome origins = planned(command + " --origins");
    for (const char* said : {"batch_rows = 1024  (", "learning_rate = 3e-04  (", "qwen"})
      EXPECT_TRUE(contains(origins.text, said)) << said << " in " << command << "\n"
                                                << origins.text;
    EXPECT_FALSE(contains(origins.text, "repeat = 0.")) << "the paper takes every row: " << command;
  }
}

// "TS-Rec" of a table that is printed as ".1462 / .1029".
TEST(PaperNumbers, StandInTheTextAsInTheFile) {
  const std::string text = paper();
  const auto printed = [](double value) {
    std::array<char, 16> digits;
    std::snprintf(digits.data(), digits.size(), "%.4f", value);
    return std::string(digits.data() + 1);
  };
  const auto pairs = [&](const std::string& table, const char* hr, const char* ndcg) {
    int64_t found = 0;
    for (const auto& row :
         host::read_published(kRoot + "/configs/paper/published.toml:" + table).rows) {
      std::map<std::string, double> value(row.numbers.begin(), row.numbers.end());
      const std::string said = printed(value.at(hr)) + " / " + printed(value.at(ndcg));
      EXPECT_TRUE(contains(text, said)) << table << " " << row.label << ": " << said;
      ++found;
    }
    return found;
  };
  for (const char* data : {"industrial", "office"}) {
    EXPECT_EQ(pairs(c10::str("table2.", data), "item.hr@10", "item.ndcg@10"), 7);
    EXPECT_EQ(pairs(c10::str("table3.", data), "item.hr@5", "item.ndcg@5"), 4);
  }
  for (const auto& row :
       host::read_published(kRoot + "/configs/paper/published.toml:table4.industrial").rows) {
    for (const auto& [number, value] : row.numbers)
      EXPECT_TRUE(contains(text, "| " + printed(value) + " |")) << row.label << " " << number;
  }
}

// What no list of hits can have: NDCG above HR, or either falling where the list grows.
TEST(PaperNumbers, AreThoseOfRankedLists) {
  for (const char* table : {"table2.industrial", "table2.office", "table4.industrial"}) {
    for (const auto& row :
         host::read_published(kRoot + "/configs/paper/published.toml:" + table).rows) {
      std::map<std::string, double> value(row.numbers.begin(), row.numbers.end());
      EXPECT_EQ(value.size(), 6u) << row.label;
      for (const char* of : {"item.hr@", "item.ndcg@"}) {
        EXPECT_LT(value.at(c10::str(of, 3)), value.at(c10::str(of, 5))) << table << row.label;
        EXPECT_LT(value.at(c10::str(of, 5)), value.at(c10::str(of, 10))) << table << row.label;
      }
      for (const int k : {3, 5, 10})
        EXPECT_LT(value.at(c10::str("item.ndcg@", k)), value.at(c10::str("item.hr@", k)));
    }
  }
}

}  // namespace
}  // namespace tsrec::test
