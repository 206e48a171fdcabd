// A part's saved state: exact, byte-stable, and refused with a reason when it is not whole.
#include "tsrec/artifact.hpp"

#include <cmath>
#include <random>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec {
namespace {

using test::contains;
using test::message_of;
using test::TempFolder;

TEST(Artifact, EverythingReadsBackExactly) {
  const TempFolder folder;
  const torch::Tensor codes = torch::randint(0, 256, {50, 3}, torch::kInt64);
  std::mt19937_64 random(7);
  std::vector<double> numbers = {0.1, -0.0, 1e-320, 3, NAN, INFINITY, -INFINITY};
  while (numbers.size() < 200) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) numbers.push_back(value);
  }
  ArtifactWriter out(folder.path() / "deep/a");
  out.tensor("codes", codes);
  out.text("note", "line\n\"\xC3\xA9\"\xF0\x9F\x98\x80");
  for (size_t i = 0; i < numbers.size(); ++i) out.number(c10::str("n", i), numbers[i]);
  out.text("bytes", "a\xFF");
  io::write_text(out.folder("model") / "file", "inside");
  out.close();

  const ArtifactReader in(folder.path() / "deep/a");
  EXPECT_TRUE(torch::equal(in.tensor("codes"), codes));
  EXPECT_EQ(in.text("note"), "line\n\"\xC3\xA9\"\xF0\x9F\x98\x80");
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double read = in.number(c10::str("n", i));
    if (std::isnan(numbers[i])) {
      EXPECT_TRUE(std::isnan(read));
    } else {
      EXPECT_EQ(std::bit_cast<uint64_t>(read), std::bit_cast<uint64_t>(numbers[i])) << numbers[i];
    }
  }
  EXPECT_EQ(io::read_text(in.folder("model") / "file"), "inside");
  EXPECT_EQ(in.text("bytes"), "a\xEF\xBF\xBD");  // what is not UTF-8 is replaced
  for (const char* name : {"codes", "note", "n0", "model"}) EXPECT_TRUE(in.has(name)) << name;
  EXPECT_FALSE(in.has("other"));
}

TEST(Artifact, TensorsReadAreCopiesThatMayBeChanged) {
  const TempFolder folder;
  ArtifactWriter out(folder.path());
  out.tensor("x", torch::ones({4}, torch::requires_grad()));
  out.close();
  const ArtifactReader in(folder.path());
  in.tensor("x").fill_(7);
  EXPECT_TRUE(torch::equal(in.tensor("x"), torch::ones({4})));
}

TEST(Artifact, TensorsKeepTheValueTheyHadWhenTheyWereSaved) {
  const TempFolder folder;
  torch::Tensor x = torch::ones({4});
  ArtifactWriter out(folder.path());
  out.tensor("x", x);
  x.fill_(7);
  out.close();
  EXPECT_TRUE(torch::equal(ArtifactReader(folder.path()).tensor("x"), torch::ones({4})));
}

TEST(Artifact, ViewsAreSavedWithoutACopyAndMustNotChange) {
  const TempFolder folder;
  torch::Tensor x = torch::ones({4}, torch::requires_grad());
  ArtifactWriter out(folder.path() / "fine"), changed(folder.path() / "changed");
  out.view("x", x);
  EXPECT_TRUE(contains(message_of<Error>([&] { out.tensor("x", x); }), "saved twice"));
  out.close();
  EXPECT_TRUE(torch::equal(ArtifactReader(folder.path() / "fine").tensor("x"), x));
  changed.view("x", x);
  {
    const torch::NoGradGuard no_grad;
    x.slice(0, 0, 2).fill_(7);
  }
  EXPECT_TRUE(contains(message_of<Error>([&] { changed.close(); }), "the tensor x changed"));
}

TEST(Artifact, BytesDoNotDependOnTheOrderOfCalls) {
  const TempFolder folder;
  const torch::Tensor a = torch::ones({3}), b = torch::zeros({2}, torch::kInt64);
  ArtifactWriter one(folder.path() / "one"), two(folder.path() / "two");
  one.tensor("a", a), one.tensor("b", b), one.text("t", "x"), one.number("n", 0.3),
      one.number("m", 1);
  two.number("m", 1), two.number("n", 0.3), two.text("t", "x"), two.tensor("b", b),
      two.tensor("a", a);
  one.close(), two.close();
  for (const char* file : {"tensors.safetensors", "values.json"}) {
    EXPECT_EQ(io::read_text(folder.path() / "one" / file),
              io::read_text(folder.path() / "two" / file));
  }
}

TEST(Artifact, MissingNamesAreDataErrorsThatNameTheFolder) {
  const TempFolder folder;
  ArtifactWriter out(folder.path() / "quantizer");
  out.number("n", 1);
  out.close();
  const ArtifactReader in(folder.path() / "quantizer");
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { in.tensor("x"); }), "quantizer holds no tensor 'x'"));
  EXPECT_FALSE(in.has_tensor("n"));
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { in.text("n"); }), "quantizer holds no text 'n'"));
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { in.number("x"); }), "quantizer holds no number 'x'"));
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { in.folder(".."); }), "quantizer holds no folder '..'"));
}

TEST(Artifact, UnfinishedAndDamagedFoldersAreRefused) {
  const TempFolder folder;
  const auto complaint = [&] {
    return message_of<DataError>([&] { ArtifactReader(folder.path()).text("x"); });
  };
  ArtifactWriter out(folder.path());
  out.tensor("x", torch::ones({4}));
  EXPECT_TRUE(contains(complaint(), "holds no finished artifact"));
  out.close();
  folder.write("values.json", "{\n\"numbers\": }");
  EXPECT_TRUE(contains(complaint(), "values.json: malformed JSON: parse error at line 2"));
  folder.write("values.json", "{}");
  EXPECT_TRUE(contains(complaint(), "expected an object with folders"));
  folder.write("values.json", R"({"folders":[],"numbers":{},"texts":{}})");
  folder.write("tensors.safetensors", "short");
  EXPECT_TRUE(contains(complaint(), "tensors.safetensors: 5 bytes are too few"));
}

TEST(Artifact, WriterRefusesWhatCouldNotBeReadBack) {
  const TempFolder folder;
  ArtifactWriter out(folder.path());
  out.number("n", 1);
  EXPECT_TRUE(contains(message_of<Error>([&] { out.text("n", "x"); }), "n is saved twice"));
  EXPECT_TRUE(contains(message_of<Error>([&] { out.folder("../up"); }), "cannot name a folder"));
  EXPECT_TRUE(contains(message_of<Error>([&] { out.tensor("u", {}); }), "undefined"));
  out.close();
  EXPECT_TRUE(contains(message_of<Error>([&] { out.number("late", 1); }), "after close()"));
}

}  // namespace
}  // namespace tsrec
