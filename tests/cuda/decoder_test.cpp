// Searches on a device find what they find on the processor.
#include "cuda_support.hpp"

namespace tsrec::test {
namespace {

class CudaDecoder : public Cuda {};

TEST_F(CudaDecoder, ListsAreThoseOfTheProcessor) {
  const ToyWorld world;
  CudaContext context;
  TestContext plain;
  const auto there = moved(world, context);
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 7}, {1, 2}, {1, 2, 7}, {9, 9, 4, 4, 3}};
  for (const decode::Scoring scoring : {decode::Scoring::full, decode::Scoring::legal}) {
    for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
      decode::DecodeOptions options;
      options.scoring = scoring;
      options.search = search;
      options.beams = 7;
      options.suffix = {5, 6};
      const Rankings here =
          decode::Decoder(*world.backbone, world.trie, options).rank(prompts, plain);
      const Rankings moved_list =
          decode::Decoder(*there, world.trie, options).rank(prompts, context);
      EXPECT_TRUE(torch::equal(moved_list.item_SM, here.item_SM));
      EXPECT_TRUE(torch::allclose(moved_list.score_SM, here.score_SM, 1e-4, 1e-4));
    }
  }
}

TEST_F(CudaDecoder, WritesTheSameTexts) {
  const ToyWorld world;
  CudaContext context;
  TestContext plain;
  const auto there = moved(world, context);
  decode::DecodeOptions options;
  options.beams = 3;
  const std::vector<std::vector<int32_t>> prompts = {{1, 2, 7}, {9, 9, 4, 4, 3}};
  const decode::TextOptions texts{.max_new_tokens = 6,
                                  .eos = there->tokenizer().eos(),
                                  .num_tokens = there->tokenizer().size()};
  EXPECT_EQ(decode::Decoder(*there, world.trie, options).write(prompts, texts, context),
            decode::Decoder(*world.backbone, world.trie, options).write(prompts, texts, plain));
}

}  // namespace
}  // namespace tsrec::test
