#include "reading.hpp"

#include "tsrec/text/html.hpp"

namespace tsrec::published_files {
namespace {

std::string complaint_about(const std::string& format) {
  try {
    SidSpelling{format};
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

void Reading::declare(Options& o) {
  o.add("dataset", dataset)
      .help(
          "which data set, where a folder holds several: files named NAME, NAME.* or "
          "NAME_<number>*; "
          "empty: the only one");
  o.add("clean", clean)
      .one_of({"html", "none"})
      .help("html: tags and comments go from texts, entities become characters");
  o.add("sid_format", sid_format)
      .help(
          "how the files spell a SID, also in the vocabulary: its tokens, separated by blanks; "
          "that "
          "of a level has {code} and {level:a} (or A, 0, 1: what the first is called)")
      .check([this] { return complaint_about(sid_format); });
}

std::string Reading::cleaned(std::string text, const std::string& column,
                             std::map<std::string, int64_t>& remarks) const {
  if (clean == "none") return text;
  std::string plain = text::without_html(text);
  if (plain != text) ++remarks["texts of '" + column + "' cleaned of HTML"];
  return plain;
}

}  // namespace tsrec::published_files
