// The report's page: what it holds, and that nothing of a run can become markup.
#include "report/page/page.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "host/cli_support.hpp"
#include "report/page/assets.hpp"
#include "report/page/thinned.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using host::Curve;
using host::ReportDocument;
using nlohmann::ordered_json;

// The document that stands in a page.
std::string document_text(const std::string& page) {
  const std::string begin = "id=\"document\">", end = "</script>";
  const size_t from = page.find(begin) + begin.size();
  return page.substr(from, page.find(end, from) - from);
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(ReportPage, HoldsItsDocumentWhateverTitlesSay) {
  const std::string nasty =
      "</script><script>alert(1)</script><!-- \"quoted\" 'too' & \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D "
      "\xE2\x80\xA8 \xFF broken";
  ReportDocument document{nasty, {{{"name", nasty}, {"sft", {{"item.hr@10", 0.1}}}}}, {}};
  const std::string page = host::report_page(document);
  const std::string text = document_text(page);
  EXPECT_EQ(text.find('<'), std::string::npos);
  for (const char letter : text) EXPECT_GE(letter, 0) << "not ASCII";
  const ordered_json read = ordered_json::parse(text);
  EXPECT_EQ(read["version"], 1);
  // What is no UTF-8 has become U+FFFD, all else is as it was.
  const std::string kept = nasty.substr(0, nasty.find('\xFF'));
  EXPECT_EQ(read["title"], kept + "\xEF\xBF\xBD broken");
  EXPECT_EQ(read["runs"][0]["name"], read["title"]);
  EXPECT_EQ(read["runs"][0]["sft"]["item.hr@10"], 0.1);
  EXPECT_TRUE(read["comparison"].is_null());
  const ReportDocument plain{"plain", {}, {}};
  EXPECT_EQ(count(page, "<script"), count(host::report_page(plain), "<script"));
  EXPECT_EQ(count(page, "</script"), count(page, "<script"));
  EXPECT_NE(page.find("<title>&lt;/script&gt;&lt;script&gt;alert(1)"), std::string::npos);
}

TEST(ReportPage, SaysOnceWhatRunsHaveAlike) {
  const auto run = [](const std::string& name, int64_t items) {
    return ordered_json{{"name", name},
                        {"stages",
                         {{{"name", "load"}, {"key", "k1"}, {"key_text", "seed = 1"}},
                          {{"name", "fit"}, {"key", name}, {"key_text", "in " + name}},
                          {{"name", "rank"}, {"key", ""}}}},
                        {"audit", {{"pass", 18}}},
                        {"sid_tree", {{"sids", items}}},
                        {"sid_map", {{"items", {{"of", items}}}, {"tokens", name}}}};
  };
  const ordered_json read = ordered_json::parse(
      host::page_json({"title", {run("a", 1), run("b", 2), {{"name", "c"}}, run("d", 2)}, {}}));
  EXPECT_EQ(read["runs"][1]["sid_tree"], run("b", 2)["sid_tree"]);
  EXPECT_EQ(read["runs"][1]["sid_map"], run("b", 2)["sid_map"]);
  EXPECT_EQ(read["runs"][0]["audit"], (ordered_json{{"pass", 18}}));
  EXPECT_EQ(read["runs"][1]["audit"], (ordered_json{{"as_in_run", 0}}));
  EXPECT_FALSE(read["runs"][2].contains("audit"));
  EXPECT_EQ(read["key_texts"],
            (ordered_json{{"k1", "seed = 1"}, {"a", "in a"}, {"b", "in b"}, {"d", "in d"}}));
  for (const int64_t at : {0, 1, 3}) {
    for (const ordered_json& stage : read["runs"][at]["stages"])
      EXPECT_FALSE(stage.contains("key_text"));
  }
  EXPECT_EQ(read["runs"][3]["sid_tree"], (ordered_json{{"as_in_run", 1}}));
  EXPECT_EQ(read["runs"][3]["sid_map"],
            (ordered_json{{"items", {{"as_in_run", 1}}}, {"tokens", "d"}}));
}

TEST(ReportPage, NeedsNothingButItself) {
  for (const host::PageAsset& asset : host::page_assets()) {
    const std::string text(asset.text);
    for (const char* mark : {"https://", "url(http", "@import", "fetch(", "XMLHttpRequest",
                             "innerHTML", "insertAdjacentHTML", "document.write", "eval("})
      EXPECT_EQ(text.find(mark), std::string::npos) << asset.name << " has " << mark;
    if (asset.name.ends_with(".js")) {
      EXPECT_EQ(text.find("</script"), std::string::npos) << asset.name;
      EXPECT_EQ(text.find("<!--"), std::string::npos) << asset.name;
    }
  }
}

TEST(ThinnedCurve, KeepsEndsAndEveryExtreme) {
  std::mt19937_64 random(std::random_device{}());
  for (const size_t points : {3u, 100u, 299u, 300u, 301u, 5000u, 12345u}) {
    Curve curve;
    for (size_t i = 0; i < points; ++i) {
      curve.steps.push_back(static_cast<int64_t>(3 * i + 1));
      curve.values.push_back(random() % 50 == 0 ? std::nan("")
                                                : std::normal_distribution<double>()(random));
    }
    const size_t spike = random() % points;
    curve.values[spike] = 1e6;
    const Curve thin = host::thinned(curve);
    EXPECT_LE(thin.steps.size(), 300u);
    if (points <= 300) {
      EXPECT_EQ(thin.steps, curve.steps);
    }
    EXPECT_EQ(thin.steps.front(), curve.steps.front());
    EXPECT_EQ(thin.steps.back(), curve.steps.back());
    EXPECT_TRUE(std::is_sorted(thin.steps.begin(), thin.steps.end()));
    EXPECT_EQ(std::set<int64_t>(thin.steps.begin(), thin.steps.end()).size(), thin.steps.size());
    double low = 1e9, high = -1e9, thin_low = 1e9, thin_high = -1e9;
    for (const double value : curve.values) {
      if (std::isnan(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    ASSERT_EQ(thin.steps.size(), thin.values.size());
    for (size_t i = 0; i < thin.steps.size(); ++i) {
      const double was = curve.values[static_cast<size_t>((thin.steps[i] - 1) / 3)];
      EXPECT_TRUE(thin.values[i] == was || (std::isnan(thin.values[i]) && std::isnan(was)));
      if (std::isnan(was)) continue;
      thin_low = std::min(thin_low, was);
      thin_high = std::max(thin_high, was);
    }
    EXPECT_EQ(thin_low, low);
    EXPECT_EQ(thin_high, high);
  }
}

TEST(ThinnedCurve, ValuesKeepSixDigits) {
  EXPECT_EQ(host::shortened(0.123456789), 0.123457);
  EXPECT_EQ(host::shortened(-1.5e-12), -1.5e-12);
  EXPECT_TRUE(host::shortened(std::nan("")).is_null());
  EXPECT_TRUE(host::shortened(HUGE_VAL).is_null());
}

// --- the command

namespace fs = std::filesystem;

ordered_json page_of(const fs::path& file) {
  return ordered_json::parse(document_text(io::read_text(file)));
}

fs::path run_folder_of(const Outcome& outcome) {
  return between(outcome.text, "run folder: ", "\n");
}

TEST(ReportCommand, APageSaysWhatTheRunMeasured) {
  const TempFolder folder;
  const std::string store = " --store " + folder.path().string();
  const Outcome ran = run("run " + kSmoke + store);
  ASSERT_EQ(ran.code, 0) << ran.text;
  const fs::path first = run_folder_of(ran);
  EXPECT_TRUE(contains(ran.text, "\npage: " + (first / "report.html").string() + "\n")) << ran.text;
  const std::string by_itself = io::read_text(first / "report.html");
  const Outcome told = run("report " + first.string() + store);
  ASSERT_EQ(told.code, 0) << told.text;
  EXPECT_EQ(io::read_text(first / "report.html"), by_itself) << "the same bytes, whoever makes it";
  const ordered_json page = page_of(first / "report.html");
  ASSERT_EQ(page["runs"].size(), 1u);
  const ordered_json& shown = page["runs"][0];
  auto numbers = ordered_json::parse(io::read_text(first / "numbers.json"));
  EXPECT_EQ(shown["breakdowns"], numbers["breakdowns"]);
  EXPECT_EQ(shown["audit"], numbers["audit"]);
  for (const char* elsewhere : {"breakdowns", "audit"}) numbers.erase(elsewhere);  // once
  EXPECT_EQ(shown["numbers"], numbers);
  EXPECT_EQ(shown["name"], first.filename().string());
  EXPECT_EQ(shown["document"], io::read_text(first / "resolved.toml"));
  EXPECT_EQ(shown["environment"], ordered_json::parse(io::read_text(first / "environment.json")));
  EXPECT_GT(shown["cost"]["stages"]["stage.sft"]["flops"], 0);
  EXPECT_FALSE(shown["curves"].empty());
  EXPECT_TRUE(page["comparison"].is_null());
  // What is stored of the experiment says the same; its page lies where it was asked for.
  const fs::path other = folder.path() / "other.html";
  ASSERT_EQ(run("report " + kSmoke + store + " --out " + other.string()).code, 0);
  EXPECT_EQ(page_of(other)["runs"][0]["numbers"], numbers);

  // Another training on the same rows is tested against the first; another seed has other rows.
  const fs::path second =
      run_folder_of(run("run " + kSmoke + store + " --set stage.sft.max_steps=9"));
  const fs::path third = run_folder_of(run("run " + kSmoke + store + " --set run.seed=18"));
  const std::string two = "report " + first.string() + " " + second.string();
  ASSERT_EQ(run(two + store + " --out " + other.string()).code, 0);
  const ordered_json pair = page_of(other)["comparison"];
  const auto after = ordered_json::parse(io::read_text(second / "numbers.json"));
  EXPECT_EQ(pair["against"], first.filename().string());
  ASSERT_FALSE(pair["differences"].empty());
  for (const ordered_json& one : pair["differences"]) {
    const auto number = one["number"].get<std::string>();
    EXPECT_EQ(one["cell"], second.filename().string());
    EXPECT_NEAR(one["difference"].get<double>(),
                after["grpo"][number].get<double>() - numbers["grpo"][number].get<double>(), 1e-9);
  }
  EXPECT_TRUE(pair["notes"].empty());
  const auto is_said = [](const ordered_json& comparison) {
    const auto& alarms = comparison["alarms"];
    return std::any_of(alarms.begin(), alarms.end(), [](const ordered_json& sentence) {
      return contains(sentence.get<std::string>(), "are both compared by 'grpo'");
    });
  };
  EXPECT_FALSE(is_said(pair)) << pair["alarms"];
  const fs::path again = run_folder_of(run("run " + kSmoke + store));
  ASSERT_EQ(
      run("report " + first.string() + " " + again.string() + store + " --out " + other.string())
          .code,
      0);
  EXPECT_TRUE(is_said(page_of(other)["comparison"])) << "one model twice";
  const Outcome three = run(two + " " + third.string() + store + " --out " + other.string());
  ASSERT_EQ(three.code, 0) << three.text;
  const ordered_json all = page_of(other)["comparison"];
  EXPECT_TRUE(all["differences"].empty());
  ASSERT_EQ(all["notes"].size(), 1u);
  EXPECT_TRUE(contains(all["notes"][0].get<std::string>(), "not measured on the same rows"));
  EXPECT_EQ(all["rows"].size(), 3 + 3 * 2u) << "floors once, and two models of each run";
}

TEST(ReportCommand, AComparisonsPageHasAllItsCells) {
  const TempFolder folder;
  const std::string store = " --store " + folder.path().string();
  const fs::path cells = folder.path() / "cells.toml";
  io::write_text(cells,
                 "[compare]\nseeds = [17, 18]\nagainst = { steps = \"few\" }\n"
                 "[compare.axis.steps]\nfew = { \"stage.sft.max_steps\" = 3 }\n"
                 "many = { \"stage.sft.max_steps\" = 12 }\n");
  const Outcome ran = run("compare " + kSmoke + " --with " + cells.string() + store);
  ASSERT_EQ(ran.code, 0) << ran.text;
  const fs::path compared = run_folder_of(ran);
  const std::string by_itself = io::read_text(compared / "report.html");
  ASSERT_EQ(run("report " + compared.string() + store).code, 0);
  EXPECT_EQ(io::read_text(compared / "report.html"), by_itself);
  const ordered_json page = page_of(compared / "report.html");
  ASSERT_EQ(page["runs"].size(), 4u);
  EXPECT_EQ(page["runs"][0]["name"], "few, seed 17");
  EXPECT_EQ(page["runs"][3]["cell"], "many");
  const ordered_json& comparison = page["comparison"];
  EXPECT_EQ(comparison["cells"], (ordered_json{"few", "many"}));
  EXPECT_TRUE(comparison["notes"].empty()) << comparison["notes"];
  ASSERT_EQ(comparison["differences"].size(), comparison["numbers"].size());
  for (size_t at = 0; at < comparison["numbers"].size(); ++at) {
    const auto mean_of = [&](const std::string& label) {
      for (const ordered_json& row : comparison["rows"]) {
        if (row["label"] == label) return row["numbers"][at]["mean"].get<double>();
      }
      return std::nan("");
    };
    EXPECT_NEAR(comparison["differences"][at]["difference"].get<double>(),
                mean_of("many:grpo") - mean_of("few:grpo"), 1e-9);
  }
  // Means over the seeds, from the table that the comparison wrote.
  const io::Csv csv = io::read_csv(compared / "results.csv");
  for (const ordered_json& row : comparison["rows"]) {
    const bool is_model = row["is_model"].get<bool>();
    const std::string cell = is_model ? row["cell"].get<std::string>() : "few";
    for (size_t at = 0; at < row["numbers"].size(); ++at) {
      const auto name = comparison["numbers"][at]["name"].get<std::string>();
      double sum = 0;
      int64_t count_of = 0;
      for (const auto& line : csv.rows) {
        const bool is_it = line[csv.column("of")] == row["of"].get<std::string>() &&
                           line[csv.column("number")] == name && line[csv.column("cell")] == cell;
        if (!is_it) continue;
        sum += std::stod(line[csv.column("value")]);
        ++count_of;
      }
      ASSERT_EQ(count_of, 2) << row;
      EXPECT_NEAR(row["numbers"][at]["mean"].get<double>(), sum / 2, 1e-5);
    }
  }
  // Both cells go on from SFTs of their own by GRPO.
  ASSERT_EQ(comparison["trained"].size(), 2 * comparison["numbers"].size());
  EXPECT_EQ(comparison["trained"][0]["after"], "grpo");
  EXPECT_EQ(comparison["trained"][0]["before"], "sft");

  // The document says the same of what is stored of its cells, and names what is not.
  const std::string document = "report " + kSmoke + " --with " + cells.string() + store;
  const fs::path other = folder.path() / "other.html";
  const Outcome planned = run(document + " --out " + other.string());
  ASSERT_EQ(planned.code, 0) << planned.text;
  EXPECT_EQ(page_of(other)["comparison"], comparison);
  EXPECT_EQ(page_of(other)["runs"][3]["numbers"], page["runs"][3]["numbers"]);
  const Outcome table = run(document + " --markdown");
  EXPECT_TRUE(contains(table.text, "| many:grpo ")) << table.text;
  io::write_text(cells,
                 "[compare]\nseeds = [17, 18, 19]\nagainst = { steps = \"few\" }\n"
                 "[compare.axis.steps]\nfew = { \"stage.sft.max_steps\" = 3 }\n"
                 "many = { \"stage.sft.max_steps\" = 12 }\n"
                 "never = { \"stage.sft.max_steps\" = 11 }\n");
  ASSERT_EQ(run(document + " --out " + other.string()).code, 0);
  const ordered_json partly = page_of(other);
  EXPECT_EQ(partly["runs"].size(), 4u) << "what has nothing to show is only named";
  EXPECT_EQ(partly["comparison"]["rows"], comparison["rows"]);
  EXPECT_EQ(partly["comparison"]["differences"], comparison["differences"]);
  EXPECT_EQ(partly["comparison"]["notes"],
            (ordered_json{"Not finished: few, seed 19; many, seed 19; never, seeds 17, 18, 19. The "
                          "command that began them goes on with them.",
                          "never has finished under no seed, and is left out of what compares "
                          "cells."}));
  // One seed of one cell more: it is shown, and not compared.
  ASSERT_EQ(run("run " + kSmoke + store +
                " --set stage.sft.max_steps=12 --set run.seed=19 --set stage.grpo.enabled=false")
                .code,
            0);
  ASSERT_EQ(run(document + " --out " + other.string()).code, 0);
  EXPECT_EQ(page_of(other)["runs"].size(), 5u);
  EXPECT_EQ(page_of(other)["comparison"]["rows"], comparison["rows"]);
}

TEST(ReportCommand, OfATuningItTellsWhatWasChosenAndMeasured) {
  const TempFolder folder;
  const std::string store = " --store " + folder.path().string();
  const fs::path space = folder.path() / "space.toml";
  io::write_text(space,
                 "[[stage]]\nuse = \"grpo\"\nenabled = false\n"
                 "[tune]\nsearch = \"grid\"\nseeds = [5, 6]\nrows = 60\n"
                 "[tune.space.markov]\ndecay = [0.2, 0.8]\n");
  const Outcome none = run("report " + kSmoke + " --with " + space.string() + store);
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(contains(none.text, "; tsrec run or tune it first")) << none.text;
  const Outcome tuned = run("tune " + kSmoke + " --with " + space.string() + store);
  ASSERT_EQ(tuned.code, 0) << tuned.text;
  const fs::path made = run_folder_of(tuned);
  const std::string by_itself = io::read_text(made / "report.html");
  const ordered_json page = page_of(made / "report.html");
  EXPECT_EQ(page["tuning"], ordered_json::parse(io::read_text(made / "tuning.json")));
  ASSERT_EQ(page["runs"].size(), 2u);
  EXPECT_EQ(page["runs"][1]["name"], "tuned, seed 6");
  EXPECT_EQ(page["comparison"]["cells"], ordered_json{"tuned"});
  for (const ordered_json& row : page["comparison"]["rows"]) {
    const auto of = row["of"].get<std::string>();
    for (size_t at = 0; at < row["numbers"].size(); ++at) {
      const auto name = page["comparison"]["numbers"][at]["name"].get<std::string>();
      EXPECT_EQ(row["numbers"][at]["mean"], page["tuning"]["reported"][of][name]["mean"]) << of;
    }
  }
  for (const std::string& named : {made.string(), kSmoke + " --with " + space.string()}) {
    fs::remove(made / "report.html");
    const Outcome told = run("report " + named + store);
    ASSERT_EQ(told.code, 0) << told.text;
    EXPECT_EQ(io::read_text(made / "report.html"), by_itself) << named;
  }
}

TEST(ReportCommand, RefusesWhatIsNoRun) {
  const TempFolder folder;
  const std::string store = " --store " + folder.path().string();
  EXPECT_EQ(run("report" + store).code, 2);
  const Outcome nothing = run("report " + kSmoke + store);
  EXPECT_EQ(nothing.code, 2);
  EXPECT_TRUE(contains(nothing.text, "nothing of 'smoke' is stored")) << nothing.text;
}

}  // namespace
}  // namespace tsrec::test
