// What a word of the user means: a key, a title, a part of one, or more than one item.
#include "serving/named_item.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

Items shop() {
  Items items({"k0", "k1", "k2", "7", "k4", "k5", "k6", "k7", "k8", "k9"});
  items.set("title", {"Oak desk", "oak DESK", "Oak desk, small", "lamp", "7", "7", "chair", "",
                      "Chaise", "Chair"});
  return items;
}

int64_t item_in_shop(const std::string& word) { return host::serving::item_named(shop(), word); }

std::string refusal_in_shop(const std::string& word) {
  return message_of<DataError>([&] { item_in_shop(word); });
}

TEST(NamedItem, KeysGoBeforeTitlesAndWholeTitlesBeforeParts) {
  EXPECT_EQ(item_in_shop("k1"), 1);
  EXPECT_EQ(item_in_shop("7"), 3) << "two titles are 7, but one key is";
  EXPECT_EQ(item_in_shop("LAMP"), 3);
  EXPECT_EQ(item_in_shop("chais"), 8);
  EXPECT_EQ(item_in_shop("oak desk, small"), 2);
  EXPECT_EQ(item_in_shop("small"), 2);
}

TEST(NamedItem, EqualTitlesAreRefusedWithTheirKeys) {
  const std::string whole = refusal_in_shop("Oak Desk");
  EXPECT_TRUE(contains(whole, "2 items have the title 'Oak Desk'; name one by its key:")) << whole;
  EXPECT_TRUE(contains(whole, "\n  k0  Oak desk\n  k1  oak DESK")) << whole;
  EXPECT_FALSE(contains(whole, "k2")) << whole;
  const std::string part = refusal_in_shop("desk");
  EXPECT_TRUE(contains(part, "3 titles contain 'desk'; name one by its key:")) << part;
  EXPECT_TRUE(contains(part, "k2  Oak desk, small")) << part;
  EXPECT_TRUE(contains(refusal_in_shop("a"), "and 2 more"));
}

TEST(NamedItem, NothingIsRefused) {
  EXPECT_TRUE(contains(refusal_in_shop("sofa"), "no item has the key or the title 'sofa'"));
  EXPECT_TRUE(contains(refusal_in_shop(""), "no item has the key or the title ''"));
}

}  // namespace
}  // namespace tsrec::test
