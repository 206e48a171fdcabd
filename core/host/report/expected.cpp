#include "report/expected.hpp"

#include <algorithm>
#include <cmath>

#include "config/toml_reader.hpp"
#include "support/number_text.hpp"
#include "tsrec/io/toml_text.hpp"

namespace tsrec::host {
namespace {

// "sft.item.hr@10": the number item.hr@10 of the column sft.
const ReportedNumber* named_number(const RunReport& report, const std::string& name) {
  const size_t dot = name.find('.');
  const auto column =
      std::find_if(report.columns.begin(), report.columns.end(),
                   [&](const ReportedColumn& c) { return c.name == name.substr(0, dot); });
  return column == report.columns.end() ? nullptr : column->find(name.substr(dot + 1));
}

}  // namespace

std::vector<std::string> check_expected(const std::filesystem::path& expected,
                                        const RunReport& report) {
  const Node document = read_toml(expected);
  const Node* numbers = document.find("numbers");
  if (numbers == nullptr || !numbers->is_table())
    throw ConfigError("'", expected.string(), "' has no [numbers]");
  std::vector<std::string> outside;
  for (const auto& [name, entry] : std::get<Node::Table>(numbers->value)) {
    const auto read = [&, key = name](const char* field) {
      const Node* node = entry.find(field);
      if (node != nullptr && std::holds_alternative<double>(node->value))
        return std::get<double>(node->value);
      if (node != nullptr && std::holds_alternative<int64_t>(node->value))
        return static_cast<double>(std::get<int64_t>(node->value));
      throw ConfigError(entry.origin.text(), ": '", key, "' needs value = ... and tolerance = ...");
    };
    const double value = read("value"), tolerance = read("tolerance");
    const ReportedNumber* number = named_number(report, name);
    if (number == nullptr) {
      outside.push_back(name + " was not measured");
    } else if (!(std::abs(number->value - value) <= tolerance)) {
      outside.push_back(name + " = " + fixed(number->value, 6) + ", expected " + fixed(value, 6) +
                        " within " + fixed(tolerance, 6));
    }
  }
  return outside;
}

std::string expected_of(const std::vector<StoredColumn>& columns) {
  constexpr int kDigits = 17;
  std::string text = "# The numbers of this run: tsrec run RUN --check\n[numbers]\n";
  for (const StoredColumn& column : columns) {
    for (const auto& [name, value] : column.numbers) {
      if (std::isfinite(value))
        text += io::toml_string(column.name + "." + name) +
                " = { value = " + fixed(value, kDigits) + ", tolerance = 0.00005 }\n";
    }
  }
  return text;
}

}  // namespace tsrec::host
