#include <thread>

#include "rules.hpp"
#include "tsrec/parts/task.hpp"

namespace tsrec::kit {
namespace task_rule {  // rules of other kinds have the same names

struct Given {
  Dataset data = toy_data();
  SidTable sids = toy_sids();
  std::vector<TokenNote> notes = toy_notes(sids);
  TaskInputs inputs() const { return {.data = data, .sids = sids, .notes = notes}; }
};

std::shared_ptr<Task> prepared(const Subject& subject, const Given& given) {
  TestContext context;
  auto task = subject.make_as<Task>(context);
  task->prepare(given.inputs(), context);
  return task;
}

template <class Visit>
void for_each_example(const Task& task, const Visit& visit) {
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    for (int64_t index = 0; index < task.size(split); ++index)
      visit(split, index, task.at(split, index, /*draw=*/static_cast<uint64_t>(index)));
  }
}

void examples_are_as_promised(const Subject& subject) {
  const Given given;
  const auto task = prepared(subject, given);
  for (const Split split : {Split::train, Split::valid, Split::test})
    boundary::check_size(task->size(split), split);
  require(task->size(Split::train) > 0, "it gives no training example of the toy data");
  const boundary::ExampleBounds bounds(*task, given.inputs());
  for_each_example(*task, [&](Split split, int64_t index, const Example& example) {
    bounds.check(example, split, index);
  });
}

// The host asks before it runs anything.
void the_sort_of_answer_is_known_at_once(const Subject& subject) {
  const Given given;
  TestContext context;
  const auto task = subject.make_as<Task>(context);
  const bool before = task->answers_with_item();
  task->prepare(given.inputs(), context);
  require(task->answers_with_item() == before, "answers_with_item() is ", before ? "true" : "false",
          " before prepare(), and not behind it");
}

// What a stage does with them: an unfilled slot, or a piece that is no token, ends there.
void the_wording_takes_every_example(const Subject& subject) {
  const ToyWorld world(/*tied=*/true, subject.wordings());
  TestContext context;
  const auto task = subject.make_as<Task>(context);
  task->prepare({.data = world.data, .sids = world.sids, .notes = world.notes}, context);
  const std::string form = task->form();
  if (!toy_wording().forms.contains(form) && !subject.wordings().contains(form)) {
    throw Skipped{"no text is known for [prompt." + form +
                  "]; give the part  static tsrec::Wordings wordings()  and it works without one "
                  "in the experiment, too"};
  }
  for_each_example(*task, [&](Split split, int64_t index, const Example& example) {
    CompiledExample compiled;
    const std::string refusal = refusal_of([&] { compiled = world.compiler->compile(example); });
    require(refusal.empty(), name(split), " example ", index, ": ", refusal);
    require(!compiled.prompt.empty() && !compiled.target.empty(), name(split), " example ", index,
            " has no ", compiled.prompt.empty() ? "prompt" : "target", " in the wording [prompt.",
            form, "]");
  });
}

bool same_example(const Example& a, const Example& b) {
  if (a.form != b.form || a.weight != b.weight || a.sample != b.sample ||
      a.target_item != b.target_item || a.slots.size() != b.slots.size())
    return false;
  for (const auto& [slot, pieces] : a.slots) {
    const auto other = b.slots.find(slot);
    if (other == b.slots.end() || other->second.size() != pieces.size()) return false;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const Piece &x = pieces[i], &y = other->second[i];
      if (x.kind != y.kind || x.text_value != y.text_value || x.item != y.item ||
          x.level != y.level || x.code != y.code)
        return false;
    }
  }
  return true;
}

void the_draw_decides(const Subject& subject) {
  const Given given;
  const auto one = prepared(subject, given), other = prepared(subject, given);
  for (const uint64_t draw : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL}) {
    for (int64_t index = 0; index < one->size(Split::train); ++index) {
      const Example example = one->at(Split::train, index, draw);
      require(same_example(example, one->at(Split::train, index, draw)), "train example ", index,
              " differs when it is asked for again");
      require(same_example(example, other->at(Split::train, index, draw)), "train example ", index,
              " differs between two tasks with the same inputs");
    }
  }
}

void several_threads_see_the_same(const Subject& subject) {
  const Given given;
  const auto task = prepared(subject, given);
  const int64_t count = task->size(Split::train);
  std::vector<Example> alone;
  for (int64_t index = 0; index < count; ++index) alone.push_back(task->at(Split::train, index, 7));
  std::array<int64_t, 4> differing{};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < differing.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t index = 0; index < count; ++index)
        differing[t] +=
            !same_example(alone[static_cast<size_t>(index)], task->at(Split::train, index, 7));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int64_t count_of_thread : differing)
    require(count_of_thread == 0, count_of_thread, " examples differ when four threads ask");
}

void nothing_in_nothing_out(const Subject& subject) {
  Given given;
  given.data.train = given.data.valid = given.data.test = Samples::empty();
  works_or_says_why([&] {
    const auto task = prepared(subject, given);
    for_each_example(*task, [&](Split, int64_t, const Example& example) {
      require(example.sample == -1, "an example names a row, and there is none");
    });
  });
  given.notes.clear();
  given.data = given.data.without_test();
  works_or_says_why([&] { prepared(subject, given)->size(Split::test); });
}

}  // namespace task_rule

std::vector<Rule> task_rules() {
  using namespace task_rule;
  return {
      {"examples fill their form with items, codes and rows that exist, and answer with the target "
       "where the answer is an item",
       examples_are_as_promised},
      {"answers_with_item() is the same before prepare() and behind it",
       the_sort_of_answer_is_known_at_once},
      {"its form's wording takes every example", the_wording_takes_every_example},
      {"an example is a function of split, index and draw", the_draw_decides},
      {"several threads see the same examples", several_threads_see_the_same},
      {"without rows and without notes: no rows in its examples, or a sentence",
       nothing_in_nothing_out}};
}

}  // namespace tsrec::kit
