// TIGER (Rajput et al., 2023): a T5 over SID tokens, from noise.
#include "t5.hpp"
#include "tsrec/parts/backbone.hpp"

namespace {

using namespace tsrec;
using tiger::T5;
using tiger::T5Shape;

struct Settings {
  T5Shape shape;
  int64_t users = 0;

  void declare(Options& o) {
    o.add("width", shape.width).range(1, 1 << 16).help("width of the hidden state (T5: d_model)");
    o.add("layers", shape.layers)
        .range(1, 1024)
        .help("number of layers of the encoder, and as many of the decoder");
    o.add("heads", shape.heads).range(1, 1024).help("number of attention heads");
    o.add("head_width", shape.head_width)
        .range(1, 1 << 14)
        .help("width of a head (T5: d_kv); all heads together may be wider than the hidden state");
    o.add("mlp_width", shape.mlp_width)
        .range(1, 1 << 18)
        .help("width inside the feed-forward block (T5: d_ff)");
    o.add("buckets", shape.buckets)
        .range(4, 1 << 16)
        .help("of relative positions; the encoder has half of them for each direction")
        .check([this] {
          return shape.buckets % 2 == 0 ? std::string()
                                        : c10::str("buckets = ", shape.buckets,
                                                   " does not split into two directions; choose an "
                                                   "even number");
        });
    o.add("max_distance", shape.max_distance)
        .range(3, 1 << 20)
        .unit("tokens")
        .help("from which on all relative positions are in the last bucket")
        .check([this] {
          return shape.max_distance > shape.buckets / 2
                     ? std::string()
                     : c10::str("max_distance = ", shape.max_distance,
                                " is within the distances that have a bucket of their own; choose "
                                "more than half of the ",
                                shape.buckets, " buckets");
        });
    o.add("dropout", shape.dropout)
        .range(0, 0.9)
        .help(
            "drop probability in sft, on embeddings, attention weights, inside the feed-forward "
            "blocks and behind every block; where the stage says dropout, that is taken");
    o.add("norm_eps", shape.norm_eps).range(1e-12, 1).help("added to the mean square in each norm");
    o.add("users", users)
        .range(0, 1 << 24)
        .unit("tokens")
        .help("the vocabulary has so many user tokens <user_0>, <user_1>, ... for a task to say");
    o.add("tied", shape.tied)
        .help("the embedding is the head as well, over states divided by the root of the width");
  }
};

std::vector<std::string> user_tokens(int64_t users) {
  std::vector<std::string> tokens;
  for (int64_t user = 0; user < users; ++user) tokens.push_back(c10::str("<user_", user, ">"));
  return tokens;
}

class Tiger final : public Backbone {
 public:
  static constexpr const char* kNeeds = "";

  Tiger(const Settings& settings, Context& context)
      : shape_(settings.shape),
        users_(settings.users),
        precision_(context.precision()),
        device_(context.device()) {}

  void prepare(const Items&, Context& context) override {
    tokenizer_.emplace(text::Tokenizer::without_text());
    tokenizer_->add(user_tokens(users_));
    shape_.vocabulary = tokenizer_->size();
    shape_.start_id = tokenizer_->eos();
    model_.emplace(shape_, precision_, device_).init_random(context.generator("weights", 0));
  }

  const text::Tokenizer& tokenizer() const override {
    if (!tokenizer_) throw unprepared();
    return *tokenizer_;
  }
  torch::Tensor embedding() const override { return model().embedding(); }
  bool tied() const override { return model().shape().tied; }
  double initializer_range() const override { return 1; }
  void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
              const torch::Tensor& output_ED) override {
    const int64_t first_id = tokenizer().size();
    tokenizer_->add(tokens);
    model_->set_rows(first_id, input_ED, output_ED);
  }

  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override {
    return model().hidden(batch, options);
  }
  torch::Tensor label_hidden(const nn::PackedBatch& batch,
                             const nn::ForwardOptions& options) const override {
    return model().label_hidden(batch, options);
  }
  nn::Head head() const override { return model().head(); }
  double flops_per_token() const override { return model().flops_per_token(); }
  nn::State begin(std::span<const int32_t> tokens, Context& context) const override {
    return model().begin(tokens, context);
  }
  nn::Prefilled prefill(std::span<const std::vector<int32_t>> prompts, const nn::State& begun,
                        Context& context, bool checkpoint) const override {
    return model().prefill(prompts, begun, context, checkpoint);
  }
  std::vector<nn::Parameter> parameters() override {
    if (!model_) throw unprepared();
    return model_->parameters();
  }
  std::unique_ptr<nn::TrainableModel> clone() const override { return model().clone(); }

  void save(const std::filesystem::path& folder) const override {
    std::filesystem::create_directories(folder);
    model().save(folder);
    tiger::write_config(model().shape(), tokenizer().eos(), folder);
    tokenizer().save(folder);
  }
  void load(const std::filesystem::path& folder) override {
    text::Tokenizer tokenizer = text::Tokenizer::load(folder);
    T5 model(tiger::read_config(folder), precision_, device_);
    model.load(folder);
    if (tokenizer.size() > model.shape().vocabulary) {
      throw DataError("the tokenizer in '", folder.string(), "' has ", tokenizer.size(),
                      " tokens but config.json says vocab_size = ", model.shape().vocabulary,
                      "; model and tokenizer must come from one checkpoint");
    }
    tokenizer_.emplace(std::move(tokenizer));
    model_.emplace(std::move(model));
  }

 private:
  static Error unprepared() {
    return Error("the backbone has no weights yet; call prepare() or load() first");
  }
  const T5& model() const {
    if (!model_) throw unprepared();
    return *model_;
  }

  T5Shape shape_;
  int64_t users_;
  torch::ScalarType precision_;
  torch::Device device_;
  std::optional<text::Tokenizer> tokenizer_;
  std::optional<T5> model_;
};

}  // namespace

TSREC_PLUGIN("tsrec.tiger", "0.1.0",
             tsrec::part<tsrec::Backbone, Tiger, Settings>(
                 "tiger", /*revision=*/2, "TIGER: a T5 over SID tokens, from noise"))
