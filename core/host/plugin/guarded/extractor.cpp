#include "tsrec/parts/extractor.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedExtractor final : public Guard<Extractor> {
 public:
  using Guard::Guard;
  std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters, const Items& items,
                                 Context& context) override {
    return call("extract()", [&] {
      std::vector<TokenNote> notes = made().extract(clusters, items, context);
      boundary::check_notes(notes, clusters);
      return notes;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_extractor(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedExtractor>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
