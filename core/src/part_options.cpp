#include "tsrec/part_options.hpp"

namespace tsrec {

PartOptions::PartOptions(const PartInfo& part)
    : settings(part.new_settings(), part.delete_settings) {
  part.declare(settings.get(), options);
}

}  // namespace tsrec
