// Bytes as vocabularies with byte fallback spell them: <0x00> to <0xFF>.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tsrec::text {

std::string spelled_byte(char byte);
std::optional<char> byte_of(std::string_view spelling);

}  // namespace tsrec::text
