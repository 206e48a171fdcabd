#include "rules.hpp"
#include "tsrec/parts/encoder.hpp"

namespace tsrec::kit {
namespace encoder_rule {  // rules of other kinds have the same names

// With a model for those that say that they need one.
torch::Tensor encoded_with(const Subject& subject, const Items& items, Context& context) {
  EncoderInputs inputs{.items = items};
  std::optional<ToyWorld> world;
  if (may_need(subject, Backbone::kKind)) {
    world.emplace();
    inputs.model = world->plain.get();
    inputs.tokenizer = &world->plain->tokenizer();
  }
  return subject.make_as<Encoder>(context)->encode(inputs, context);
}

torch::Tensor encoded(const Subject& subject, const Items& items, uint64_t seed = 17) {
  TestContext context(seed);
  return encoded_with(subject, items, context);
}

void one_finite_vector_per_item(const Subject& subject) {
  const Items items = toy_items();
  boundary::check_vectors(encoded(subject, items), items.size());
}

void the_same_again(const Subject& subject) {
  const Items items = toy_items();
  require(same(encoded(subject, items), encoded(subject, items)),
          "two parts with one seed give different vectors");
}

void tiny_catalogues(const Subject& subject) {
  for (const int64_t count : {0, 1, 2}) {
    const Items items = toy_items(count);
    torch::Tensor x_ND;
    if (works_or_says_why([&] { x_ND = encoded(subject, items); }))
      boundary::check_vectors(x_ND, count);
  }
}

void items_without_texts(const Subject& subject) {
  std::vector<std::string> keys;
  for (int64_t item = 0; item < 60; ++item) keys.push_back(c10::str("item-", item));
  Items items(keys);
  items.set("title", std::vector<std::string>(keys.size()));
  items.set("description", std::vector<std::string>(keys.size()));
  torch::Tensor x_ND;
  if (works_or_says_why([&] { x_ND = encoded(subject, items); }))
    boundary::check_vectors(x_ND, items.size());
}

}  // namespace encoder_rule

std::vector<Rule> encoder_rules() {
  using namespace encoder_rule;
  std::vector<Rule> rules = {
      {"one finite float32 vector per item, all of one width", one_finite_vector_per_item},
      {"equal items and seed give equal bytes", the_same_again},
      {"no items, one, and two: vectors, or a sentence", tiny_catalogues},
      {"items without any text: finite vectors, or a sentence", items_without_texts}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         encoded_with(subject, toy_items(), context);
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
