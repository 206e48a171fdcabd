// Trainers over rows of a world, ready for their steps.
#pragma once

#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {

// sft with `rows` of each update; `more` options win.
kit::Subject sft_part(int64_t rows, const kit::OptionTexts& more = {});
// grpo with all of `prompts` in each update, 16 completions of each, and a rate that moves nothing.
constexpr int64_t kCompletions = 16;
kit::Subject grpo_part(int64_t prompts);

class Training {
 public:
  // The world must outlive this.
  Training(const World& world, std::shared_ptr<Backbone> backbone,
           std::vector<CompiledExample> rows, const kit::Subject& trainer);
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  // The next update; the world's counters are those of this one.
  void step();

 private:
  const World& world_;
  std::shared_ptr<Backbone> backbone_;
  std::vector<CompiledExample> rows_;
  std::unique_ptr<ExampleSet> examples_;
  Dataset data_;
  std::vector<TokenNote> notes_;
  std::shared_ptr<Trainer> trainer_;
  int64_t next_ = 0;
};

}  // namespace tsrec::bench
