#include "tsrec/io/number_line.hpp"

#include <nlohmann/json.hpp>

namespace tsrec::io {

std::string number_line(std::string_view stage, std::string_view name, double value, int64_t step) {
  const nlohmann::ordered_json line = {
      {"stage", stage}, {"name", name}, {"step", step}, {"value", value}};
  return line.dump() + '\n';
}

}  // namespace tsrec::io
