// Table entries of parts that are wrong on purpose.
#pragma once

#include "tsrec/plugin.hpp"

namespace tsrec::bad {

template <class Interface, class Impl, class Settings = NoSettings>
constexpr PartInfo faulty(const char* name) {
  return part<Interface, Impl, Settings>(name, 1, "Breaks a promise on purpose");
}

}  // namespace tsrec::bad
