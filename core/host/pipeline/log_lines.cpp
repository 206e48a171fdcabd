#include "pipeline/log_lines.hpp"

#include "support/log.hpp"

namespace tsrec::host {

void LogLines::log(Level level, std::string_view message) {
  host::log(level, c10::str("  ", level == Level::warning ? "warning: " : "", message));
}

}  // namespace tsrec::host
