// A small world to try parts in: a catalogue with odd texts and duplicates, users, SIDs, a tiny
// model. Everything is the same every time.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/reward.hpp"
#include "tsrec/parts/trainer.hpp"
#include "tsrec/testing/context.hpp"

namespace tsrec::kit {

// Titles, descriptions, categories, brands and prices; one item without texts, brand and price, two
// with the same title, one beyond ASCII.
TSREC_API Items toy_items(int64_t count = 60);
// Users who walk through the items, split leave-one-out; one user is too short to be asked about.
TSREC_API Dataset toy_data(int64_t num_items = 60, int64_t num_users = 40);
// Three levels of four codes; the last two items share a SID.
TSREC_API SidTable toy_sids(int64_t num_items = 60);
TSREC_API std::vector<TokenNote> toy_notes(const SidTable& sids);
// [N, D] float32: a few clouds, so that clusters exist; the first two rows are equal.
TSREC_API torch::Tensor toy_vectors(int64_t count, int64_t width = 16);
// B prompts of G completions each: whole SIDs of items; the target is among every second prompt's,
// and every third prompt is of no row.
TSREC_API Rollouts toy_rollouts(const SidTable& sids, const Vocabulary& vocabulary,
                                int64_t num_prompts, int64_t num_completions);
// Vectors, and for each of these names a recommender that counts on from the newest item.
TSREC_API EarlierStages toy_earlier_stages(int64_t num_items,
                                           const std::set<std::string>& recommenders = {});
// Ranked items for the rows; the target stands at place row % (width + 2), or nowhere.
TSREC_API Rankings toy_rankings(const Samples& samples, const SidTable* sids, int64_t num_items,
                                int64_t width);

// Two layers of width 16 and a tokenizer trained on the items' titles; `padding` rows of the
// matrices belong to no token.
class TSREC_API ToyBackbone final : public CausalBackbone {
 public:
  explicit ToyBackbone(const Context& context, bool tied = true, int64_t padding = 0);
  ~ToyBackbone() override;
  void prepare(const Items& items, Context& context) override;

 private:
  bool tied_;
  int64_t padding_;
};

// Codes by the nearest of a few fixed points, level by level.
class TSREC_API ToyQuantizer final : public Quantizer, public HasDistances {
 public:
  explicit ToyQuantizer(int64_t levels = 3, int64_t codes = 4);
  ~ToyQuantizer() override;
  void fit(const torch::Tensor& x_ND, Context& context) override;
  torch::Tensor encode(const torch::Tensor& x_ND) const override;
  torch::Tensor decode(const torch::Tensor& code_NL) const override;
  std::vector<int64_t> sizes() const override;
  void save(ArtifactWriter& writer) const override;
  void load(const ArtifactReader& reader) override;
  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override;

 private:
  int64_t levels_, codes_;
  std::vector<torch::Tensor> codebooks_;
};

// The vectors of toy_vectors(), whatever the texts say.
class TSREC_API ToyEncoder final : public Encoder {
 public:
  ~ToyEncoder() override;
  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override;
};

// 1 for the target, 0.5 for any item with an even number: enough to tell completions apart.
class TSREC_API ToyReward final : public Reward {
 public:
  ~ToyReward() override;
  void prepare(const RewardInputs& inputs, Context& context) override;
  torch::Tensor score(const Rollouts& rollouts) const override;
};

// What an option of this kind holds in tests: one toy, or nothing where there is none.
TSREC_API std::vector<AnySlot::Entry> toys(std::string_view kind);

// A short frame, and the forms of the tasks that tsrec ships.
TSREC_API PromptWording toy_wording();

// All of it together: what a trainer, an initializer or a decoding metric is given.
class TSREC_API ToyWorld {
 public:
  // brought: texts that a part brings along, beside those of toy_wording().
  explicit ToyWorld(bool tied = true, const Wordings& brought = {});
  ~ToyWorld();
  std::shared_ptr<Backbone> make_backbone() const;  // extended by the SID tokens; equal weights
  std::shared_ptr<ExampleSet> examples() const;     // next_item, all splits
  std::shared_ptr<ExampleSet> no_examples() const;  // the same task without a row

  mutable TestContext context;
  Dataset data;
  SidTable sids;
  std::vector<TokenNote> notes;
  std::shared_ptr<Backbone> plain;  // not extended
  std::shared_ptr<Backbone> backbone;
  Vocabulary vocabulary;
  Trie trie;
  std::unique_ptr<PromptCompiler> compiler;

 private:
  bool tied_;
};

// A folder that is removed with the object.
class TSREC_API TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace tsrec::kit
