#include "report/latex.hpp"

#include <cmath>

namespace tsrec::host {
namespace {

using Cell = ResultsTable::Cell;
using Group = ResultsTable::Group;
using Verdict = ResultsTable::Verdict;

std::string set_apart(const Cell& cell, const ResultsTable::Outstanding& outstanding, Group group) {
  const std::string text = printed(*cell.value);
  if (group == Group::published) return text;
  if (outstanding.best && printed(*outstanding.best) == text) return "\\textbf{" + text + "}";
  if (outstanding.second && printed(*outstanding.second) == text)
    return "\\underline{" + text + "}";
  return text;
}

std::string cell_text(const Cell& cell, const ResultsTable::Outstanding& outstanding, Group group) {
  if (!cell.value || !std::isfinite(*cell.value)) return "--";
  std::string text = set_apart(cell, outstanding, group);
  if (cell.deviation) text += "\\,{\\scriptsize$\\pm$\\,";
  if (cell.deviation) text += printed(*cell.deviation) + "}";
  if (cell.verdict == Verdict::better) text += "$^{\\dagger}$";
  if (cell.verdict == Verdict::worse) text += "$^{\\ddagger}$";
  return text;
}

std::string body(const ResultsTable& table) {
  std::string text;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const ResultsTable::Row& row = table.rows[r];
    if (r > 0 && row.group != table.rows[r - 1].group) text += "\\midrule\n";
    text += latex_escaped(row.label);
    for (size_t n = 0; n < row.cells.size(); ++n)
      text += " & " + cell_text(row.cells[n], table.outstanding(n), row.group);
    text += " \\\\\n";
  }
  return text;
}

// Below the table, since a caption is short.
std::string notes_of(const ResultsTable& table) {
  std::string text = "Bold: the best of a column; underlined: the second.";
  if (table.has_verdicts())
    text += " $^{\\dagger}$: better than the baseline; $^{\\ddagger}$: worse.";
  for (const std::string& note : table.notes) text += "\n" + latex_escaped(note);
  return text;
}

}  // namespace

std::string latex_escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '\\':
        safe += "\\textbackslash{}";
        break;
      case '~':
        safe += "\\textasciitilde{}";
        break;
      case '^':
        safe += "\\textasciicircum{}";
        break;
      case '<':
        safe += "\\textless{}";
        break;
      case '>':
        safe += "\\textgreater{}";
        break;
      case '|':
        safe += "\\textbar{}";
        break;
      case '"':
        safe += "''";
        break;
      case '{':
      case '}':
      case '$':
      case '&':
      case '#':
      case '_':
      case '%':
        safe += '\\';
        safe += c;
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return safe;
}

std::string latex_of(const ResultsTable& table) {
  std::string text =
      "% Needs \\usepackage{booktabs}.\n"
      "\\begin{table}[t]\n\\centering\n\\caption{" +
      latex_escaped(table.title) + "}\n\\begin{tabular}{l" +
      std::string(table.numbers.size(), 'r') + "}\n\\toprule\n";
  for (const std::string& number : table.numbers) text += " & " + latex_escaped(paper_name(number));
  return text + " \\\\\n\\midrule\n" + body(table) +
         "\\bottomrule\n\\end{tabular}\n\n\\smallskip\n{\\footnotesize\n" + notes_of(table) +
         "\\par}\n\\end{table}\n";
}

}  // namespace tsrec::host
