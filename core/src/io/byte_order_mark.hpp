// What some editors put in front of UTF-8.
#pragma once

#include <string_view>

namespace tsrec::io {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace tsrec::io
