// What a stage says goes to the host's log, below the line that names the stage.
#pragma once

#include "pipeline/listener.hpp"

namespace tsrec::host {

class LogLines final : public Listener {
 public:
  void log(Level level, std::string_view message) override;
};

}  // namespace tsrec::host
