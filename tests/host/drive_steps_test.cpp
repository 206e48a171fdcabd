// The driver of everything that is done in steps, stopped and killed wherever it may be.
#include "pipeline/drive_steps.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "pipeline/run_context.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/recommender.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

// What kill -9 would do, at a place of one's choice.
struct Killed {};

// A recommender that walks: each step depends on the last one, the seed, and momentum that the
// parameters do not hold. Its validation loss falls, then rises.
class Walker final : public Recommender, public Stepwise {
 public:
  void fit(const RecommenderInputs&, Context& context) override {
    value_ = torch::randn({4}, context.generator("start", 0)).requires_grad_();
    momentum_ = torch::zeros({4});
    context.number("fit", 1, 0);
  }
  Rankings rank(const Samples&, int64_t, Context&) override { return {}; }
  void save(ArtifactWriter& writer) const override { writer.tensor("value", value_); }
  void load(const ArtifactReader& reader) override { value_ = reader.tensor("value"); }

  std::vector<nn::Parameter> parameters() override { return {{"value", value_, false}}; }
  int64_t num_steps() const override { return steps; }
  int64_t validate_every() const override { return every; }
  void step(int64_t index, Context& context) override {
    if (index == kill_at) throw Killed();
    const torch::NoGradGuard no_grad;
    momentum_ = 0.5 * momentum_ + torch::randn({4}, context.generator("step", index));
    value_.add_(momentum_);
    context.number("walk", value_[0].item<double>(), index);
    ++steps_done;
    ++at_;
    if (index == stop_at) stops = true;
  }
  Numbers validate(Context&) override {
    ++validations;
    if (no_numbers) return {};
    const double loss = at_ == nan_at ? std::nan("") : std::abs(static_cast<double>(at_ - lowest));
    return {{first_name, loss, {}}, {"height", -loss, {}}};
  }
  void finish(Context&) override { ++finished; }
  void save_state(ArtifactWriter& writer) const override {
    writer.tensor("momentum", momentum_);
    writer.number("at", static_cast<double>(at_));
  }
  void load_state(const ArtifactReader& reader) override {
    momentum_ = reader.tensor("momentum");
    at_ = static_cast<int64_t>(reader.number("at"));
  }
  torch::Tensor value() const { return value_.detach().clone(); }
  int64_t at() const { return at_; }

  int64_t steps = 12, every = 3, lowest = 100, kill_at = -1, stop_at = -1, nan_at = -1;
  bool no_numbers = false, stops = false;
  std::string first_name = "loss";
  int64_t steps_done = 0, validations = 0, finished = 0;

 private:
  torch::Tensor value_, momentum_;
  int64_t at_ = 0;
};

// A stage's run without the rest of a host.
class WalkersRun final : public host::StageRun {
 public:
  WalkersRun(fs::path work, Walker& walker, double checkpoint_seconds = 1e9)
      : stage_{{host::StageId::Role::recommender, "walker"}, {}, {}, {}, {}, std::nullopt},
        work_(std::move(work)),
        seconds_(checkpoint_seconds),
        context_(walker, settings_, work_ / "curves.jsonl"),
        out_(work_ / "out") {}
  const host::Stage& stage() const override { return stage_; }
  const fs::path& input(const host::StageId&) const override { throw Error("no inputs"); }
  ArtifactWriter& out() override { return out_; }
  Context& context() override { return context_; }
  const fs::path& work() const override { return work_; }
  int64_t curve_bytes() override { return context_.inner.curve_bytes(); }
  void truncate_curve(int64_t bytes) override { context_.inner.truncate_curve(bytes); }
  void add_listener(host::Listener& listener) override { context_.inner.add_listener(listener); }
  void remove_listener(host::Listener& listener) override {
    context_.inner.remove_listener(listener);
  }
  double checkpoint_seconds() const override { return seconds_; }
  const std::vector<std::string>& messages() const { return context_.messages; }

 private:
  // The run's own context, which stops when the walker says so.
  class Stopping final : public Context {
   public:
    Stopping(Walker& walker, const host::RunSettings& settings, fs::path curve)
        : inner(settings, "recommender.walker", std::move(curve)), walker_(walker) {}
    void log(Level, std::string_view message) override { messages.emplace_back(message); }
    void number(std::string_view name, double value, int64_t step) override {
      inner.number(name, value, step);
    }
    void count(std::string_view name, int64_t amount) override { inner.count(name, amount); }
    void progress(std::string_view, int64_t, int64_t) override {}
    at::Generator generator(std::string_view purpose, int64_t index) override {
      return inner.generator(purpose, index);
    }
    at::Generator generator(std::string_view purpose, int64_t index, int64_t part) override {
      return inner.generator(purpose, index, part);
    }
    torch::Device device() const override { return torch::kCPU; }
    torch::ScalarType precision() const override { return torch::kFloat32; }
    bool stopping() const override { return walker_.stops; }

    host::RunContext inner;
    std::vector<std::string> messages;

   private:
    Walker& walker_;
  };

  host::RunSettings settings_;
  host::Stage stage_;
  fs::path work_;
  double seconds_;
  Stopping context_;
  ArtifactWriter out_;
};

struct Result {
  torch::Tensor value;
  std::string curves;
  int64_t steps_done = 0;
  std::vector<std::string> messages;
  host::Driven driven;
};

// As the runner does it: curves begin anew unless there is a checkpoint to go on from.
Result driven(const fs::path& work, Walker& walker, const host::DriveSettings& settings = {},
              double checkpoint_seconds = 1e9) {
  if (!host::has_checkpoint(work)) fs::remove(work / "curves.jsonl");
  Result result;
  {
    WalkersRun run(work, walker, checkpoint_seconds);
    walker.fit({Dataset(), nullptr}, run.context());
    result.driven = host::drive_steps(run, walker, settings);
    run.curve_bytes();
    result.messages = run.messages();
  }
  result.value = walker.value();
  result.curves = io::read_text(work / "curves.jsonl");
  result.steps_done = walker.steps_done;
  return result;
}

bool was_told(const Result& result, const std::string& part) {
  return std::any_of(result.messages.begin(), result.messages.end(),
                     [&](const std::string& message) { return contains(message, part); });
}

TEST(DriveSteps, KilledAnywhereItGivesTheBytesOfAStraightRun) {
  for (const double seconds : {0.0, 1e9}) {  // a checkpoint after every step; at validations only
    const TempFolder plain;
    Walker straight;
    straight.lowest = 8;
    const Result wanted = driven(plain.path(), straight, {}, seconds);
    EXPECT_TRUE(was_told(wanted, "keeps the state of step 9"));
    EXPECT_EQ(straight.finished, 1);
    for (int64_t kill = 0; kill < 12; ++kill) {
      const TempFolder work;
      Walker killed;
      killed.lowest = 8;
      killed.kill_at = kill;
      EXPECT_THROW(driven(work.path(), killed, {}, seconds), Killed);
      EXPECT_EQ(killed.finished, 0);
      Walker again;
      again.lowest = 8;
      const Result result = driven(work.path(), again, {}, seconds);
      const int64_t saved = seconds == 0 ? kill : kill / 3 * 3;
      EXPECT_EQ(result.steps_done, 12 - saved) << "killed in step " << kill;
      EXPECT_EQ(was_told(result, c10::str("going on at step ", saved)), saved > 0);
      EXPECT_TRUE(torch::equal(result.value, wanted.value)) << "killed in step " << kill;
      EXPECT_EQ(result.curves, wanted.curves) << "killed in step " << kill;
    }
  }
}

TEST(DriveSteps, AStopSavesWhereItStandsAndGoesOnThere) {
  const TempFolder plain, work;
  Walker straight, stopped, again;
  const Result wanted = driven(plain.path(), straight);
  stopped.stop_at = 4;
  const std::string message = message_of<Interrupted>([&] { driven(work.path(), stopped); });
  EXPECT_TRUE(contains(message, "stopped at step 5 of 12 of recommender.walker")) << message;
  EXPECT_EQ(stopped.finished, 0);
  const Result result = driven(work.path(), again);
  EXPECT_EQ(result.steps_done, 7);
  EXPECT_TRUE(torch::equal(result.value, wanted.value));
  EXPECT_EQ(result.curves, wanted.curves);
}

TEST(DriveSteps, ACheckpointThatWasNotFinishedIsNotReadAndTheOneBeforeIs) {
  const TempFolder plain, work;
  Walker straight, stopped, again;
  const Result wanted = driven(plain.path(), straight);
  stopped.stop_at = 4;
  EXPECT_THROW(driven(work.path(), stopped), Interrupted);
  fs::create_directories(work.path() / "checkpoint.new" / "state");
  fs::rename(work.path() / "checkpoint", work.path() / "checkpoint.old");
  const Result result = driven(work.path(), again);
  EXPECT_EQ(result.steps_done, 7);
  EXPECT_TRUE(torch::equal(result.value, wanted.value));
}

TEST(DriveSteps, TheBestStateIsKeptOrTheLastOrThatOfANumber) {
  const auto kept = [](const std::string& select, bool no_numbers = false) {
    const TempFolder work;
    Walker walker;
    walker.lowest = 6;
    walker.no_numbers = no_numbers;
    return driven(work.path(), walker, {.select = select}).value;
  };
  const auto after = [](int64_t steps) {
    const TempFolder work;
    Walker walker;
    walker.steps = steps;
    walker.no_numbers = true;
    return driven(work.path(), walker).value;
  };
  EXPECT_TRUE(torch::equal(kept("best"), after(6)));
  EXPECT_TRUE(torch::equal(kept("height"), after(6)));
  EXPECT_TRUE(torch::equal(kept("last"), after(12)));
  EXPECT_TRUE(torch::equal(kept("best", /*no_numbers=*/true), after(12)));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { kept("width"); }), "no such number"));
}

TEST(DriveSteps, PatienceEndsItEarlyAlsoAfterAResume) {
  const auto run = [](const fs::path& work, int64_t stop_at) {
    Walker walker;
    walker.lowest = 3;
    walker.stop_at = stop_at;
    return driven(work, walker, {.patience = 2}).curves;
  };
  const TempFolder plain, work;
  const std::string wanted = run(plain.path(), -1);
  EXPECT_FALSE(contains(wanted, "\"step\":10"));
  EXPECT_THROW(run(work.path(), 6), Interrupted);
  EXPECT_EQ(run(work.path(), -1), wanted);
}

TEST(DriveSteps, ALossThatIsNotFiniteStopsAndTheLastCheckpointStays) {
  const TempFolder work;
  Walker walker;
  walker.nan_at = 6;
  const std::string message = message_of<Error>([&] { driven(work.path(), walker); });
  EXPECT_TRUE(contains(message, "after step 6 is NaN")) << message;
  Walker again;
  EXPECT_EQ(driven(work.path(), again).steps_done, 9);
  const TempFolder other;
  Walker misnamed;
  misnamed.first_name = "reward";
  EXPECT_TRUE(contains(message_of<Error>([&] { driven(other.path(), misnamed); }),
                       "the first one must be 'loss'"));
}

TEST(DriveSteps, NoStepsAndPartsWithoutStepsAreReadyAtOnce) {
  const TempFolder work;
  Walker walker;
  walker.steps = 0;
  EXPECT_EQ(driven(work.path(), walker).steps_done, 0);
  EXPECT_EQ(walker.validations, 0);
  EXPECT_EQ(walker.finished, 1);
  const auto floor = make_part<Recommender>("popularity", *std::make_unique<TestContext>());
  WalkersRun run(work.path(), walker);
  EXPECT_EQ(host::drive_steps(run, *floor).steps, 0);
}

// Keeps what it sees, says a sum over all of it, and ends the walk behind a step.
class Onlooker final : public Observer {
 public:
  explicit Onlooker(int64_t end_behind = 100) : end_behind_(end_behind) {}
  void start(const ObserverInputs&, Context&) override {}
  std::optional<std::string> look(const TrainingStep& step, Context& context) override {
    seen.push_back(step);
    sum_ += *step.value("walk");
    context.number("sum", sum_, step.index);
    if (step.index + 1 < end_behind_) return std::nullopt;
    return c10::str("it saw ", step.index + 1, " steps");
  }
  void save_state(ArtifactWriter& writer) const override { writer.number("sum", sum_); }
  void load_state(const ArtifactReader& reader) override { sum_ = reader.number("sum"); }

  std::vector<TrainingStep> seen;

 private:
  int64_t end_behind_;
  double sum_ = 0;
};

Result observed(const fs::path& work, Walker& walker,
                const std::vector<std::shared_ptr<Onlooker>>& onlookers,
                double checkpoint_seconds = 1e9) {
  host::DriveSettings settings;
  for (size_t i = 0; i < onlookers.size(); ++i)
    settings.observers.push_back({c10::str("number", i), onlookers[i]});
  return driven(work, walker, settings, checkpoint_seconds);
}

TEST(DrivenObservers, SeeTheNumbersOfEveryStepAndOfItsValidation) {
  const TempFolder work;
  Walker walker;
  walker.lowest = 8;
  const auto one = std::make_shared<Onlooker>(), other = std::make_shared<Onlooker>();
  std::istringstream curve(observed(work.path(), walker, {one, other}).curves);
  ASSERT_EQ(one->seen.size(), 12u);
  // What the curve file says, step by step: the walk counts from 0, validations steps that are
  // done.
  std::map<int64_t, std::map<std::string, double>> said;
  for (std::string line; std::getline(curve, line);) {
    const auto point = nlohmann::json::parse(line);
    const auto name = point.at("name").get<std::string>();
    const bool is_of_validation = name.starts_with("valid.");
    if (name == "walk" || is_of_validation)
      said[point.at("step").get<int64_t>() - (is_of_validation ? 1 : 0)][name] =
          point.at("value").get<double>();
  }
  for (size_t i = 0; i < 12; ++i) {
    const TrainingStep& step = one->seen[i];
    EXPECT_EQ(step.index, static_cast<int64_t>(i));
    EXPECT_EQ(step.is_validated, i % 3 == 2);
    std::map<std::string, double> numbers;
    for (const Number& number : step.numbers) numbers[number.name] = number.value;
    EXPECT_EQ(numbers, said[step.index]) << i;
    EXPECT_EQ(step.numbers.size(), numbers.size()) << i;
    EXPECT_EQ(other->seen[i].numbers.size(), numbers.size()) << i;
  }
  const TrainingStep twice{0, false, {{"a", 1, {}}, {"b", 2, {}}, {"a", 3, {}}}};
  EXPECT_EQ(twice.value("a"), 3);
  EXPECT_EQ(twice.value("c"), std::nullopt);
}

TEST(DrivenObservers, EndAWalkBetweenValidationsAsItsLastStepDoes) {
  const TempFolder plain, work;
  Walker seven, ended;
  seven.steps = 7;
  const Result wanted = driven(plain.path(), seven);
  const Result result =
      observed(work.path(), ended, {std::make_shared<Onlooker>(7), std::make_shared<Onlooker>(7)});
  EXPECT_EQ(result.driven.steps, 7);
  EXPECT_EQ(result.driven.stopped,
            "observer 'number0': it saw 7 steps; observer 'number1': it saw 7 steps");
  EXPECT_TRUE(was_told(result, "ended at step 7 of 12 by " + result.driven.stopped));
  EXPECT_TRUE(torch::equal(result.value, wanted.value));
  EXPECT_EQ(ended.validations, seven.validations);
  EXPECT_EQ(ended.finished, 1);
  EXPECT_EQ(wanted.driven.stopped, "");
}

TEST(DrivenObservers, KilledAnywhereTheyGoOnWithWhatTheyKnew) {
  for (const double seconds : {0.0, 1e9}) {
    const TempFolder plain;
    Walker straight;
    const Result wanted =
        observed(plain.path(), straight, {std::make_shared<Onlooker>(10)}, seconds);
    ASSERT_EQ(wanted.driven.steps, 10);
    for (int64_t kill = 0; kill < 10; ++kill) {
      const TempFolder work;
      Walker killed, again;
      killed.kill_at = kill;
      EXPECT_THROW(observed(work.path(), killed, {std::make_shared<Onlooker>(10)}, seconds),
                   Killed);
      const auto onlooker = std::make_shared<Onlooker>(10);
      const Result result = observed(work.path(), again, {onlooker}, seconds);
      EXPECT_EQ(result.curves, wanted.curves) << "killed in step " << kill;
      EXPECT_EQ(result.driven.stopped, wanted.driven.stopped);
      EXPECT_TRUE(torch::equal(result.value, wanted.value)) << "killed in step " << kill;
      const int64_t saved = seconds == 0 ? kill : kill / 3 * 3;
      EXPECT_EQ(onlooker->seen.front().index, saved) << "killed in step " << kill;
    }
  }
}

// --- against the start: so many of 200 users are hits after so many steps

const std::map<int64_t, int64_t> kHits = {{0, 100}, {3, 104}, {6, 120}, {9, 60}, {12, 130}};

torch::Tensor hits_after(int64_t steps, const std::map<int64_t, int64_t>& hits = kHits) {
  return (torch::arange(200) < hits.at(steps)).to(torch::kFloat64);
}

host::DriveSettings compared(const Walker& walker, const std::string& on_alarm,
                             const std::map<int64_t, int64_t>& hits = kHits) {
  host::DriveSettings settings;
  settings.select = "watched";
  settings.more_numbers = [&walker, hits]() -> Numbers {
    const torch::Tensor row_S = hits_after(walker.at(), hits);
    return {{"coverage@10", 0.5, {}},
            {"item.hr@10", row_S.mean().item<double>(), row_S, Better::higher}};
  };
  settings.against_start = host::StartComparison{
      .on_alarm = on_alarm, .user_S = torch::arange(200), .seed = 5, .evaluated_rows = 2000};
  return settings;
}

torch::Tensor walked(int64_t steps) {
  const TempFolder work;
  Walker walker;
  walker.steps = steps;
  walker.no_numbers = true;
  return driven(work.path(), walker).value;
}

// The share of 200 drawn rows that the binomial distribution has below it with this probability.
double binomial_quantile(double share, double probability) {
  double below = 0;
  for (int k = 0; k <= 200; ++k) {
    below += std::exp(std::lgamma(201) - std::lgamma(k + 1) - std::lgamma(201 - k) +
                      k * std::log(share) + (200 - k) * std::log(1 - share));
    if (below >= probability) return k / 200.0;
  }
  return 1;
}

TEST(AgainstStart, EveryValidationIsComparedOnTheSameRows) {
  const TempFolder work;
  Walker walker;
  const Result result = driven(work.path(), walker, compared(walker, "warn"));
  ASSERT_TRUE(result.driven.against_start);
  const host::AgainstStart& known = *result.driven.against_start;
  EXPECT_EQ(known.number, "item.hr@10");
  EXPECT_EQ(known.rows, 200);
  EXPECT_EQ(known.start, 0.5);
  ASSERT_EQ(known.points.size(), 4u);
  for (const host::AgainstStart::Point& point : known.points) {
    const torch::Tensor difference_S = hits_after(point.step) - hits_after(0);
    const double mean = difference_S.mean().item<double>();
    EXPECT_NEAR(point.difference, mean, 1e-12) << point.step;
    EXPECT_NEAR(point.changed, difference_S.abs().mean().item<double>(), 1e-12);
    // Rows change one way only here: how many of them a resample draws is binomial.
    const double sign = mean < 0 ? -1 : 1, share = std::abs(mean);
    const double few = sign * binomial_quantile(share, 0.025),
                 many = sign * binomial_quantile(share, 0.975);
    EXPECT_NEAR(point.interval.low, std::min(few, many), 2.5 / 200) << point.step;
    EXPECT_NEAR(point.interval.high, std::max(few, many), 2.5 / 200) << point.step;
    EXPECT_EQ(point.is_worse, point.step == 9);
  }
  EXPECT_TRUE(was_told(result, "the start: item.hr@10 0.5000 on 200 validation rows"));
  EXPECT_TRUE(was_told(result, "power: with 2000 evaluated rows"));
  EXPECT_TRUE(was_told(result,
                       "step 9: item.hr@10 is worse than the start's on the same 200 validation "
                       "rows: -0.2000 (95 % interval -0.2"));
  for (const char* line : {"\"name\":\"valid.item.hr@10\",\"step\":0,\"value\":0.5",
                           "\"name\":\"valid.item.hr@10.minus_start\",\"step\":9,\"value\":-0.2"})
    EXPECT_TRUE(contains(result.curves, line)) << line << result.curves;
  EXPECT_EQ(result.driven.steps, 12);
  EXPECT_EQ(known.kept, 12) << "130 hits are the most";
  EXPECT_TRUE(torch::equal(result.value, walked(12)));
}

TEST(AgainstStart, WhatMayBeNoGainIsNotHandedOn) {
  // Of 200 users, 100 are hits at the start; then 12 of them are none and others are instead.
  const std::map<int64_t, int64_t> others = {{3, 15}, {6, 18}, {9, 40}, {12, 16}};
  for (const bool has_gain : {false, true}) {
    const TempFolder work;
    Walker walker;
    host::DriveSettings settings = compared(walker, "warn");
    settings.more_numbers = [&]() -> Numbers {
      torch::Tensor row_S = hits_after(0);
      if (walker.at() > 0) {
        row_S.slice(0, 0, 12).zero_();
        const int64_t new_hits = walker.at() == 9 && !has_gain ? 19 : others.at(walker.at());
        row_S.slice(0, 100, 100 + new_hits).fill_(1);
      }
      return {{"item.hr@10", row_S.mean().item<double>(), row_S, Better::higher}};
    };
    const Result result = driven(work.path(), walker, settings);
    const host::AgainstStart& known = *result.driven.against_start;
    for (const host::AgainstStart::Point& point : known.points) {
      EXPECT_GT(point.difference, 0);
      EXPECT_EQ(point.interval.low > 0, has_gain && point.step == 9) << point.step;
    }
    EXPECT_EQ(known.kept, has_gain ? 9 : 0);
    EXPECT_TRUE(torch::equal(result.value, walked(known.kept)));
  }
}

TEST(AgainstStart, AnAlarmEndsTheTrainingAndMayGoBack) {
  for (const std::string on_alarm : {"stop", "revert"}) {
    const TempFolder work;
    Walker walker;
    const Result result = driven(work.path(), walker, compared(walker, on_alarm));
    EXPECT_EQ(result.driven.steps, 9);
    EXPECT_TRUE(result.driven.stopped.starts_with("on_alarm = \"" + on_alarm +
                                                  "\": item.hr@10 is worse than the start's"))
        << result.driven.stopped;
    const int64_t kept = on_alarm == "stop" ? 6 : 0;
    EXPECT_EQ(result.driven.against_start->kept, kept);
    EXPECT_TRUE(torch::equal(result.value, walked(kept))) << on_alarm;
    EXPECT_EQ(walker.finished, 1);
  }
}

TEST(AgainstStart, TheStartIsHandedOnWhereNothingIsBetter) {
  const std::map<int64_t, int64_t> falling = {{0, 100}, {3, 99}, {6, 98}, {9, 97}, {12, 100}};
  const TempFolder work;
  Walker walker;
  const Result result = driven(work.path(), walker, compared(walker, "warn", falling));
  EXPECT_TRUE(std::ranges::none_of(result.driven.against_start->points,
                                   &host::AgainstStart::Point::is_worse));
  EXPECT_EQ(result.driven.against_start->kept, 0);
  EXPECT_TRUE(was_told(result, "keeps the state that it started from"));
  EXPECT_TRUE(torch::equal(result.value, walked(0)));

  const TempFolder other;
  Walker patient;
  host::DriveSettings settings = compared(patient, "warn", falling);
  settings.patience = 2;
  EXPECT_EQ(driven(other.path(), patient, settings).driven.steps, 6) << "no better than the start";
  const TempFolder third;
  Walker last;
  settings = compared(last, "warn", falling);
  settings.select = "last";
  EXPECT_EQ(driven(third.path(), last, settings).driven.against_start->kept, 12);
}

TEST(AgainstStart, KilledAnywhereItGivesTheBytesOfAStraightRun) {
  const auto stored = [](const TempFolder& folder, const Result& result) {
    ArtifactWriter writer(folder.path() / "known");
    host::write_against_start(*result.driven.against_start, writer);
    writer.close();
    const auto known = host::read_against_start(folder.path() / "known");
    EXPECT_EQ(known->points.size(), result.driven.against_start->points.size());
    return io::read_text(folder.path() / "known" / "values.json");
  };
  for (const auto& [on_alarm, seconds] :
       std::vector<std::pair<std::string, double>>{{"warn", 1e9}, {"revert", 0.0}}) {
    const TempFolder plain;
    Walker straight;
    const Result wanted = driven(plain.path(), straight, compared(straight, on_alarm), seconds);
    const std::string bytes = stored(plain, wanted);
    for (int64_t kill = 0; kill < wanted.driven.steps; ++kill) {
      const TempFolder work;
      Walker killed, again;
      killed.kill_at = kill;
      EXPECT_THROW(driven(work.path(), killed, compared(killed, on_alarm), seconds), Killed);
      const Result result = driven(work.path(), again, compared(again, on_alarm), seconds);
      EXPECT_EQ(result.curves, wanted.curves) << "killed in step " << kill;
      EXPECT_EQ(result.driven.stopped, wanted.driven.stopped);
      EXPECT_TRUE(torch::equal(result.value, wanted.value)) << "killed in step " << kill;
      EXPECT_EQ(stored(work, result), bytes) << "killed in step " << kill;
    }
  }
}

TEST(AgainstStart, WhichNumberIsWatched) {
  const torch::Tensor row_S = torch::zeros({3});
  const Numbers numbers = {{"coverage@10", 0, {}},
                           {"sid.hr@10", 0, row_S, Better::higher},
                           {"item.ndcg@10", 0, row_S, Better::higher},
                           {"item.hr@5", 0, row_S, Better::higher},
                           {"item.hr@12", 0, row_S, Better::higher},
                           {"item.hr@10", 0, row_S, Better::unknown},
                           {"refused", 0, row_S, Better::lower}};
  const auto watched = [&](size_t first, size_t last, const std::string& name = "auto") {
    const Numbers some(numbers.begin() + static_cast<std::ptrdiff_t>(first),
                       numbers.begin() + static_cast<std::ptrdiff_t>(last));
    const Number* number = host::watched_number(some, name);
    return number != nullptr ? number->name : "none";
  };
  EXPECT_EQ(watched(0, 7), "item.hr@12") << "10 has no direction, and 5 is farther away";
  EXPECT_EQ(watched(0, 4), "item.hr@5");
  EXPECT_EQ(watched(0, 3), "item.ndcg@10");
  EXPECT_EQ(watched(0, 2), "sid.hr@10");
  EXPECT_EQ(watched(0, 1), "none");
  EXPECT_EQ(watched(6, 7), "none");
  EXPECT_EQ(watched(0, 7, "refused"), "refused");
  for (const std::string name : {"coverage@10", "item.hr@10", "item.hr@11"}) {
    const std::string message = message_of<ConfigError>([&] { watched(0, 7, name); });
    EXPECT_TRUE(contains(message, "watch = \"" + name + "\"")) << message;
    EXPECT_TRUE(
        contains(message, "they give sid.hr@10, item.ndcg@10, item.hr@5, item.hr@12, refused"))
        << message;
  }
}

TEST(AgainstStart, WhereLowerIsBetterMoreIsAnAlarmAndLessIsKept) {
  const TempFolder work;
  Walker walker;
  host::DriveSettings settings = compared(walker, "warn");
  settings.watch = "refused";
  settings.more_numbers = [&]() -> Numbers {
    const torch::Tensor row_S = hits_after(walker.at());
    return {{"refused", row_S.mean().item<double>(), row_S, Better::lower}};
  };
  const Result result = driven(work.path(), walker, settings);
  const host::AgainstStart& known = *result.driven.against_start;
  for (const host::AgainstStart::Point& point : known.points)
    EXPECT_EQ(point.is_worse, point.step != 9) << point.step;
  EXPECT_EQ(known.kept, 9);
}

TEST(AgainstStart, WithoutANumberToWatchItWarnsAndKeepsTheLast) {
  const TempFolder work;
  Walker walker;
  host::DriveSettings settings = compared(walker, "stop");
  settings.more_numbers = [] { return Numbers{{"coverage@10", 0.5, {}}}; };
  const Result result = driven(work.path(), walker, settings);
  EXPECT_TRUE(was_told(result, "the training is not compared with its start"));
  EXPECT_EQ(result.driven.steps, 12);
  EXPECT_TRUE(result.driven.against_start->points.empty());
  EXPECT_EQ(result.driven.against_start->kept, 12);
}

// Outside of a run: the same steps and the same choice.
TEST(RunSteps, GivesWhatTheDriverGives) {
  const TempFolder work;
  Walker driven_one, plain;
  driven_one.lowest = plain.lowest = 6;
  const Result wanted = driven(work.path(), driven_one);
  host::RunSettings settings;
  host::RunContext context(settings, "recommender.walker", "");
  kit::fit(plain, {Dataset(), nullptr}, context);
  EXPECT_TRUE(torch::equal(plain.value(), wanted.value));
  EXPECT_EQ(plain.finished, 1);
  TestContext stopping;
  stopping.stop = true;
  EXPECT_THROW(kit::fit(plain, {Dataset(), nullptr}, stopping), Interrupted);
}

}  // namespace
}  // namespace tsrec::test
