// Errors are sentences for the user: what, where, what was expected, what to do next.
#pragma once

#include <stdexcept>
#include <string>

#include "tsrec/abi.hpp"
#include "tsrec/torch.hpp"

namespace tsrec {

class TSREC_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence) : std::runtime_error(sentence) {}
  // Error("got ", n, " items") joins its arguments.
  template <class First, class Second, class... Rest>
  Error(const First& first, const Second& second, const Rest&... rest)
      : std::runtime_error(c10::str(first, second, rest...)) {}
  ~Error() override;
};

// The experiment document or an option is wrong; exit code 2.
class TSREC_API ConfigError : public Error {
 public:
  using Error::Error;
  ~ConfigError() override;
};

// A file or its contents are wrong; exit code 4.
class TSREC_API DataError : public Error {
 public:
  using Error::Error;
  ~DataError() override;
};

// What a part gave back is not what its kind promises (boundary.hpp): its author has to mend it;
// exit code 4.
class TSREC_API BrokenPart : public Error {
 public:
  using Error::Error;
  ~BrokenPart() override;
};

// Somebody asked to stop (Ctrl-C, time budget) and the work was left in a resumable state; exit
// code 5.
class TSREC_API Interrupted : public Error {
 public:
  using Error::Error;
  ~Interrupted() override;
};

}  // namespace tsrec
