#include "support/installation.hpp"

#include <boost/dll/runtime_symbol_info.hpp>

namespace tsrec::host {

std::filesystem::path library_folder() {
  static const std::filesystem::path folder =
      std::filesystem::weakly_canonical(boost::dll::this_line_location().string()).parent_path();
  return folder;
}

std::filesystem::path share_folder() { return library_folder().parent_path() / "share" / "tsrec"; }

}  // namespace tsrec::host
