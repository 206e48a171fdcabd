#include "tsrec/parts/recommender.hpp"

#include "plugin/guarded/guards.hpp"
#include "plugin/guarded/steps.hpp"

namespace tsrec::host {
namespace {

// How many items there are, a part that was loaded cannot know: whoever calls rank() looks at its
// lists, in_the_name_of() the recommender.
class GuardedRecommender : public Guard<Recommender> {
 public:
  using Guard::Guard;
  void fit(const RecommenderInputs& inputs, Context& context) override {
    call("fit()", [&] { made().fit(inputs, context); });
  }
  Rankings rank(const Samples& samples, int64_t num_candidates, Context& context) override {
    return call("rank()", [&] { return made().rank(samples, num_candidates, context); });
  }
  void save(ArtifactWriter& writer) const override {
    call("save()", [&] { made().save(writer); });
  }
  void load(const ArtifactReader& reader) override {
    call("load()", [&] { made().load(reader); });
  }

 protected:
  void look_at_made(const char* /*method*/) const {}
};

}  // namespace

std::shared_ptr<Part> guarded_recommender(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedRecommender, WithSteps>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
