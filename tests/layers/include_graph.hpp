// Who includes whom in this tree, held against the table of layers in ARCHITECTURE.md.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tsrec::test {

// One row of the table. A place is a folder ("nn/") or the stem of a file ("sid"), below one of
// kRoots.
struct Layer {
  std::string name;
  std::vector<std::string> places;
  std::set<std::string> may_include;
};

// Rows "| `name` | `place` `place` | what it is | `layer` `layer` |" below "## Layers"; the words
// "all above" in the last column name every row above. Throws std::runtime_error for a row that
// cannot be read.
std::vector<Layer> read_layers(const std::string& markdown);

// One sentence for each thing that is wrong: an include that the table does not allow, or that
// leads the SDK or a plugin out of the SDK; a file that stands in no layer or in two; a place where
// no file is; and a row that may include one below it, which alone could close a circle.
std::vector<std::string> complaints(const std::filesystem::path& tree,
                                    const std::vector<Layer>& layers);

}  // namespace tsrec::test
