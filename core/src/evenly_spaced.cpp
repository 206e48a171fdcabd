#include "tsrec/evenly_spaced.hpp"

namespace tsrec {

std::vector<int64_t> evenly_spaced(int64_t available, int64_t wanted) {
  if (wanted == 0 || wanted > available) wanted = available;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < wanted; ++i) rows.push_back(i * available / wanted);
  return rows;
}

}  // namespace tsrec
