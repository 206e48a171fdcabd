// The options that a part declares, with the settings that they fill.
#pragma once

#include "tsrec/plugin.hpp"

namespace tsrec {

struct TSREC_API PartOptions {
  explicit PartOptions(const PartInfo& part);  // every option has its default
  std::shared_ptr<void> settings;              // what PartInfo::make() takes
  Options options;                             // they point into the settings
};

}  // namespace tsrec
