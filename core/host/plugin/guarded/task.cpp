#include "tsrec/parts/task.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedTask final : public Guard<Task> {
 public:
  using Guard::Guard;
  void prepare(const TaskInputs& inputs, Context& context) override {
    call("prepare()", [&] {
      made().prepare(inputs, context);
      bounds_.emplace(made(), inputs);
    });
  }
  int64_t size(Split split) const override {
    return call("size()", [&] {
      const int64_t size = made().size(split);
      boundary::check_size(size, split);
      return size;
    });
  }
  Example at(Split split, int64_t index, uint64_t draw) const override {
    return call("at()", [&] {
      Example example = made().at(split, index, draw);
      bounds_->check(example, split, index);
      return example;
    });
  }
  std::string form() const override {
    return call("form()", [&] { return made().form(); });
  }
  bool answers_with_item() const override {
    return call("answers_with_item()", [&] { return made().answers_with_item(); });
  }

 private:
  std::optional<boundary::ExampleBounds> bounds_;  // once it is prepared
};

}  // namespace

std::shared_ptr<Part> guarded_task(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedTask>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
