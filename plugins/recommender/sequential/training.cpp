#include "training.hpp"

#include <algorithm>
#include <cmath>

#include "ranking.hpp"
#include "tsrec/evenly_spaced.hpp"
#include "tsrec/product.hpp"

namespace tsrec::sequential {
namespace {

constexpr int64_t kTop = 10;  // of the ranking numbers of validation

bool any_has_history(const Samples& samples) {
  return samples.size() > 0 && samples.history_H.numel() > 0;
}

// The rows that have a history.
std::vector<int64_t> rows_with_history(const Samples& samples) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < samples.size(); ++row) {
    if (!samples.history(row).empty()) rows.push_back(row);
  }
  return rows;
}

// A state for each of the batch's labels, against all items.
torch::Tensor scores(const SequenceModel& model, const Batch& batch,
                     const torch::Tensor& outputs_ND) {
  return linear_product(model.states(batch, nn::Dropout()), outputs_ND);
}

}  // namespace

struct SequentialRecommender::Measured {
  double cross_entropy = 0, hits = 0, gain = 0;
  int64_t rows = 0;
};

void Settings::declare(Options& o) {
  o.add("variant", variant)
      .one_of({"original", "minionerec"})
      .help(
          "the model of the paper, trained at every position of a user's whole sequence; or as "
          "MiniOneRec's baselines have it, a row of history and target for each sample");
  o.add("width", width).range(1, 4096).help("width of items and hidden states");
  o.add("max_length", max_length)
      .range(1, 4096)
      .unit("items")
      .help("newest items of a history that are looked at; longer training sequences are cut");
  o.add("item_vectors", item_vectors)
      .one_of({"none", "add", "init"})
      .needs("encoder", {"add", "init"})
      .help(
          "the encoder's vectors: not used; projected and added to the item table; or their "
          "principal components as its first values");
  o.add("dropout", dropout).range(0, 0.95).help("drop probability while training");
  loss.declare(o);
  o.add("epochs", epochs).range(1, 1'000'000).help("passes over the training sequences, at most");
  o.add("batch", batch)
      .range(1, 1 << 20)
      .unit("sequences")
      .help("sequences of one update; rows, where a sample is a row");
  updater.declare(o);
  o.add("validate_every", validate_every)
      .range(1, 1'000'000)
      .unit("epochs")
      .help("how often the validation rows are ranked; the best state is kept");
  o.add("stop_after", stop_after)
      .at_least(0)
      .unit("validations")
      .help("validations in a row that are no better before it stops; 0: all epochs");
  o.add("best_by", best_by)
      .one_of({"ndcg@10", "cross_entropy"})
      .help("what the best state is best at, on the validation rows");
  o.add("valid_rows", valid_rows)
      .at_least(0)
      .unit("rows")
      .help("validate on that many evenly spaced rows; 0: on all");
  o.add("repeats", repeats)
      .help(
          "items of the history compete for places like all others; false: they stand behind all "
          "others");
}

void Settings::declare_outputs(Options& o) {
  o.add("outputs", outputs)
      .one_of({"variant", "tied", "untied"})
      .help(
          "tied: the item table scores the items; untied: a matrix and a bias of their own; "
          "variant: as the variant has it");
}

void Settings::declare_heads(Options& o, int64_t& heads) const {
  o.add("heads", heads)
      .range(1, 64)
      .help("heads of attention; the width is a multiple of them")
      .check([this, &heads] {
        return width % heads == 0
                   ? std::string()
                   : c10::str("width = ", width, " is no multiple of heads = ", heads);
      });
}

// --- training ------------------------------------------------------------------------------------

void SequentialRecommender::check(const RecommenderInputs& inputs) const {
  const int64_t num_items = inputs.data.items.size();
  if (!any_has_history(inputs.data.train))
    throw DataError("recommender '", name_,
                    "' learns from training rows that have a history, and the train split has "
                    "none; give the source some, or leave out this [[recommender]]");
  if (settings_.loss.samples() && num_items < 2)
    throw DataError("recommender '", name_, "': loss = \"", settings_.loss.name,
                    "\" draws negatives, and the catalogue has only one item; use \"softmax\"");
  if (settings_.item_vectors == "none") return;
  if (!inputs.x_ND.defined() || inputs.x_ND.dim() != 2 || inputs.x_ND.size(0) != num_items)
    throw Error("recommender '", name_, "': item_vectors = \"", settings_.item_vectors,
                "\" needs the encoder's vectors, one for each of ", num_items,
                " items; an experiment with an [encoder] hands them on");
  if (!inputs.x_ND.isfinite().all().item<bool>())
    throw DataError("recommender '", name_,
                    "': the item vectors hold NaN or infinite values; check the encoder's output");
}

void SequentialRecommender::check_times(const Samples& rows) const {
  const char* without = model_->without_times();
  if (without != nullptr && rows.history_H.numel() > 0 && !rows.history_time_H.defined())
    throw DataError("recommender '", name_,
                    "' looks at the times of a history's items, and these rows have none; ask it "
                    "about rows of a source that knows them, or fit it with ",
                    without);
}

void SequentialRecommender::make(const Catalogue& catalogue, Context& context) {
  catalogue_ = catalogue;
  Parameters parameters(context);
  model_ = make_model(parameters, catalogue_);
}

void SequentialRecommender::fit(const RecommenderInputs& inputs, Context& context) {
  check(inputs);
  const Dataset& data = inputs.data;
  make({.num_items = data.items.size(),
        .x_ND = settings_.item_vectors == "none" ? torch::Tensor() : inputs.x_ND,
        .has_times = data.train.history_time_H.defined()},
       context);
  check_times(data.train);
  check_times(data.valid);
  popularity_N_ = at::bincount(data.train.target_S, {}, data.items.size()).to(torch::kFloat32);
  train_ = settings_.is_original()
               ? whole_sequences(data.train, settings_.max_length)
               : single_rows(data.train.rows(rows_with_history(data.train)), settings_.max_length);
  const std::vector<int64_t> valid_rows = rows_with_history(data.valid);
  std::vector<int64_t> validated;
  for (const int64_t at : evenly_spaced(std::ssize(valid_rows), settings_.valid_rows))
    validated.push_back(valid_rows[static_cast<size_t>(at)]);
  valid_rows_ = data.valid.rows(validated);
  valid_ = single_rows(valid_rows_, settings_.max_length);
  if (valid_.size() == 0)
    context.log(Level::warning, c10::str(name_,
                                         ": without validation rows nothing is selected: all "
                                         "epochs are done, and the last state is kept"));
  order_.emplace(train::RowOrderOptions{
      .num_rows = train_.size(), .batch_rows = settings_.batch, .epochs = settings_.epochs});
  updater_ =
      std::make_unique<train::Updater>(parameters(), settings_.updater, num_steps(), context);
  const auto labels = std::count_if(train_.label.begin(), train_.label.end(),
                                    [](int64_t label) { return label >= 0; });
  context.log(Level::info, c10::str(name_, ": ", data.train.size(), " rows as ", train_.size(),
                                    " sequences of ", train_.offset.back(), " items with ", labels,
                                    " labels, ", order_->steps_per_epoch(), " steps an epoch"));
}

int64_t SequentialRecommender::validate_every() const {
  return settings_.validate_every * order_->steps_per_epoch();
}

void SequentialRecommender::step(int64_t index, Context& context) {
  const std::span<const int64_t> rows = order_->rows(index, context);
  const Batch batch =
      batch_of(model_->to_learn(chosen_of(train_, rows), context.generator("to_learn", index)));
  const nn::Dropout dropout(settings_.dropout, context.generator("dropout", index));
  const torch::Tensor loss =
      loss_of(*model_, model_->states(batch, dropout), batch.label_R, catalogue_.num_items,
              settings_.loss, context.generator("negatives", index));
  updater_->backward(loss);
  updater_->update(index, loss.item<double>(), rows, context);
  context.number("train.loss", loss.item<double>(), index);
  updater_->report(index, context);
  context.count("tokens", batch.num_tokens());
  context.count("labels", batch.label_R.size(0));
}

void SequentialRecommender::measure(int64_t first, int64_t count, const torch::Tensor& outputs_ND,
                                    Measured& measured) const {
  const Batch batch = batch_of(model_->to_ask(chosen_of(valid_, first, count)));
  const torch::Tensor score_BN = scores(*model_, batch, outputs_ND);
  const torch::Tensor own_B = score_BN.gather(1, batch.label_R.unsqueeze(1)).squeeze(1);
  measured.cross_entropy +=
      (at::logsumexp(score_BN, 1) - own_B).to(torch::kFloat64).sum().item<double>();
  if (!settings_.repeats) put_histories_last(valid_rows_, first, score_BN);
  for (const int64_t place : places(score_BN, batch.label_R)) {
    if (place >= kTop) continue;
    measured.hits += 1;
    measured.gain += 1 / std::log2(static_cast<double>(place) + 2);
  }
  measured.rows += batch.label_R.size(0);
}

Numbers SequentialRecommender::validate(Context&) {
  if (valid_.size() == 0) return {};
  const torch::NoGradGuard no_grad;
  const torch::Tensor outputs_ND = model_->outputs();
  const int64_t block = rows_at_once(catalogue_.num_items);
  Measured measured;
  for (int64_t first = 0; first < valid_.size(); first += block)
    measure(first, std::min(block, valid_.size() - first), outputs_ND, measured);
  const auto count = static_cast<double>(measured.rows);
  const double cross_entropy = measured.cross_entropy / count, gain = measured.gain / count;
  return {{"loss", settings_.best_by == "ndcg@10" ? 1 - gain : cross_entropy, {}},
          {"cross_entropy", cross_entropy, {}, Better::lower},
          {"hr@10", measured.hits / count, {}, Better::higher},
          {"ndcg@10", gain, {}, Better::higher}};
}

void SequentialRecommender::finish(Context&) {
  updater_.reset();
  order_.reset();
  train_ = valid_ = Sequences();
  valid_rows_ = Samples::empty();
}

// --- lists ---------------------------------------------------------------------------------------

Rankings SequentialRecommender::rank(const Samples& samples, int64_t num_candidates,
                                     Context& context) {
  check_times(samples);
  const torch::NoGradGuard no_grad;
  const int64_t width = std::min(num_candidates, catalogue_.num_items);
  // What is popular, for a row without a history; the rows of all others are written over.
  const BestItems popular = best_items(popularity_N_.unsqueeze(0), width);
  Rankings rankings;
  rankings.item_SM = popular.item_BM.repeat({samples.size(), 1});
  rankings.score_SM = popular.score_BM.repeat({samples.size(), 1});
  const std::vector<int64_t> rows = rows_with_history(samples);
  const Samples asked = samples.rows(rows);
  const Sequences sequences = single_rows(asked, settings_.max_length);
  const torch::Tensor outputs_ND = model_->outputs();
  const int64_t block = rows_at_once(catalogue_.num_items);
  for (int64_t first = 0; first < sequences.size(); first += block) {
    const int64_t count = std::min(block, sequences.size() - first);
    const Batch batch = batch_of(model_->to_ask(chosen_of(sequences, first, count)));
    const torch::Tensor score_BN = scores(*model_, batch, outputs_ND);
    if (!settings_.repeats) put_histories_last(asked, first, score_BN);
    const BestItems best = best_items(score_BN, width);
    const torch::Tensor row_B = torch::tensor(
        std::vector<int64_t>(rows.begin() + first, rows.begin() + first + count), torch::kInt64);
    rankings.item_SM.index_copy_(0, row_B, best.item_BM);
    rankings.score_SM.index_copy_(0, row_B, best.score_BM);
    context.progress("rows ranked", first + count, sequences.size());
    if (context.stopping())
      throw Interrupted(name_, " stopped after ", first + count, " of ", sequences.size(),
                        " ranked rows");
  }
  return rankings;
}

void SequentialRecommender::save(ArtifactWriter& writer) const {
  nn::save_values(model_->parameters(), writer);
  writer.tensor("popularity_N", popularity_N_);
  if (settings_.item_vectors == "add") writer.tensor("x_ND", catalogue_.x_ND);
  if (model_->without_times() != nullptr) writer.number("has_times", 1);
}

void SequentialRecommender::load(const ArtifactReader& reader) {
  popularity_N_ = reader.tensor("popularity_N");
  make({.num_items = popularity_N_.size(0),
        .x_ND = settings_.item_vectors == "add" ? reader.tensor("x_ND") : torch::Tensor(),
        .has_times = reader.has("has_times")},
       context_);
  nn::load_values(model_->parameters(), reader);
}

}  // namespace tsrec::sequential
