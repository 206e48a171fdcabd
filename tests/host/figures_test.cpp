// Figures as files: well-formed, the same bytes every time, and every value where the axes say it
// is.
#include "report/figures/figures.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <random>
#include <sstream>

#include "report/figures/charts.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

using boost::property_tree::ptree;
using namespace host::figures;

ptree parsed(const std::string& svg) {
  std::istringstream text(svg);
  ptree tree;
  boost::property_tree::read_xml(text, tree);
  return tree.get_child("svg");
}

std::string attribute(const ptree& element, const std::string& name) {
  return element.get("<xmlattr>." + name, "");
}

double number(const ptree& element, const std::string& name) {
  return std::stod(attribute(element, name));
}

// Every element of that name and class below, in the order of the document.
void collect(const ptree& from, const std::string& name, const std::string& of_class,
             std::vector<ptree>& found) {
  for (const auto& [key, child] : from) {
    if (key == "<xmlattr>" || key == "<xmlcomment>") continue;
    if (key == name && (of_class.empty() || attribute(child, "class") == of_class))
      found.push_back(child);
    collect(child, name, of_class, found);
  }
}
std::vector<ptree> all(const ptree& from, const std::string& name,
                       const std::string& of_class = "") {
  std::vector<ptree> found;
  collect(from, name, of_class, found);
  return found;
}

// The axis as a reader sees it: from the places of its first and last number.
struct ReadAxis {
  double value_0, place_0, value_1, place_1;
  double value_at(double place) const {
    return value_0 + (place - place_0) / (place_1 - place_0) * (value_1 - value_0);
  }
  double per_pixel() const { return std::abs((value_1 - value_0) / (place_1 - place_0)); }
};
ReadAxis read_axis(const ptree& figure, const std::string& axis) {
  const ptree group = all(figure, "g", axis).at(0);
  const std::string along = axis == "x-axis" ? "x" : "y";
  std::vector<std::pair<double, double>> marks;        // value, place
  const double shift = along == "y" ? -0.35 * 11 : 0;  // of a number's foot below its middle
  for (const ptree& text : all(group, "text")) {
    const std::string words = text.data();
    if (words.find_first_not_of("-.0123456789") == std::string::npos)
      marks.emplace_back(std::stod(words), number(text, along) + shift);
  }
  EXPECT_GE(marks.size(), 3u);
  // Evenly spaced, which an axis with a misprinted number is not.
  for (size_t i = 2; i < marks.size(); ++i) {
    const double step = marks[1].first - marks[0].first, pixels = marks[1].second - marks[0].second;
    EXPECT_NEAR(marks[i].first - marks[i - 1].first, step, 1e-9 + 1e-6 * std::abs(step));
    EXPECT_NEAR(marks[i].second - marks[i - 1].second, pixels, 0.03);
  }
  return {marks.front().first, marks.front().second, marks.back().first, marks.back().second};
}

std::vector<std::pair<double, double>> points_of(const ptree& element) {
  std::vector<std::pair<double, double>> points;
  std::istringstream text(attribute(element, "points"));
  for (std::string pair; text >> pair;) {
    const size_t comma = pair.find(',');
    points.emplace_back(std::stod(pair.substr(0, comma)), std::stod(pair.substr(comma + 1)));
  }
  return points;
}

std::mt19937_64& random_bits() {
  static std::mt19937_64 random(std::random_device{}());
  return random;
}
double drawn(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random_bits());
}

TEST(Figures, LinesAndBandsLieWhereTheAxesSay) {
  for (int trial = 0; trial < 40; ++trial) {
    const double scale = std::pow(10.0, drawn(-6, 6)), middle = drawn(-2, 2) * scale;
    LineChart chart{"a title", "step", "loss", {}};
    for (int l = 0; l < 3; ++l) {
      LineChart::Line line{c10::str("line", l), {}, {}, {}};
      for (int i = 0; i < 20; ++i) {
        line.x.push_back(i * 7 + 1);
        line.y.push_back(middle + drawn(-1, 1) * scale);
        line.band.push_back({line.y.back() - 0.3 * scale, line.y.back() + 0.2 * scale});
      }
      chart.lines.push_back(line);
    }
    const std::string svg = line_chart_svg(chart);
    EXPECT_EQ(svg, line_chart_svg(chart)) << "equal values, equal bytes";
    const ptree figure = parsed(svg);
    const ReadAxis x = read_axis(figure, "x-axis"), y = read_axis(figure, "y-axis");
    const auto lines = all(figure, "polyline", "line"), bands = all(figure, "polygon", "band");
    ASSERT_EQ(lines.size(), 3u);
    ASSERT_EQ(bands.size(), 3u);
    for (size_t l = 0; l < 3; ++l) {
      const auto points = points_of(lines[l]), outline = points_of(bands[l]);
      const LineChart::Line& line = chart.lines[l];
      ASSERT_EQ(points.size(), line.y.size());
      ASSERT_EQ(outline.size(), 2 * line.y.size());
      const double near_x = 0.05 * x.per_pixel(), near_y = 0.05 * y.per_pixel();
      for (size_t i = 0; i < points.size(); ++i) {
        EXPECT_NEAR(x.value_at(points[i].first), line.x[i], near_x);
        EXPECT_NEAR(y.value_at(points[i].second), line.y[i], near_y);
        EXPECT_NEAR(y.value_at(outline[i].second), line.band[i].high, near_y);
        EXPECT_NEAR(y.value_at(outline[outline.size() - 1 - i].second), line.band[i].low, near_y);
      }
    }
  }
}

TEST(Figures, AValueThatIsNoNumberIsAGap) {
  const double none = std::nan("");
  const ptree figure = parsed(line_chart_svg(
      {"t", "x", "y", {{"l", {0, 1, 2, 3, 4, 5}, {none, 1, 2, none, 3, none}, {}}}}));
  const auto lines = all(figure, "polyline", "line");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(points_of(lines[0]).size(), 2u);
  EXPECT_EQ(points_of(lines[1]).size(), 1u);
  EXPECT_EQ(all(figure, "circle").size(), 3u) << "a point alone is seen as one";
  EXPECT_FALSE(contains(line_chart_svg({"t", "x", "y", {{"l", {0}, {none}, {}}}}), "nan"));
}

TEST(Figures, BarsBeginAtZeroAndEndAtTheirValues) {
  BarChart chart{"t", "HR@10", {}};
  for (int i = 0; i < 6; ++i) {
    const double value = drawn(-0.2, 0.5);
    chart.bars.push_back({c10::str("bar", i), value, host::Interval{value - 0.02, value + 0.03}});
  }
  chart.bars[3].interval.reset();
  const ptree figure = parsed(bar_chart_svg(chart));
  const ReadAxis x = read_axis(figure, "x-axis");
  const auto bars = all(figure, "rect", "bar"), intervals = all(figure, "g", "interval");
  ASSERT_EQ(bars.size(), 6u);
  ASSERT_EQ(intervals.size(), 5u);
  size_t next = 0;
  for (size_t i = 0; i < 6; ++i) {
    const double left = x.value_at(number(bars[i], "x")),
                 right = x.value_at(number(bars[i], "x") + number(bars[i], "width"));
    EXPECT_NEAR(left, std::min(0.0, chart.bars[i].value), 0.06 * x.per_pixel());
    EXPECT_NEAR(right, std::max(0.0, chart.bars[i].value), 0.06 * x.per_pixel());
    if (!chart.bars[i].interval) continue;
    const ptree line = all(intervals[next++], "line").at(0);
    EXPECT_NEAR(x.value_at(number(line, "x1")), chart.bars[i].interval->low, 0.06 * x.per_pixel());
    EXPECT_NEAR(x.value_at(number(line, "x2")), chart.bars[i].interval->high, 0.06 * x.per_pixel());
  }
}

TEST(Figures, DifferencesAreFullWhereTheyAreSignificant) {
  const DifferenceChart chart{
      "t", "difference", {{"up", 0.02, {0.01, 0.03}, true}, {"down", -0.01, {-0.03, 0.01}, false}}};
  const ptree figure = parsed(difference_chart_svg(chart));
  const ReadAxis x = read_axis(figure, "x-axis");
  const auto dots = all(figure, "circle", "difference");
  ASSERT_EQ(dots.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(x.value_at(number(dots[i], "cx")), chart.differences[i].value,
                0.06 * x.per_pixel());
  EXPECT_NEAR(x.value_at(number(all(figure, "line", "zero").at(0), "x1")), 0, 0.06 * x.per_pixel());
  EXPECT_NE(attribute(dots[0], "fill"), "#ffffff");
  EXPECT_EQ(attribute(dots[1], "fill"), "#ffffff");
}

TEST(Figures, UsageFallsFromTheMostUsedCodeToTheUnused) {
  const ptree figure =
      parsed(usage_chart_svg({"t", {{"level a", {0, 5, 2, 0, 9}}, {"level b", {1, 1, 1, 1, 12}}}}));
  const auto shapes = all(figure, "polygon", "usage");
  ASSERT_EQ(shapes.size(), 2u);
  const ReadAxis y = read_axis(figure, "y-axis");
  const std::vector<double> steps = {0, 9, 9, 5, 5, 2, 2, 0, 0, 0, 0, 0};
  const auto points = points_of(shapes[0]);
  ASSERT_EQ(points.size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i)
    EXPECT_NEAR(y.value_at(points[i].second), steps[i], 0.06 * y.per_pixel());
  EXPECT_TRUE(
      contains(usage_chart_svg({"t", {{"level a", {0, 5, 2, 0, 9}}}}), "level a: 3 of 5 codes"));
}

// Distances between points keep their proportions, across panels and axes.
TEST(Figures, PointsKeepTheirDistances) {
  PointChart chart{"t", "words", {"level a"}, {{"before", {}}, {"after", {}}}};
  for (PointChart::Panel& panel : chart.panels) {
    for (int i = 0; i < 9; ++i)
      panel.points.push_back({drawn(-3, 3), drawn(-1, 1), i < 4 ? -1 : 0, c10::str("<a_", i, ">")});
  }
  const ptree figure = parsed(point_chart_svg(chart));
  const auto panels = all(figure, "g", "panel");
  ASSERT_EQ(panels.size(), 2u);
  double scale = 0;
  for (size_t p = 0; p < 2; ++p) {
    const auto circles = all(panels[p], "circle");
    ASSERT_EQ(circles.size(), 9u);  // those of the background first, as they were given
    for (size_t i = 1; i < 9; ++i) {
      const auto& a = chart.panels[p].points[i - 1];
      const auto& b = chart.panels[p].points[i];
      const double pixels = std::hypot(number(circles[i], "cx") - number(circles[i - 1], "cx"),
                                       number(circles[i], "cy") - number(circles[i - 1], "cy"));
      const double distance = std::hypot(b.x - a.x, b.y - a.y);
      if (scale == 0) scale = pixels / distance;
      EXPECT_NEAR(pixels, scale * distance, 0.1);
      EXPECT_EQ(circles[i].get<std::string>("title"), b.name) << "mark-up is text";
    }
  }
}

TEST(Figures, ALegendOfManyGroupsStaysInsideOfItsChart) {
  PointChart chart{"points", "other codes", {}, {{"panel", {{0, 0, 0, ""}, {1, 1, -1, ""}}}}};
  for (int i = 0; i < 12; ++i) chart.groups.push_back(c10::str("<a_", 100 + i, ">"));
  const ptree figure = parsed(point_chart_svg(chart));
  const auto keys = all(figure, "circle", "key");
  ASSERT_EQ(keys.size(), 13u);
  const double width = number(figure, "width"), height = number(figure, "height");
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_LT(number(keys[i], "cx"), width - 30) << "its name has room";
    EXPECT_LT(number(keys[i], "cy"), height - 4);
    for (size_t j = 0; j < i; ++j)
      EXPECT_GT(std::hypot(number(keys[i], "cx") - number(keys[j], "cx"),
                           number(keys[i], "cy") - number(keys[j], "cy")),
                10);
  }
}

TEST(Figures, CountsAreWrittenRowByRow) {
  const ptree figure = parsed(count_chart_svg(
      {"Targets", "after", "before", {"1", "out"}, {"1", "out"}, {{7, 0}, {2, 40}}}));
  std::vector<std::string> counts;
  for (const ptree& text : all(figure, "text", "count")) counts.push_back(text.data());
  EXPECT_EQ(counts, (std::vector<std::string>{"7", "0", "2", "40"}));
  const auto cells = all(figure, "rect", "cell");
  EXPECT_EQ(number(cells[3], "fill-opacity"), 0.85);
  EXPECT_EQ(number(cells[1], "fill-opacity"), 0);
}

// Nothing to show, one value, values that are all alike, names with mark-up: no figure breaks.
TEST(Figures, OddValuesDrawToo) {
  const std::string odd = "<&\"> \x01 é";
  std::vector<std::string> svgs = {
      line_chart_svg({odd, odd, odd, {}}),
      line_chart_svg({odd, odd, odd, {{odd, {1}, {0}, {}}}}),
      line_chart_svg({odd, odd, odd, {{odd, {1, 2}, {3e9, 3e9}, {}}}}),
      bar_chart_svg({odd, odd, {}}),
      bar_chart_svg({odd, odd, {{odd, 0, {}}}}),
      difference_chart_svg({odd, odd, {{odd, 0, {0, 0}, false}}}),
      usage_chart_svg({odd, {{odd, {}}}}),
      point_chart_svg({odd, odd, {odd}, {{odd, {{0, 0, 0, odd}}}}}),
      point_chart_svg({odd, "", {}, {{odd, {}}}}),
      count_chart_svg({odd, odd, odd, {odd}, {odd}, {{0}}}),
  };
  for (const std::string& svg : svgs) {
    EXPECT_NO_THROW(parsed(svg)) << svg;
    EXPECT_FALSE(contains(svg, "nan") || contains(svg, "inf")) << svg;
  }
}

TEST(Figures, OfARunShowNumbersDifferencesMovesAndCurves) {
  host::RunReport report;
  report.numbers = {"sid.hr@5", "item.hr@5", "item.hr@10"};
  for (const char* name : {"sft", "grpo"}) {
    host::ReportedColumn column{name, true, {}};
    for (const char* of : {"item.hr@5", "item.hr@10"}) {
      host::ReportedNumber& value = column.numbers.emplace_back();
      value.name = of;
      value.value = 0.1;
      value.interval = host::Interval{0.09, 0.11};
    }
    report.columns.push_back(column);
  }
  host::TestedNumber tested;
  tested.name = "item.hr@10";
  host::Movement moved;
  moved.bins = {"1", "out"};
  moved.from_to = {{1, 2}, {3, 4}};
  report.differences = {{"grpo", "sft", {tested}, moved}};
  host::Breakdown& groups = report.breakdowns.emplace_back();
  groups.by = "popularity of the target";
  groups.columns = {"sft", "grpo"};
  groups.numbers = {"item.hr@10"};
  groups.groups = {{"head", 9, 8, {{{0.3, host::Interval{0.2, 0.4}}}, {{0.25, {}}}}},
                   {"tail", 3, 3, {{{0.1, {}}}, {{0.5, {}}}}}};
  report.curves = {{{host::StageId::Role::train, "sft"}, "valid.loss", {1, 2}, {3, 2}}};
  std::vector<std::string> names;
  for (const Figure& figure : figures_of(report)) {
    names.push_back(figure.name);
    EXPECT_NO_THROW(parsed(figure.svg));
  }
  EXPECT_EQ(names, (std::vector<std::string>{
                       "comparison-item-hr-5", "comparison-item-hr-10", "list-length-item-hr",
                       "difference-grpo-minus-sft", "movement-sft-to-grpo",
                       "breakdown-popularity-of-the-target-item-hr-10", "curve-valid-loss"}));
  const ptree broken_down = parsed(figures_of(report)[5].svg);
  std::vector<std::string> bars;
  for (const ptree& text : all(broken_down, "text", "name")) bars.push_back(text.data());
  EXPECT_EQ(bars, (std::vector<std::string>{"head: sft", "head: grpo", "tail: sft", "tail: grpo"}));
  const ReadAxis x = read_axis(broken_down, "x-axis");
  EXPECT_EQ(all(broken_down, "g", "interval").size(), 1u);
  const ptree bar = all(broken_down, "rect", "bar").at(3);
  EXPECT_NEAR(x.value_at(number(bar, "x") + number(bar, "width")), 0.5, 2 * x.per_pixel());
}

TEST(Figures, OfATuningShowTheBestSoFar) {
  auto tuning = nlohmann::ordered_json::parse(R"({"number": "item.hr@10", "models": {
    "markov": {"chosen": 2, "trials": [{"number": 0.25}, {"failed": "why"}, {"number": 0.5},
                                       {"number": 0.125}]},
    "ease": {"chosen": 0, "trials": [{"number": 0.5}]}}})");
  ASSERT_EQ(tuning_figures_of(tuning).size(), 1u);
  const auto bests = [&] {
    const ptree figure = parsed(tuning_figures_of(tuning).at(0).svg);
    const ReadAxis y = read_axis(figure, "y-axis");
    EXPECT_EQ(all(figure, "polyline", "line").size(), 1u) << "one trial is no line";
    std::vector<double> values;
    for (const auto& [at_x, at_y] : points_of(all(figure, "polyline", "line").at(0)))
      values.push_back(std::round(y.value_at(at_y) * 1000) / 1000);
    return values;
  };
  EXPECT_EQ(bests(), (std::vector<double>{0.25, 0.5, 0.5}));
  tuning["models"]["markov"]["chosen"] = 3;  // the lowest: lower is better
  EXPECT_EQ(bests(), (std::vector<double>{0.25, 0.25, 0.125}));
  tuning["models"].erase("markov");
  EXPECT_TRUE(tuning_figures_of(tuning).empty());
}

TEST(Figures, OfCellsShowWhatTrainingOnGained) {
  host::MatrixReport report;
  report.cells = {"a/sft", "a/grpo"};
  report.numbers = {"item.hr@10"};
  report.rows = {{"a/sft:sft", {{3, 0.1, 0.01}}, "a/sft"}};
  report.against = "a/sft";
  host::MatrixReport::TrainedDifference gained;
  gained.cell = "a/grpo";
  gained.after = "grpo";
  gained.before = "sft";
  gained.number = "item.hr@10";
  gained.difference.mean = 0.02;
  gained.difference.interval = {0.01, 0.03};
  gained.adjusted = 0.01;
  report.trained = {gained};
  std::vector<std::string> names;
  for (const Figure& figure : figures_of(report)) names.push_back(figure.name);
  EXPECT_EQ(names, (std::vector<std::string>{"comparison-item-hr-10", "trained-item-hr-10"}));
  const std::string svg = figures_of(report)[1].svg;
  EXPECT_TRUE(contains(svg, "a/grpo: grpo minus sft")) << svg;
  EXPECT_TRUE(contains(svg, "+0.0200")) << svg;
}

TEST(Figures, AreWrittenAsSvgAndWhereThereIsAConverterAsPng) {
  const TempFolder folder;
  const std::vector<Figure> figures = {{"a", bar_chart_svg({"t", "x", {{"b", 1, {}}}})}};
  const std::string said = write_figures(figures, folder.path() / "figures");
  EXPECT_EQ(io::read_text(folder.path() / "figures/a.svg"), figures[0].svg);
  const bool is_drawn = std::filesystem::exists(folder.path() / "figures/a.png");
  EXPECT_EQ(said.empty(), is_drawn) << said;
  if (is_drawn) {
    EXPECT_TRUE(io::read_text(folder.path() / "figures/a.png").starts_with("\x89PNG"));
  }

  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const std::string without = write_figures(figures, folder.path() / "no_png");
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(contains(without, "rsvg-convert is not installed")) << without;
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "no_png/a.svg"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "no_png/a.png"));
}

}  // namespace
}  // namespace tsrec::test
