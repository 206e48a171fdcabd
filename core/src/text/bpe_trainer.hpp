// Learns byte pair merges from counted words.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/bpe.hpp"

namespace tsrec::text {

struct TrainedBpe {
  std::vector<std::string>
      pieces;  // the 256 bytes, then merged pieces in the order they were learned
  std::vector<Merge> merges;
};

// The most frequent pair merges first; of equal pairs the one with the lower left, then right id.
// Stops at `size` pieces or when no pair occurs twice.
TrainedBpe train_bpe(const std::unordered_map<std::string, int64_t>& word_counts, size_t size);

}  // namespace tsrec::text
