// What is still said when a part ends the process, or does not let it stop: which part, in which
// method, in which stage. Handlers of signals say it, so nothing here allocates or locks.
#pragma once

#include <initializer_list>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

// The call of a part that is under way; nulls: none is.
struct OpenCall {
  const char* part = nullptr;    // "quantizer 'opq' (acme.opq 1.2.0, my/opq.so)"
  const char* method = nullptr;  // "fit()"
};
using FindOpenCall = OpenCall (*)() noexcept;  // async-signal-safe

// From now on exit() out of a part, or elsewhere in a stage, is a failure: a sentence and exit code
// 4. A crash says a sentence, too, and then ends the process as it would have without it. advice
// stands behind both; it is not copied. To be called when plugins are loaded, so that what they
// registered with std::atexit comes after this.
TSREC_HOST_API void name_who_ends_the_process(FindOpenCall find, const char* advice);

// While it lives, the sentences name this stage.
class TSREC_HOST_API RunningStage {
 public:
  explicit RunningStage(const std::string& name);
  ~RunningStage();
  RunningStage(const RunningStage&) = delete;
  RunningStage& operator=(const RunningStage&) = delete;
};

// "tsrec: PART DID in METHOD, in the stage STAGE" and the rest, a line on standard error. Without a
// call it names the stage alone; without a stage, too, nothing is said. Async-signal-safe.
void say_of_open_call(const char* did, std::initializer_list<const char*> rest) noexcept;
bool is_part_called() noexcept;
// A line on standard error, below the progress bar. Async-signal-safe.
void say_at_once(const char* sentence) noexcept;

}  // namespace tsrec::host
