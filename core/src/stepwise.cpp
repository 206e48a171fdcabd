#include "tsrec/parts/stepwise.hpp"

#include <cmath>

#include "tsrec/train/best_state.hpp"

namespace tsrec {

Numbers Stepwise::validate(Context&) { return {}; }
int64_t Stepwise::validate_every() const { return 0; }
int64_t Stepwise::patience() const { return 0; }
void Stepwise::finish(Context&) {}

Stepwise* steps_of(Part& part) { return dynamic_cast<Stepwise*>(&part); }

Numbers validated(Stepwise& part, int64_t step, Context& context) {
  Numbers numbers = part.validate(context);
  if (numbers.empty()) return numbers;
  const Number& loss = numbers.front();
  if (loss.name != "loss") {
    throw BrokenPart("validate() begins with the number '", loss.name,
                     "'; the first one must be 'loss'");
  }
  if (!std::isfinite(loss.value)) {
    throw Error("the validation loss after step ", step, " is ",
                std::isnan(loss.value) ? "NaN" : "infinite",
                "; the last checkpoint stays. Lower the learning rate, or look "
                "for NaN in the validation rows");
  }
  return numbers;
}

void run_steps(Part& part, Context& context) {
  Stepwise* steps = steps_of(part);
  if (steps == nullptr) return;
  train::BestState best;
  const int64_t count = steps->num_steps(), every = steps->validate_every(),
                patience = steps->patience();
  int64_t bad = 0;  // validations in a row
  for (int64_t done = 0; done < count;) {
    if (context.stopping())
      throw Interrupted("stopped at step ", done, " of ", count, "; it starts again next time");
    steps->step(done++, context);
    context.progress("training", done, count);
    if (done < count && (every == 0 || done % every != 0)) continue;
    const Numbers numbers = validated(*steps, done, context);
    if (numbers.empty()) continue;
    bad = best.offer(numbers.front().value, done, steps->parameters()) ? 0 : bad + 1;
    if (patience > 0 && bad >= patience) break;
  }
  best.restore(steps->parameters());
  steps->finish(context);
}

}  // namespace tsrec
