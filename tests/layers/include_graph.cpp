#include "layers/include_graph.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

// Places of the table lie below these.
constexpr std::array kRoots = {"core/include/tsrec/", "core/src/", "core/", ""};
// An include between quotes is looked for beside its file, then here.
constexpr std::array kIncludeFolders = {"core/include/", "core/src/", "core/host/"};

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream stream(row.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) cells.push_back(cell);
  return cells;
}

// What stands between backquotes.
std::vector<std::string> quoted(const std::string& cell) {
  std::vector<std::string> words;
  for (size_t at = cell.find('`'); at != std::string::npos;) {
    const size_t end = cell.find('`', at + 1);
    if (end == std::string::npos) throw std::runtime_error("a backquote is open in: " + cell);
    words.push_back(cell.substr(at + 1, end - at - 1));
    at = cell.find('`', end + 1);
  }
  return words;
}

bool is_in(const std::string& file, const std::string& place) {
  return std::any_of(kRoots.begin(), kRoots.end(), [&](const std::string& root) {
    const std::string begin = root + place;
    if (!file.starts_with(begin)) return false;
    return place.ends_with('/') || (file.size() > begin.size() && file[begin.size()] == '.');
  });
}

// Sources of core and plugins, relative to the tree; tests may include what they test.
std::vector<std::string> sources_of(const fs::path& tree) {
  std::vector<std::string> files;
  for (const char* folder : {"core", "plugins"}) {
    for (const auto& entry : fs::recursive_directory_iterator(tree / folder)) {
      const std::string name = entry.path().filename().string();
      const bool is_source = name.ends_with(".hpp") || name.ends_with(".cpp") ||
                             name.ends_with(".hpp.in") || name.ends_with(".cpp.in");
      if (is_source && name.find("_test.") == std::string::npos)
        files.push_back(entry.path().lexically_relative(tree).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The file that an include names; "" when this tree has none.
std::string found(const fs::path& tree, const std::string& from, const std::string& name) {
  std::vector<std::string> places = {fs::path(from).parent_path().generic_string() + "/"};
  places.insert(places.end(), kIncludeFolders.begin(), kIncludeFolders.end());
  for (const std::string& place : places) {
    for (const char* ending : {"", ".in"}) {
      if (fs::exists(tree / (place + name + ending))) return place + name + ending;
    }
  }
  return "";
}

bool is_sdk(const std::string& file) { return file.starts_with("core/include/"); }

// The SDK is installed without the rest, and a plugin is built against the SDK: their headers are
// the SDK's, or stand beside the file.
bool is_within_reach(const std::string& from, const std::string& target) {
  const bool is_part = from.starts_with("plugins/") || from.starts_with("core/template/");
  if (!is_sdk(from) && !is_part) return true;
  const bool is_beside = fs::path(from).parent_path() == fs::path(target).parent_path();
  return is_sdk(target) || (is_part && is_beside);
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

class Check {
 public:
  Check(const fs::path& tree, const std::vector<Layer>& layers) : tree_(tree), layers_(layers) {}

  std::vector<std::string> run() {
    look_at_rows();
    const std::vector<std::string> files = sources_of(tree_);
    for (const std::string& file : files) place(file);
    look_for_empty_places(files);
    for (const std::string& file : files) look_into(file);
    return complaints_;
  }

 private:
  void look_at_rows() {
    std::set<std::string> above;
    for (const Layer& layer : layers_) {
      for (const std::string& other : layer.may_include) {
        if (!above.contains(other))
          complaints_.push_back("the layer '" + layer.name + "' may include '" + other +
                                "', which is no row above it");
      }
      if (!above.insert(layer.name).second)
        complaints_.push_back("two rows are called '" + layer.name + "'");
    }
  }

  void place(const std::string& file) {
    std::set<std::string> names;
    for (const Layer& layer : layers_) {
      for (const std::string& place : layer.places) {
        if (!is_in(file, place)) continue;
        names.insert(layer.name);
        layer_of_[file] = &layer;
      }
    }
    if (names.size() == 1) return;
    layer_of_.erase(file);
    complaints_.push_back(file + (names.empty() ? " stands in no layer; add it to a row, or a row"
                                                : " stands in several layers: " + joined(names)));
  }

  void look_for_empty_places(const std::vector<std::string>& files) {
    for (const Layer& layer : layers_) {
      for (const std::string& place : layer.places) {
        if (std::none_of(files.begin(), files.end(),
                         [&](const std::string& file) { return is_in(file, place); }))
          complaints_.push_back("the layer '" + layer.name + "' names '" + place +
                                "', where no file is");
      }
    }
  }

  void look_into(const std::string& file) {
    std::ifstream stream(tree_ / file);
    int number = 0;
    for (std::string line; std::getline(stream, line);) {
      ++number;
      constexpr std::string_view kInclude = "#include \"";
      if (!line.starts_with(kInclude)) continue;
      const std::string name = line.substr(kInclude.size(), line.rfind('"') - kInclude.size());
      judge(file, number, name);
    }
  }

  void judge(const std::string& file, int line, const std::string& name) {
    const std::string where = file + ":" + std::to_string(line) + " includes \"" + name + "\"";
    const std::string target = found(tree_, file, name);
    if (target.empty()) {
      complaints_.push_back(where + ", which is not in this tree");
      return;
    }
    if (!is_within_reach(file, target)) {
      complaints_.push_back(where + ", which is no header of the SDK");
      return;
    }
    const auto from = layer_of_.find(file), to = layer_of_.find(target);
    if (from == layer_of_.end() || to == layer_of_.end()) return;  // said before
    const Layer& layer = *from->second;
    if (&layer == to->second || layer.may_include.contains(to->second->name)) return;
    complaints_.push_back(where + " of '" + to->second->name + "'; '" + layer.name +
                          "' may include: " + joined(layer.may_include));
  }

  const fs::path& tree_;
  const std::vector<Layer>& layers_;
  std::map<std::string, const Layer*> layer_of_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<Layer> read_layers(const std::string& markdown) {
  std::vector<Layer> layers;
  std::istringstream stream(markdown);
  bool is_there = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("## ")) is_there = line == "## Layers";
    if (!is_there || !line.starts_with("| `")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != 4) throw std::runtime_error("a row of layers needs four cells: " + line);
    Layer layer{quoted(cells[0]).at(0), quoted(cells[1]), {}};
    for (const std::string& name : quoted(cells[3])) layer.may_include.insert(name);
    if (cells[3].find("all above") != std::string::npos) {
      for (const Layer& above : layers) layer.may_include.insert(above.name);
    }
    layers.push_back(std::move(layer));
  }
  if (layers.empty()) throw std::runtime_error("there is no table below '## Layers'");
  return layers;
}

std::vector<std::string> complaints(const fs::path& tree, const std::vector<Layer>& layers) {
  return Check(tree, layers).run();
}

}  // namespace tsrec::test
