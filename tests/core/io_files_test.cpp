// Text, CSV and list literals: what is written reads back, what is malformed is named with its
// place.
#include <random>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec {
namespace {

using test::contains;
using test::message_of;
using test::TempFolder;

TEST(IoFiles, TextReadsBackAndReplacesTheOldFileWithoutLeavings) {
  const TempFolder folder;
  std::string bytes;
  std::mt19937 random(3);
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(random() & 255);
  io::write_text(folder.path() / "a", "old");
  io::write_text(folder.path() / "a", bytes);
  EXPECT_EQ(io::read_text(folder.path() / "a"), bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(IoFiles, UnreadableAndUnwritablePathsAreNamed) {
  const TempFolder folder;
  const std::string absent = message_of<DataError>([&] { io::read_text(folder.path() / "no"); });
  EXPECT_TRUE(contains(absent, "no: No such file")) << absent;
  EXPECT_THROW(io::read_text(folder.path()), DataError);
  const std::string denied =
      message_of<Error>([&] { io::write_text(folder.path() / "no/file", "x"); });
  EXPECT_TRUE(contains(denied, "no/file")) << denied;
}

TEST(IoFiles, Sha256MatchesTheStandardsExamples) {  // FIPS 180-2, appendix B
  EXPECT_EQ(io::sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(io::sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

std::string csv_cell(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

TEST(Csv, RandomCellsReadBackWithTheirLines) {
  const TempFolder folder;
  std::mt19937 random(5);
  const std::string alphabet = "a,\"\n\r\t '[]\xC3\xA9";
  std::vector<std::vector<std::string>> rows(200, std::vector<std::string>(3));
  std::vector<int64_t> lines;
  std::string bytes = "x,y,z\r\n";
  int64_t line = 2;
  for (auto& row : rows) {
    lines.push_back(line++);
    for (size_t i = 0; i < row.size(); ++i) {
      for (size_t n = random() % 8; n > 0; --n) row[i] += alphabet[random() % alphabet.size()];
      line += std::count(row[i].begin(), row[i].end(), '\n');
      bytes += (i == 0 ? "" : ",") + csv_cell(row[i]);
    }
    bytes += random() % 2 == 0 ? "\n" : "\r\n";
  }
  const io::Csv csv = io::read_csv(folder.write("a.csv", bytes));
  EXPECT_EQ(csv.header, (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(csv.rows, rows);
  EXPECT_EQ(csv.line, lines);
  EXPECT_EQ(csv.column("z"), 2);
}

TEST(Csv, PlainCellsMayContainQuotesAndTheLastLineBreakIsOptional) {
  const TempFolder folder;
  const io::Csv csv = io::read_csv(folder.write("a.csv", "\xEF\xBB\xBFx,y\n5\" bolt,\n\nlast,1"));
  EXPECT_EQ(csv.header.front(), "x");
  EXPECT_EQ(csv.rows, (std::vector<std::vector<std::string>>{{"5\" bolt", ""}, {"last", "1"}}));
  EXPECT_EQ(csv.line, (std::vector<int64_t>{2, 4}));
}

TEST(Csv, TsvFilesAreSeparatedByTabs) {
  const TempFolder folder;
  const io::Csv csv = io::read_csv(folder.write("a.tsv", "x\ty\na,b\tc\n"));
  EXPECT_EQ(csv.rows.at(0), (std::vector<std::string>{"a,b", "c"}));
}

TEST(Csv, ErrorsNameFileAndLine) {
  const TempFolder folder;
  const auto complaint = [&](std::string_view bytes) {
    return message_of<DataError>([&] { io::read_csv(folder.write("bad.csv", bytes)); });
  };
  EXPECT_TRUE(contains(complaint("x,y\n1,2\n3\n"), "bad.csv:3: 1 fields"));
  EXPECT_TRUE(contains(complaint("x,y\n1,\"2\n3\n"), "bad.csv:2: a quoted field"));
  EXPECT_TRUE(contains(complaint("x,y\n\"a\nb\",\"2\"3\n"), "bad.csv:3: expected a separator"));
  EXPECT_TRUE(contains(complaint("x,x\n"), "'x' twice"));
  EXPECT_TRUE(contains(complaint(""), "empty"));
  const io::Csv csv = io::read_csv(folder.write("good.csv", "x,y\n"));
  const std::string absent = message_of<DataError>([&] { csv.column("z"); });
  EXPECT_TRUE(contains(absent, "good.csv:1: no column 'z'; the header has x, y")) << absent;
}

TEST(ListLiteral, PythonsPrintedFormIsParsed) {
  using List = std::vector<std::string>;
  EXPECT_EQ(io::parse_list_literal("['a', \"b's\", 3]"), (List{"a", "b's", "3"}));
  EXPECT_EQ(io::parse_list_literal(" [ ] "), List{});
  EXPECT_EQ(io::parse_list_literal("[-7, '', 'x',]"), (List{"-7", "", "x"}));
  EXPECT_EQ(io::parse_list_literal(R"(['it\'s "q"', 'a\\n\n\t\r'])"),
            (List{"it's \"q\"", "a\\n\n\t\r"}));
  EXPECT_EQ(io::parse_list_literal(R"(['\xe9\u200b\U0001f600é'])"),
            (List{"\xC3\xA9\xE2\x80\x8B\xF0\x9F\x98\x80\xC3\xA9"}));
}

TEST(ListLiteral, EverythingElseIsRefusedWithItsPlace) {
  for (const char* text :
       {"", "'a'", "['a'", "['a' 'b']", "['a]", "[a]", "[1.5]", "[None]", "['a', 'b'] + []",
        "[[1]]", "[__import__('os')]", R"(['\q'])", R"(['\ud800'])", R"(['\x1'])", "[,]", "[-]"}) {
    const std::string message = message_of<DataError>([&] { io::parse_list_literal(text); });
    EXPECT_TRUE(contains(message, "malformed list at character")) << text << ": " << message;
  }
}

}  // namespace
}  // namespace tsrec
