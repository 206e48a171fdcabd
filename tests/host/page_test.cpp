// The report's page: what it holds, and that nothing of a run can become markup.
#include "report/page/page.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

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
  for (const size_t points : {3u, 100u, 399u, 400u, 401u, 5000u, 12345u}) {
    Curve curve;
    for (size_t i = 0; i < points; ++i) {
      curve.steps.push_back(static_cast<int64_t>(3 * i + 1));
      curve.values.push_back(random() % 50 == 0 ? std::nan("")
                                                : std::normal_distribution<double>()(random));
    }
    const size_t spike = random() % points;
    curve.values[spike] = 1e6;
    const Curve thin = host::thinned(curve);
    EXPECT_LE(thin.steps.size(), 400u);
    if (points <= 400) {
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

}  // namespace
}  // namespace tsrec::test
