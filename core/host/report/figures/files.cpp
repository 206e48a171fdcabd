// PNG comes from librsvg's own program and not from its library, whose development files bring
// cairo, pango, GLib and some sixty packages more into every build: figures are whole as SVG, and
// who wants pixels installs one package.
#include "tsrec/io/files.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "report/figures/figures.hpp"
#include "support/child.hpp"

namespace tsrec::host::figures {
namespace {

namespace fs = std::filesystem;

// In the folders of $PATH; empty where there is none.
fs::path program_named(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder) / name;
    if (file.is_absolute() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

std::string all_words(const Program& program) {
  std::string words;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(program.words(), buffer.data(), buffer.size());
    if (got > 0) words.append(buffer.data(), static_cast<size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return words;
  }
}

// Three pixels for one, as print wants them. Returns what went wrong, or "".
std::string convert(const fs::path& converter, const fs::path& svg, const fs::path& png) {
  Program program({converter.string(), "--zoom", "3", "--output", png.string(), svg.string()},
                  /*draws=*/false);
  const std::string words = all_words(program);
  const int status = program.wait();
  return status == 0 ? "" : ending_of(status) + ": " + one_line(words);
}

}  // namespace

std::string write_figures(const std::vector<Figure>& figures, const fs::path& folder) {
  fs::create_directories(folder);
  const fs::path converter = program_named("rsvg-convert");
  std::string problem;
  for (const Figure& figure : figures) {
    const fs::path svg = folder / (figure.name + ".svg");
    io::write_text(svg, figure.svg);
    if (converter.empty() || !problem.empty()) continue;
    problem = convert(converter, svg, folder / (figure.name + ".png"));
  }
  if (!figures.empty() && converter.empty())
    return "no PNG beside the SVG: rsvg-convert is not installed (Debian: librsvg2-bin)";
  return problem.empty() ? "" : "no PNG beside some SVG: rsvg-convert: " + problem;
}

}  // namespace tsrec::host::figures
