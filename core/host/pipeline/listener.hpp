// Who hears what a stage says while it runs. RunContext calls its listeners one at a time, whatever
// thread a part speaks from.
#pragma once

#include "tsrec/context.hpp"

namespace tsrec::host {

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;
  virtual void log(Level, std::string_view /*message*/) {}
  virtual void number(std::string_view /*name*/, double /*value*/, int64_t /*step*/) {}
  virtual void progress(std::string_view /*what*/, int64_t /*done*/, int64_t /*total*/) {}
};

}  // namespace tsrec::host
