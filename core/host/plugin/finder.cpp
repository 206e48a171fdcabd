#include "plugin/finder.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "support/installation.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

std::vector<SearchPlace> search_places(const std::vector<fs::path>& flags,
                                       const fs::path& experiment_folder) {
  std::vector<SearchPlace> places;
  const bool is_run = !experiment_folder.empty() && fs::exists(experiment_folder / "resolved.toml");
  if (is_run) places.push_back({"kept by the run", experiment_folder / "plugins", "", 0});
  for (const fs::path& folder : flags) places.push_back({"--plugins", folder, "", 0});
  if (const char* path = std::getenv("TSREC_PLUGIN_PATH")) {
    const std::string all = path;
    for (size_t begin = 0; begin < all.size();) {
      const size_t end = std::min(all.find(':', begin), all.size());
      if (end > begin)
        places.push_back({"TSREC_PLUGIN_PATH", all.substr(begin, end - begin), "", 0});
      begin = end + 1;
    }
  }
  if (!experiment_folder.empty() && !is_run)
    places.push_back({"beside the experiment", experiment_folder / "plugins", "", 0});
  places.push_back({"installed", installed_plugins(), "", 0});
  return places;
}

// Everything below the folder whose name ends in .so: what it is, the loader says.
std::vector<fs::path> candidates(SearchPlace& place) {
  std::vector<fs::path> files;
  std::error_code failed;
  if (!fs::exists(place.folder, failed)) {
    place.problem = failed ? "cannot be read: " + failed.message() : "does not exist";
    return files;
  }
  auto at = fs::recursive_directory_iterator(place.folder, failed);
  if (failed) {
    place.problem = "cannot be read: " + failed.message();
    return files;
  }
  for (; at != fs::recursive_directory_iterator(); at.increment(failed)) {
    if (failed) {
      place.problem = "was read in part: " + failed.message();
      break;
    }
    if (at->path().extension() == ".so") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// For messages: the place that its author knows it from.
fs::path source_of(const fs::path& kept) {
  std::ifstream in(kept.parent_path() / kSourceFile);
  std::string line;
  return std::getline(in, line) ? fs::path(line) : kept;
}

}  // namespace

fs::path installed_plugins() { return library_folder() / "tsrec" / "plugins"; }

PluginSearch find_plugins(const std::vector<fs::path>& flags, const fs::path& experiment_folder) {
  PluginSearch search{search_places(flags, experiment_folder), {}};
  std::set<fs::path> seen;
  for (SearchPlace& place : search.places) {
    for (const fs::path& file : candidates(place)) {
      std::error_code failed;  // a link that leads nowhere is still a candidate, under its own name
      const fs::path real = fs::canonical(file, failed);
      if (!seen.insert(failed ? file : real).second) continue;
      auto found = std::make_shared<PluginFile>();
      found->file = file;
      found->origin = place.origin;
      found->source = found->is_kept() ? source_of(file) : file;
      search.files.push_back(std::move(found));
      ++place.num_files;
    }
  }
  return search;
}

}  // namespace tsrec::host
