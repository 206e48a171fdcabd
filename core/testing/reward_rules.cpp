#include <thread>

#include "rules.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::kit {
namespace reward_rule {  // rules of other kinds have the same names

struct Given {
  Given() : vocabulary(sids, 100) {}
  Dataset data = toy_data();
  SidTable sids = toy_sids();
  std::vector<TokenNote> notes = toy_notes(sids);
  Vocabulary vocabulary;
  Rollouts rollouts(int64_t prompts, int64_t completions) const {
    return toy_rollouts(sids, vocabulary, prompts, completions);
  }
};

// The recommenders that the subject's options name.
std::set<std::string> recommenders_of(const Subject& subject) {
  std::set<std::string> names;
  const PartOptions declared(subject.info());
  for (const auto& field : declared.options.fields()) {
    if (!field->facts().is_recommender) continue;
    const auto given = subject.options().find(field->facts().key);
    names.insert(given != subject.options().end() ? given->second
                                                  : *std::get<std::string*>(field->target()));
  }
  return names;
}

std::shared_ptr<Reward> prepared(const Subject& subject, const Given& given) {
  TestContext context;
  auto reward = subject.make_as<Reward>(context);
  reward->prepare(
      {.data = given.data,
       .sids = given.sids,
       .notes = given.notes,
       .earlier = toy_earlier_stages(given.data.items.size(), recommenders_of(subject))},
      context);
  return reward;
}

void one_finite_score_each(const Subject& subject) {
  const Given given;
  const auto reward = prepared(subject, given);
  for (const auto& [prompts, completions] :
       std::vector<std::pair<int64_t, int64_t>>{{6, 8}, {1, 1}, {3, 1}, {1, 16}, {0, 8}}) {
    const Rollouts rollouts = given.rollouts(prompts, completions);
    boundary::check_scores(reward->score(rollouts), rollouts);
  }
}

void a_prompt_decides_its_own(const Subject& subject) {
  const Given given;
  const auto reward = prepared(subject, given);
  const Rollouts all = given.rollouts(6, 8);
  const torch::Tensor score_BG = reward->score(all);
  require(same(score_BG, reward->score(all)), "the same completions get other scores again");
  for (int64_t b = 0; b < 6; ++b) {
    Rollouts one;
    one.leaf_BG = all.leaf_BG.slice(0, b, b + 1).contiguous();
    one.item_BG = all.item_BG.slice(0, b, b + 1).contiguous();
    one.log_prob_BG = all.log_prob_BG.slice(0, b, b + 1).contiguous();
    one.target_B = all.target_B.slice(0, b, b + 1).contiguous();
    one.token_BG = {all.token_BG[static_cast<size_t>(b)]};
    const std::array<int64_t, 1> row = {b};
    one.samples = all.samples.rows(row);
    require(same(reward->score(one), score_BG.slice(0, b, b + 1)), "prompt ", b,
            " alone gets other scores than among others");
  }
}

void the_rollouts_stay(const Subject& subject) {
  const Given given;
  const Rollouts rollouts = given.rollouts(4, 8);
  const boundary::Untouched before = boundary::untouched(rollouts);
  prepared(subject, given)->score(rollouts);
  before.check("score()", "the rollouts it is given");
}

void several_threads_get_the_same(const Subject& subject) {
  const Given given;
  const auto reward = prepared(subject, given);
  const Rollouts rollouts = given.rollouts(8, 8);
  const torch::Tensor alone_BG = reward->score(rollouts);
  std::array<bool, 4> is_same{};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < is_same.size(); ++t)
    threads.emplace_back([&, t] { is_same[t] = same(alone_BG, reward->score(rollouts)); });
  for (std::thread& thread : threads) thread.join();
  for (const bool kept : is_same) require(kept, "four threads at once get other scores");
}

void a_prompt_without_target(const Subject& subject) {
  const Given given;
  const auto reward = prepared(subject, given);
  Rollouts rollouts = given.rollouts(2, 4);
  rollouts.target_B.fill_(-1);
  torch::Tensor score_BG;
  if (works_or_says_why([&] { score_BG = reward->score(rollouts); }))
    boundary::check_scores(score_BG, rollouts);
}

}  // namespace reward_rule

std::vector<Rule> reward_rules() {
  using namespace reward_rule;
  return {{"one finite float32 score per completion, for any number of prompts and completions",
           one_finite_score_each},
          {"a prompt's scores depend on its own completions only", a_prompt_decides_its_own},
          {"the rollouts stay as they are", the_rollouts_stay},
          {"several threads get the same scores", several_threads_get_the_same},
          {"prompts without a target: finite scores, or a sentence", a_prompt_without_target}};
}

}  // namespace tsrec::kit
