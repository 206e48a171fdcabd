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
