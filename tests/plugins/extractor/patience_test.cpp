// When a request is sent again, and where an endpoint is.
#include "../../../plugins/extractor/language_model/address.hpp"
#include "../../../plugins/extractor/language_model/retry.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using language_model::address_of;
using language_model::back_off;
using language_model::complaint_about_url;
using language_model::retry_after;
using language_model::Seconds;

TEST(Patience, RetryAfterIsSecondsOrADate) {
  // 784111777 is RFC 9110's example of a date (5.6.7).
  const auto now = std::chrono::system_clock::from_time_t(784111777 - 90);
  EXPECT_EQ(retry_after("120", now), Seconds(120));
  EXPECT_EQ(retry_after("0.25", now), Seconds(0.25));
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Seconds(90));
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now), Seconds(0));
  for (const char* other : {"", "soon", "-5", "12 s", "1e3", "nan", "inf", "06 Nov 1994",
                            "Sun, 31 Feb 1994 08:49:37 GMT"})
    EXPECT_FALSE(retry_after(other, now)) << other;
}

TEST(Patience, WaitsDoubleUpToAMinuteAndAreDrawnFromTheirUpperHalf) {
  EXPECT_EQ(back_off(Seconds(2), 0, 0), Seconds(1));
  EXPECT_EQ(back_off(Seconds(2), 0, 0.5), Seconds(1.5));
  EXPECT_EQ(back_off(Seconds(2), 3, 0), Seconds(8));
  EXPECT_EQ(back_off(Seconds(2), 99, 0), Seconds(30));
  EXPECT_EQ(back_off(Seconds(0), 99, 0.5), Seconds(0));
}

TEST(Patience, AnAddressIsReadOrRefused) {
  const auto deepseek = address_of("https://api.deepseek.com");
  EXPECT_TRUE(deepseek.is_encrypted);
  EXPECT_FALSE(deepseek.is_on_this_machine());
  EXPECT_EQ(deepseek.host, "api.deepseek.com");
  EXPECT_EQ(deepseek.port, 443);
  EXPECT_EQ(deepseek.path, "");
  const auto local = address_of("http://[::1]:11434/v1/");
  EXPECT_EQ(local.host, "::1");
  EXPECT_EQ(local.port, 11434);
  EXPECT_EQ(local.path, "/v1");
  EXPECT_TRUE(local.is_on_this_machine());
  EXPECT_TRUE(address_of("http://localhost:8000/a/b").is_on_this_machine());
  EXPECT_EQ(address_of("http://[2001:db8::ff]").host, "2001:db8::ff");
  EXPECT_EQ(address_of("http://gateway").port, 80);
  EXPECT_FALSE(address_of("http://127.example.com/v1").is_on_this_machine());
  for (const char* other : {"api.deepseek.com", "ftp://x", "https://", "https://x:99999",
                            "https://x/v1?key=1", "https://x/v1#a", "https://u:p@x", "https://x y",
                            "https://x/v1/chat/completions", "https://x\n"})
    EXPECT_NE(complaint_about_url(other), "") << other;
}

}  // namespace
}  // namespace tsrec::test
