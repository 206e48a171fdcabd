#include "tsrec/evenly_spaced.hpp"

#include <gtest/gtest.h>

namespace tsrec::test {
namespace {

TEST(EvenlySpaced, AreDistinctAscendingAndSpanTheWhole) {
  for (const int64_t available : {1, 5, 64, 1000}) {
    for (const int64_t wanted : {0, 1, 3, 64, 2000}) {
      const auto rows = evenly_spaced(available, wanted);
      const int64_t count = wanted == 0 ? available : std::min(wanted, available);
      ASSERT_EQ(static_cast<int64_t>(rows.size()), count);
      EXPECT_EQ(rows.front(), 0);
      const int64_t gap = available / count;
      for (size_t i = 1; i < rows.size(); ++i) {
        EXPECT_GE(rows[i] - rows[i - 1], gap);
        EXPECT_LE(rows[i] - rows[i - 1], gap + 1);
      }
      EXPECT_LT(rows.back(), available);
    }
  }
}

}  // namespace
}  // namespace tsrec::test
