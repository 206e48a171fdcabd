// Values in TOML read back as what they were; people read whole numbers without an exponent.
#include "tsrec/io/toml_text.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "support/support.hpp"

namespace tsrec {
namespace {

TEST(TomlText, FloatsReadBackToTheBitInTheFewestCharacters) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = io::toml_float(value);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    const size_t exponent = text.find('e');
    if (exponent == std::string::npos) continue;
    const auto digits =
        std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(exponent),
                      [](unsigned char c) { return std::isdigit(c) != 0; });
    if (digits < 2) continue;
    std::array<char, 40> shorter{};  // a digit less is another number
    std::snprintf(shorter.data(), shorter.size(), "%.*e", static_cast<int>(digits) - 2, value);
    EXPECT_NE(std::strtod(shorter.data(), nullptr), value) << text;
  }
}

TEST(TomlText, FloatsAreNoIntegers) {
  EXPECT_EQ(io::toml_float(1), "1.0");
  EXPECT_EQ(io::toml_float(-0.25), "-0.25");
  EXPECT_EQ(io::toml_float(1e-4), "1e-04");  // as keys have it
  EXPECT_EQ(io::toml_float(1e6), "1e+06");
  EXPECT_EQ(io::toml_float(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(io::toml_float(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(io::toml_float(std::nan("")), "nan");
}

TEST(TomlText, PeopleReadWholeNumbers) {
  EXPECT_EQ(io::plain_number(1 << 20), "1048576");
  EXPECT_EQ(io::plain_number(1e9), "1000000000");
  EXPECT_EQ(io::plain_number(-3), "-3");
  EXPECT_EQ(io::plain_number(0.5), "0.5");
  EXPECT_EQ(io::plain_number(1e300), "1e+300");
  EXPECT_EQ(io::plain_number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(TomlText, StringsAreEscaped) {
  EXPECT_EQ(io::toml_string("a \"b\" \\ c\n\t\r"), R"("a \"b\" \\ c\n\t\r")");
  EXPECT_EQ(io::toml_string("caf\xC3\xA9"), "\"caf\xC3\xA9\"");
}

}  // namespace
}  // namespace tsrec
