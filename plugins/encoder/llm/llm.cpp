// Item vectors of the experiment's own language model: the mean of its last hidden states over an
// item's text, so that one checkpoint serves the whole method.
#include <algorithm>

#include "tsrec/nn/sequence_vectors.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/parts/encoder.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::vector<std::string> columns = {"title", "description"};
  std::string prefix;
  bool normalize = true;
  int64_t max_tokens = 512, batch_tokens = 4096;

  void declare(Options& o) {
    o.add("columns", columns)
        .help("item columns that are read, each on a line of its own; empty ones are left out");
    o.add("prefix", prefix)
        .help("put before every text, such as an instruction; its tokens do not count in the mean");
    o.add("normalize", normalize).help("scale every vector to length 1");
    o.add("max_tokens", max_tokens)
        .range(1, 1 << 20)
        .unit("tokens")
        .help("longer texts are cut; of the text alone");
    o.add("batch_tokens", batch_tokens)
        .range(1, 1 << 22)
        .unit("tokens")
        .help("tokens of one forward pass of a thread");
  }
};

class Llm final : public Encoder {
 public:
  static constexpr const char* kNeeds = "backbone";

  Llm(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    if (inputs.model == nullptr)
      throw ConfigError(
          "the experiment's own model is at hand in [encoder] alone; choose another encoder here");
    const nn::LanguageModel& model = *inputs.model;
    const text::Tokenizer& tokenizer = *inputs.tokenizer;
    if (!tokenizer.reads_text()) {
      throw ConfigError(
          "the [backbone] reads no text, so it gives no vectors of item texts; choose another "
          "backbone or another encoder");
    }
    std::vector<int32_t> before = tokenizer.begin_tokens();
    for (const int32_t id : tokenizer.encode(settings_.prefix)) before.push_back(id);
    const auto hidden = [&](const nn::PackedBatch& batch) {
      nn::count_work(model, batch.num_tokens(), /*rows=*/0, /*columns=*/0, context);
      return model.hidden(batch.to(context.device()), {});
    };
    const std::vector<std::string> texts = item_texts(inputs.items, settings_.columns);
    const auto num_empty = std::count(texts.begin(), texts.end(), std::string());
    if (num_empty > 0)
      context.log(Level::warning,
                  c10::str("llm: ", num_empty, " items have no text; their vectors are zero"));
    const auto outside_mean = static_cast<int64_t>(before.size());
    return nn::sequence_vectors(
        token_rows(texts, tokenizer,
                   {.before = std::move(before), .behind = {}, .most = settings_.max_tokens},
                   context),
        model.head().weight_VD.size(1), hidden,
        {.pooling = nn::Pooling::mean,
         .outside_mean = outside_mean,
         .normalize = settings_.normalize,
         .batch_tokens = settings_.batch_tokens},
        context);
  }

 private:
  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.llm", "0.1.0",
             tsrec::part<tsrec::Encoder, Llm, Settings>(
                 "llm", /*revision=*/1,
                 "Mean hidden states of the experiment's own [backbone] over the item texts"))
