// A stream of random numbers for every name.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

// The Mersenne Twister MT19937 on the CPU, its whole state made from the words of a key by
// init_by_array of its authors (Matsumoto and Nishimura, 2002). key: at least one word.
TSREC_API at::Generator generator_of(std::span<const uint32_t> key);

// With SHA-256 of the name as the key. A generator that is made from a seed takes 32 bits of it:
// among a hundred thousand of those, two are probably the same stream; among these, none are.
TSREC_API at::Generator stream_of(std::string_view name);

}  // namespace tsrec
