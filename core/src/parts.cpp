// Destructors of every interface: the one home of their vtables and type information; and what a
// few of their structs can say of themselves.
#include <algorithm>

#include "tsrec/context.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/extractor.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/metric.hpp"
#include "tsrec/parts/observer.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/resolver.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/parts/task.hpp"
#include "tsrec/parts/tracker.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec {

Error::~Error() = default;
ConfigError::~ConfigError() = default;
DataError::~DataError() = default;
BrokenPart::~BrokenPart() = default;
Interrupted::~Interrupted() = default;
World::~World() = default;
Context::~Context() = default;
ExampleSet::~ExampleSet() = default;
Part::~Part() = default;
Stepwise::~Stepwise() = default;
HasDistances::~HasDistances() = default;
NeedsDecoder::~NeedsDecoder() = default;
Source::~Source() = default;
Encoder::~Encoder() = default;
Quantizer::~Quantizer() = default;
Resolver::~Resolver() = default;
Extractor::~Extractor() = default;
Backbone::~Backbone() = default;
Initializer::~Initializer() = default;
Task::~Task() = default;
Reward::~Reward() = default;
Trainer::~Trainer() = default;
Observer::~Observer() = default;
Recommender::~Recommender() = default;
Metric::~Metric() = default;
Tracker::~Tracker() = default;

void Trainer::check_sids(const SidTable&) const {}

std::optional<double> TrainingStep::value(std::string_view name) const {
  const auto last = std::find_if(numbers.rbegin(), numbers.rend(),
                                 [&](const Number& number) { return number.name == name; });
  return last == numbers.rend() ? std::nullopt : std::optional(last->value);
}

std::optional<SidTable> Source::sids(const Items&, Context&) { return std::nullopt; }

VocabularyRows Backbone::vocabulary_rows() const {
  return {.input_VD = embedding(),
          .output_VD = tied() ? torch::Tensor() : head().whole(),
          .num_tokens = tokenizer().size(),
          .initializer_range = initializer_range()};
}

}  // namespace tsrec
