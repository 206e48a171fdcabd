// A sequential model as a part: its options, its training, its lists. The models differ in what
// make_model() gives, and in the options that it reads.
#pragma once

#include "losses.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::sequential {

// What all of them can be told. A model has defaults of its own.
struct Settings {
  std::string variant = "original", outputs = "variant", item_vectors = "none", best_by = "ndcg@10";
  int64_t width = 64, max_length = 50, epochs = 200, batch = 128, validate_every = 1,
          stop_after = 20, valid_rows = 0;
  bool repeats = false;
  double dropout = 0.2;
  LossOptions loss;
  train::UpdaterOptions updater = {.learning_rate = 1e-3, .schedule = "constant", .clip = 0};

  bool original_is_tied = true;  // what outputs = "variant" is in the original

  void declare(Options& options);
  // Of models whose outputs may be either.
  void declare_outputs(Options& options);
  // Of models with attention.
  void declare_heads(Options& options, int64_t& heads) const;

  bool is_original() const { return variant == "original"; }
  // Whether the item table scores the items too.
  bool is_tied() const {
    return outputs == "variant" ? is_original() && original_is_tied : outputs == "tied";
  }
  double deviation() const { return is_original() ? 0.02 : 0.01; }
  ItemTableOptions item_table() const {
    return {.width = width, .vectors = item_vectors, .deviation = deviation()};
  }
};

class SequentialRecommender : public Recommender, public Stepwise {
 public:
  void fit(const RecommenderInputs& inputs, Context& context) override;
  Rankings rank(const Samples& samples, int64_t num_candidates, Context& context) override;
  void save(ArtifactWriter& writer) const override;
  void load(const ArtifactReader& reader) override;

  std::vector<nn::Parameter> parameters() override { return model_->parameters(); }
  int64_t num_steps() const override { return order_->num_steps(); }
  int64_t validate_every() const override;
  int64_t patience() const override { return settings_.stop_after; }
  void step(int64_t index, Context& context) override;
  Numbers validate(Context& context) override;
  void finish(Context& context) override;
  void save_state(ArtifactWriter& writer) const override { updater_->save(writer); }
  void load_state(const ArtifactReader& reader) override { updater_->load(reader); }

 protected:
  // The context outlives the part.
  SequentialRecommender(const char* name, Settings settings, Context& context)
      : name_(name), settings_(std::move(settings)), context_(context) {}
  virtual std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                                    const Catalogue& catalogue) const = 0;

 private:
  void check(const RecommenderInputs& inputs) const;
  void make(const Catalogue& catalogue, Context& context);
  void check_times(const Samples& rows) const;
  // The sums of validation over a block of rows.
  struct Measured;
  void measure(int64_t first, int64_t count, const torch::Tensor& outputs_ND,
               Measured& measured) const;

  const char* name_;
  Settings settings_;
  Context& context_;
  Catalogue catalogue_;
  std::unique_ptr<SequenceModel> model_;
  torch::Tensor popularity_N_;  // float32: how often each item is a training target
  // From fit() to finish().
  Sequences train_, valid_;
  Samples valid_rows_;
  std::optional<train::RowOrder> order_;
  std::unique_ptr<train::Updater> updater_;
};

}  // namespace tsrec::sequential
