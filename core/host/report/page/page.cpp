#include "report/page/page.hpp"

#include <algorithm>

#include "report/page/assets.hpp"
#include "support/signals.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

std::string_view asset(std::string_view name) {
  for (const PageAsset& one : page_assets()) {
    if (one.name == name) return one.text;
  }
  throw Error("the page has no asset '", name, "'");
}

// Charts first, because sections use them; page.js last, because it shows what the others said.
// What a section declares is its own.
std::string scripts() {
  std::string text(asset("charts.js"));
  for (const PageAsset& one : page_assets()) {
    if (one.name.starts_with("section_")) text += c10::str("\n(() => {\n", one.text, "})();\n");
  }
  return text + "\n" + std::string(asset("page.js"));
}

std::string replaced(std::string text, const std::string& mark, const std::string& by) {
  const size_t at = text.find(mark);
  if (at == std::string::npos) throw Error("page.html has no ", mark);
  return text.replace(at, mark.size(), by);
}

std::string in_html(const std::string& plain) {
  std::string text;
  for (const char letter : plain) {
    switch (letter) {
      case '&':
        text += "&amp;";
        break;
      case '<':
        text += "&lt;";
        break;
      case '>':
        text += "&gt;";
        break;
      case '"':
        text += "&quot;";
        break;
      default:
        text += letter;
    }
  }
  return text;
}

std::string page_of(const std::string& title, const std::string& style, const std::string& script,
                    const std::string& document) {
  std::string page(asset("page.html"));
  page = replaced(std::move(page), "<!--title-->", in_html(title));
  page = replaced(std::move(page), "/*style*/", style);
  page = replaced(std::move(page), "/*scripts*/", script);
  return replaced(std::move(page), "<!--document-->", document);
}

}  // namespace

ordered_json page_run_json(const PageRun& run, bool is_at_work) {
  ordered_json json = {{"name", run.name}, {"cell", run.cell}, {"seed", run.experiment.run.seed}};
  for (const PageSection& section : page_sections()) {
    if (is_at_work && section.waits_for_the_end) continue;
    if (stop_requested()) throw Interrupted("stopped while the page was made");
    if (ordered_json made = section.json(run); !made.is_null()) json[section.key] = std::move(made);
  }
  return json;
}

namespace {

// What is large, and of runs of one catalogue the same, stands once: the others name the run.
ordered_json without_repetitions(const std::vector<ordered_json>& runs) {
  ordered_json kept = runs;
  for (const char* place : {"/audit", "/sid_tree", "/sid_usage", "/sid_map/items"}) {
    const ordered_json::json_pointer at(place);
    std::vector<size_t> firsts;
    for (size_t i = 0; i < runs.size(); ++i) {
      if (!runs[i].contains(at) || runs[i].at(at).is_null()) continue;
      const auto same = std::find_if(firsts.begin(), firsts.end(), [&](size_t first) {
        return runs[first].at(at) == runs[i].at(at);
      });
      if (same == firsts.end())
        firsts.push_back(i);
      else
        kept[i][at] = {{"as_in_run", *same}};
    }
  }
  return kept;
}

// What decides each stage, by the stage's key; taken out of the stages, which runs mostly share.
ordered_json taken_key_texts(std::vector<ordered_json>& runs) {
  ordered_json texts = ordered_json::object();
  for (ordered_json& run : runs) {
    if (!run.contains("stages")) continue;
    for (ordered_json& stage : run["stages"]) {
      const auto text = stage.find("key_text");
      if (text == stage.end()) continue;
      texts[stage["key"].get<std::string>()] = std::move(*text);
      stage.erase("key_text");
    }
  }
  return texts;
}

}  // namespace

std::string page_json(const ReportDocument& document) {
  std::vector<ordered_json> runs = without_repetitions(document.runs);
  const ordered_json key_texts = taken_key_texts(runs);
  const ordered_json json = {
      {"version", 1},           {"title", document.title},           {"runs", runs},
      {"key_texts", key_texts}, {"comparison", document.comparison}, {"tuning", document.tuning}};
  const std::string plain =
      json.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
  std::string text;
  text.reserve(plain.size());
  for (const char letter : plain) {
    if (letter == '<')
      text += "\\u003c";
    else
      text += letter;
  }
  return text;
}

std::string report_page(const ReportDocument& document) {
  return page_of(document.title, std::string(asset("style.css")), scripts(), page_json(document));
}

std::string watch_page(const std::string& title) {
  return page_of(title, std::string(asset("style.css")) + std::string(asset("watch.css")),
                 scripts() + "\n" + std::string(asset("watch.js")), /*document=*/"");
}

}  // namespace tsrec::host
