// Who hears what a stage says while it runs. RunContext calls its observers one at a time, whatever
// thread a part speaks from.
#pragma once

#include "tsrec/context.hpp"

namespace tsrec::host {

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  virtual void log(Level, std::string_view /*message*/) {}
  virtual void number(std::string_view /*name*/, double /*value*/, int64_t /*step*/) {}
  virtual void progress(std::string_view /*what*/, int64_t /*done*/, int64_t /*total*/) {}
};

}  // namespace tsrec::host
