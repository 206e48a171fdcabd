#include "pipeline/against_start.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/number_text.hpp"

namespace tsrec::host {
namespace {

using nlohmann::json;

constexpr int64_t kResamples = 1000;
constexpr const char* kText = "against_start";

json json_of(const AgainstStart& known) {
  json points = json::array();
  for (const AgainstStart::Point& point : known.points) {
    points.push_back({{"step", point.step},
                      {"value", point.value},
                      {"difference", point.difference},
                      {"interval", {point.interval.low, point.interval.high}},
                      {"changed", point.changed},
                      {"is_worse", point.is_worse}});
  }
  return {{"number", known.number}, {"better", static_cast<int>(known.better)},
          {"rows", known.rows},     {"start", known.start},
          {"points", points},       {"on_alarm", known.on_alarm},
          {"kept", known.kept}};
}

AgainstStart known_of(const json& stored) {
  AgainstStart known;
  known.number = stored.at("number").get<std::string>();
  known.better = static_cast<Better>(stored.at("better").get<int>());
  known.rows = stored.at("rows").get<int64_t>();
  known.start = stored.at("start").get<double>();
  known.on_alarm = stored.at("on_alarm").get<std::string>();
  known.kept = stored.at("kept").get<int64_t>();
  for (const json& stored_point : stored.at("points")) {
    AgainstStart::Point& point = known.points.emplace_back();
    point.step = stored_point.at("step").get<int64_t>();
    point.value = stored_point.at("value").get<double>();
    point.difference = stored_point.at("difference").get<double>();
    point.interval.low = stored_point.at("interval").at(0).get<double>();
    point.interval.high = stored_point.at("interval").at(1).get<double>();
    point.changed = stored_point.at("changed").get<double>();
    point.is_worse = stored_point.at("is_worse").get<bool>();
  }
  return known;
}

bool can_be_watched(const Number& number) {
  return number.row_S.defined() && number.better != Better::unknown;
}

// "item.hr@10" -> 10 behind "item.hr@"; none where the name begins otherwise.
std::optional<int64_t> cutoff(const std::string& name, std::string_view begin) {
  if (!name.starts_with(begin)) return std::nullopt;
  return std::strtoll(name.c_str() + begin.size(), nullptr, 10);
}

const Number* watched_by_itself(const Numbers& numbers) {
  std::vector<std::string> names;
  std::vector<const Number*> candidates;
  for (const Number& number : numbers) {
    if (!can_be_watched(number)) continue;
    names.push_back(number.name);
    candidates.push_back(&number);
  }
  for (const char* begin : {"item.hr@", "item.ndcg@"}) {
    if (const std::optional<size_t> nearest = nearest_to_ten(names, begin))
      return candidates[*nearest];
  }
  const auto found = std::find_if(candidates.begin(), candidates.end(), [](const Number* number) {
    return number->better == Better::higher;
  });
  return found != candidates.end() ? *found : nullptr;
}

std::string shown(const Interval& interval) {
  return "95 % interval " + signed_range(interval.low, interval.high);
}

std::string shown(const std::optional<double>& difference) {
  return difference ? "a difference of " + fixed(*difference) : "no difference at all";
}

// What an evaluation of so many rows could show of a number that is this high, said before the
// training: independent hits of two models are as different as they get in practice.
std::string power_sentence(double hit_rate, int64_t rows) {
  constexpr double kAlike = 0.05;  // a usual share after a short training
  const double independent = 2 * hit_rate * (1 - hit_rate);
  return c10::str("power: with ", rows, " evaluated rows McNemar's test (5 %) finds ",
                  shown(detectable_difference(rows, kAlike)),
                  " four times in five where 5 % of the rows change between hit and miss, and ",
                  shown(detectable_difference(rows, independent)),
                  " where the hits of both models ", "have nothing in common (",
                  fixed(100 * independent, 0), " % change)");
}

}  // namespace

bool is_wholly_worse(const Interval& interval, Better better) {
  if (better == Better::higher) return interval.high < 0;
  return better == Better::lower && interval.low > 0;
}

bool is_wholly_better(const Interval& interval, Better better) {
  if (better == Better::higher) return interval.low > 0;
  return better == Better::lower && interval.high < 0;
}

std::string AgainstStart::sentence(const Point& point) const {
  return c10::str(number, " is worse than the start's on the same ", rows,
                  " validation rows: ", signed_fixed(point.difference), " (", shown(point.interval),
                  ")");
}

void write_against_start(const AgainstStart& known, ArtifactWriter& out) {
  out.text(kText, json_of(known).dump());
}

std::optional<AgainstStart> read_against_start(const std::filesystem::path& folder) {
  const ArtifactReader in(folder);
  if (!in.has(kText)) return std::nullopt;
  return known_of(json::parse(in.text(kText)));
}

std::optional<size_t> nearest_to_ten(const std::vector<std::string>& names,
                                     std::string_view begin) {
  std::optional<size_t> nearest;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<int64_t> k = cutoff(names[i], begin);
    if (!k || std::abs(*k - 10) >= least) continue;
    least = std::abs(*k - 10);
    nearest = i;
  }
  return nearest;
}

const Number* watched_number(const Numbers& numbers, const std::string& name) {
  if (name == "auto") return watched_by_itself(numbers);
  std::string known;
  for (const Number& number : numbers) {
    if (!can_be_watched(number)) continue;
    if (number.name == name) return &number;
    known += (known.empty() ? "" : ", ") + number.name;
  }
  throw ConfigError("watch = \"", name, "\", but the metrics of [evaluate] give no such number ",
                    "with a value for each row and a better way; they give ",
                    known.empty() ? "none that can be watched" : known);
}

void StartWatch::begin(const Numbers& numbers, Context& context) {
  known_.on_alarm = settings_.on_alarm;
  const Number* watched = watched_number(numbers, watch_);
  if (watched == nullptr) {
    context.log(Level::warning,
                "no metric of [evaluate] gives a number with a value for each row and a better "
                "way, so that the training is not compared with its start; add  { use = \"hr\" }");
    return;
  }
  known_.number = watched->name;
  known_.better = watched->better;
  known_.rows = watched->row_S.size(0);
  known_.start = watched->value;
  start_S_ = watched->row_S.to(torch::kFloat64).contiguous();
  context.log(Level::info, c10::str("the start: ", known_.number, " ", fixed(known_.start), " on ",
                                    known_.rows, " validation rows"));
  if (cutoff(known_.number, "item.hr@") && settings_.evaluated_rows > 0)
    context.log(Level::info, power_sentence(known_.start, settings_.evaluated_rows));
}

bool StartWatch::look(const Numbers& numbers, int64_t step, Context& context) {
  if (known_.number.empty()) return false;
  const Number& now = *watched_number(numbers, known_.number);
  const Difference difference =
      paired_bootstrap(start_S_, now.row_S, settings_.user_S, kResamples, settings_.seed);
  const AgainstStart::Point& point = known_.points.emplace_back(AgainstStart::Point{
      step, now.value, difference.mean, difference.interval, discordance(start_S_, now.row_S),
      is_wholly_worse(difference.interval, known_.better)});
  const std::string curve = "valid." + known_.number + ".minus_start";
  context.number(curve, difference.mean, step);
  context.number(curve + ".low", difference.interval.low, step);
  context.number(curve + ".high", difference.interval.high, step);
  if (point.is_worse)
    context.log(Level::warning, c10::str("step ", step, ": ", known_.sentence(point)));
  else
    context.log(Level::info,
                c10::str("step ", step, ": ", known_.number, " minus the start's ",
                         signed_fixed(point.difference), " (", shown(point.interval), ")"));
  return point.is_worse && settings_.on_alarm != "warn";
}

bool StartWatch::is_surely_better() const {
  return !known_.points.empty() && is_wholly_better(known_.points.back().interval, known_.better);
}

std::string StartWatch::reason() const {
  return c10::str("on_alarm = \"", settings_.on_alarm,
                  "\": ", known_.sentence(known_.points.back()));
}

AgainstStart StartWatch::known(int64_t kept) const {
  AgainstStart known = known_;
  known.kept = kept;
  return known;
}

void StartWatch::save(ArtifactWriter& writer) const {
  write_against_start(known_, writer);
  if (start_S_.defined()) writer.tensor("start_S", start_S_);
}

void StartWatch::load(const ArtifactReader& reader) {
  known_ = known_of(json::parse(reader.text(kText)));
  if (reader.has("start_S")) start_S_ = reader.tensor("start_S");
}

}  // namespace tsrec::host
