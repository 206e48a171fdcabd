// Whose call an exception came out of.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "plugin/active_call.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec::host {

// What a part is called in errors.
struct PartIdentity {
  std::string described;  // "reward 'near_miss' (acme 0.1, near_miss.so)"
  std::string unusual;    // "codes = 8 (my.toml:3:1), ..."; "": all options are the default
};
using Identity = std::shared_ptr<const PartIdentity>;

// Remembers that the exception left this method of this part. The innermost call is kept: on its
// way through the outer ones, and from thread to thread, an exception stays the same object.
TSREC_HOST_API void blame(const std::exception_ptr& thrown, const Identity& part,
                          const char* method);
// "\n  in reward 'near_miss' (acme 0.1, near_miss.so) in score()", and the part's unusual options
// on a line of their own; "" where it came out of no part.
TSREC_HOST_API std::string whose_call(const std::exception_ptr& thrown);

// Does what belongs to the method of the part, and blames the part for what it throws.
template <class Work>
decltype(auto) in_call(const Identity& part, const char* method, const Work& work) {
  const ActiveCall active(part->described.c_str(), method);
  try {
    return work();
  } catch (...) {
    blame(std::current_exception(), part, method);
    throw;
  }
}

// A part behind its guard knows what it is called.
class TSREC_HOST_API Guarded {
 public:
  explicit Guarded(Identity part) : part_(std::move(part)) {}
  virtual ~Guarded();
  const Identity& identity() const { return part_; }

 private:
  Identity part_;
};

// A look at what a method of the part gave, where only the caller knows what was to be expected.
// Without a guard, as in tests, nobody is blamed.
TSREC_HOST_API void in_the_name_of(const Part& part, const char* method,
                                   const std::function<void()>& look);

}  // namespace tsrec::host
