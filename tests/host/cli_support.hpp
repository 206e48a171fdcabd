// The executable, as a user calls it.
#pragma once

#include <sys/wait.h>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {

struct Outcome {
  int code = 0;
  std::string text;  // stdout and stderr
};

// before: shell commands in front of it.
inline Outcome run(const std::string& arguments, const std::string& before = "") {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string command = c10::str(before, TSREC_BINARY, " ", arguments, " >", out, " 2>&1");
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), io::read_text(out)};
}

inline const std::string kSmoke = std::string(TSREC_SOURCE_FOLDER) + "/experiments/000_smoke";

// Text between two marks of an outcome.
inline std::string between(const std::string& text, const std::string& from,
                           const std::string& to) {
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  return text.substr(begin + from.size(), text.find(to, begin + from.size()) - begin - from.size());
}

}  // namespace tsrec::test
