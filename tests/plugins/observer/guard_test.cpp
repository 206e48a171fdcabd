// When a guard acts, against a search through the whole series.
#include <random>

#include "support/support.hpp"
#include "tsrec/parts/observer.hpp"

namespace tsrec::test {
namespace {

struct Watched {
  std::shared_ptr<Observer> guard(const OptionTexts& options) {
    auto made = make_part<Observer>("guard", world.context, options);
    made->start({.policy = *world.backbone,
                 .validation = *examples,
                 .sids = world.sids,
                 .trie = world.trie,
                 .data = world.data,
                 .notes = world.notes,
                 .num_steps = 100},
                world.context);
    return made;
  }
  kit::ToyWorld world;
  std::shared_ptr<ExampleSet> examples = world.examples();
};

using Series = std::vector<std::optional<double>>;

Series random_series(std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  Series series(40);
  for (auto& value : series) {
    const double kind = unit(random);
    if (kind < 0.1) continue;  // said nothing
    value = kind < 0.15 ? std::nan("") : kind < 0.2 ? HUGE_VAL : 3 * unit(random);
  }
  return series;
}

TrainingStep step_of(const Series& series, size_t index) {
  TrainingStep step{static_cast<int64_t>(index), false, {{"train.other", 100, {}}}};
  if (series[index]) step.numbers.push_back({"train.kl", *series[index], {}});
  return step;
}

// The first value that is the last of so many out of bounds, none of them before `after`.
std::optional<size_t> first_end(const Series& series, double below, double above, size_t in_a_row,
                                size_t after) {
  std::vector<size_t> said;
  for (size_t i = after; i < series.size(); ++i) {
    if (series[i]) said.push_back(i);
  }
  for (size_t end = in_a_row; end <= said.size(); ++end) {
    bool is_out = true;
    for (size_t k = end - in_a_row; k < end; ++k) {
      const double value = *series[said[k]];
      is_out = is_out && (value < below || value > above || std::isnan(value));
    }
    if (is_out) return said[end - 1];
  }
  return std::nullopt;
}

TEST(Guard, EndsWhereSoManyValuesInARowAreOutOfBounds) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  int64_t ended = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Series series = random_series(random);
    const size_t in_a_row = 1 + random() % 4, after = random() % 20, stop = random() % 40;
    const OptionTexts options = {{"watch", "train.kl"},
                                 {"below", "0.5"},
                                 {"above", "1.5"},
                                 {"in_a_row", std::to_string(in_a_row)},
                                 {"after", std::to_string(after)}};
    Watched watched;
    auto guard = watched.guard(options);
    std::optional<size_t> end;
    for (size_t i = 0; i < series.size() && !end; ++i) {
      if (i == stop) {  // killed, and resumed here
        const TempFolder folder;
        ArtifactWriter writer(folder.path() / "state");
        guard->save_state(writer);
        writer.close();
        guard = watched.guard(options);
        guard->load_state(ArtifactReader(folder.path() / "state"));
      }
      if (guard->look(step_of(series, i), watched.world.context)) end = i;
    }
    EXPECT_EQ(end, first_end(series, 0.5, 1.5, in_a_row, after)) << "seed " << seed;
    ended += end.has_value();
  }
  EXPECT_GT(ended, 5);
}

TEST(Guard, SaysWhyAndWarnsOnceForEachTimeOut) {
  Watched watched;
  const auto look = [&](const std::shared_ptr<Observer>& guard, double value, int64_t index) {
    return guard->look({index, false, {{"train.loss", value, {}}}}, watched.world.context);
  };
  const auto stops = watched.guard({{"above", "2"}, {"below", "1"}});
  EXPECT_EQ(look(stops, 1, 0), std::nullopt) << "a bound itself is inside";
  EXPECT_EQ(look(stops, 2, 1), std::nullopt);
  EXPECT_EQ(look(stops, 2.5, 2), "train.loss is 2.5, above 2");
  EXPECT_EQ(look(watched.guard({{"below", "1"}}), 0.5, 0), "train.loss is 0.5, below 1");
  EXPECT_EQ(look(watched.guard({}), HUGE_VAL, 0), "train.loss is inf, not a finite number");

  const auto warns = watched.guard({{"above", "2"}, {"in_a_row", "2"}, {"action", "warn"}});
  const std::vector<double> values = {3, 3, 3, 1, 3, 1, 3, 4};
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(look(warns, values[i], static_cast<int64_t>(i)), std::nullopt);
  EXPECT_EQ(watched.world.context.messages,
            (std::vector<std::string>{
                "step 2: train.loss is 3, above 2, out of bounds 2 times in a row",
                "step 8: train.loss is 4, above 2, out of bounds 2 times in a row"}));
}

TEST(Guard, RefusesANumberThatNobodySays) {
  Watched watched;
  const auto guard = watched.guard({{"watch", "train.kll"}});
  const TrainingStep plain{0, false, {{"train.kl", 1, {}}}};
  EXPECT_EQ(guard->look(plain, watched.world.context), std::nullopt);
  const TrainingStep validated{1, true, {{"train.kl", 1, {}}, {"valid.loss", 1, {}}}};
  EXPECT_EQ(message_of<ConfigError>([&] { guard->look(validated, watched.world.context); }),
            "observer 'guard' watches 'train.kll', which nobody said up to the first validation; "
            "this step has train.kl, valid.loss");
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         watched.guard({{"below", "2"}, {"above", "1"}});
                       }),
                       "below must not be greater than above"));
}

}  // namespace
}  // namespace tsrec::test
