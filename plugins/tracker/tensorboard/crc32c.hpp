// CRC-32C (Castagnoli), as RFC 3720, appendix B.4, has it.
#pragma once

#include <cstdint>
#include <string_view>

uint32_t crc32c(std::string_view bytes);
