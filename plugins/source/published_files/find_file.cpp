#include "find_file.hpp"

#include <algorithm>

#include "tsrec/suggest.hpp"

namespace tsrec::published_files {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// Of the files in the folder, in the order of their names.
Names names_in(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw DataError("there is no folder '", folder.string(),
                    "'; set the source's `folder` to where the data lies");
  }
  Names names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && entry.is_regular_file()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string stem_of(const std::string& file, const std::string& ending) {
  return file.substr(0, file.size() - ending.size());
}

// Whether a stem is the data set's name with something behind it.
bool is_variant_of(const std::string& name, const std::string& stem) {
  if (stem.size() <= name.size() || !stem.starts_with(name)) return false;
  const std::string_view rest = std::string_view(stem).substr(name.size());
  return rest[0] == '.' || (rest[0] == '_' && rest.size() > 1 && rest[1] >= '0' && rest[1] <= '9');
}

std::string listed(const Names& names) {
  constexpr size_t kMost = 8;
  const Names first(names.begin(),
                    names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  return c10::Join(", ", first) +
         (names.size() > kMost ? c10::str(" and ", names.size() - kMost, " more") : "");
}

}  // namespace

std::optional<fs::path> find_file(const fs::path& folder, const std::string& ending,
                                  const std::string& name, const std::string& option) {
  Names fitting;
  for (const std::string& file : names_in(folder)) {
    if (!file.ends_with(ending)) continue;
    const std::string stem = stem_of(file, ending);
    if (!name.empty() && stem == name) return folder / file;
    if (name.empty() || is_variant_of(name, stem)) fitting.push_back(file);
  }
  if (fitting.size() > 1) {
    throw DataError("'", folder.string(), "' holds ", fitting.size(), " files",
                    name.empty() ? "" : " of '" + name + "'", " that end in ", ending, ": ",
                    listed(fitting), "; choose one by the source's `", option, "`");
  }
  return fitting.empty() ? std::nullopt : std::optional(folder / fitting.front());
}

fs::path required_file(const fs::path& folder, const std::string& ending, const std::string& name) {
  if (auto found = find_file(folder, ending, name)) return *std::move(found);
  const Names there = names_in(folder);
  Names known;
  for (const std::string& file : there) {
    if (file.ends_with(ending)) known.push_back(stem_of(file, ending));
  }
  const std::string what = there.empty() ? "it is empty" : "it holds " + listed(there);
  if (name.empty() || known.empty())
    throw DataError("'", folder.string(), "' holds no file that ends in ", ending, "; ", what);
  throw DataError("'", folder.string(), "' holds no ", ending,
                  " file of the data set that the "
                  "source's `dataset` says, '",
                  name, "'; ", what, suggest(name, known));
}

}  // namespace tsrec::published_files
