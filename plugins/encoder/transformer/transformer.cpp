// Item vectors of a Hugging Face checkpoint: an encoder of the BERT class, or a decoder that was
// trained to embed texts.
#include <algorithm>

#include "tsrec/nn/bert_encoder.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/nn/sentence_config.hpp"
#include "tsrec/nn/work.hpp"
#include "tsrec/parts/encoder.hpp"
#include "tsrec/product.hpp"

namespace {

using namespace tsrec;

constexpr const char* kAuto = "auto";

struct Settings {
  std::filesystem::path path;
  std::vector<std::string> columns = {"title", "description"};
  std::string pooling = kAuto, normalize = kAuto, prefix = kAuto;
  int64_t max_tokens = 0, batch_tokens = 4096;

  void declare(Options& o) {
    o.add("path", path)
        .required()
        .help(
            "folder of a Hugging Face checkpoint, or of sentence-transformers: config.json, "
            "safetensors, tokenizer files");
    o.add("columns", columns)
        .help("item columns that are read, each on a line of its own; empty ones are left out");
    o.add("pooling", pooling)
        .one_of({kAuto, "mean", "cls", "last"})
        .help(
            "what of the states of a text's tokens is its vector: their mean, the first one or the "
            "last one; auto: as the folder's 1_Pooling says, else the mean");
    o.add("normalize", normalize)
        .one_of({kAuto, "l2", "none"})
        .help("l2: scale every vector to length 1; auto: if the folder's modules.json says so");
    o.add("prefix", prefix)
        .help(
            "put before every text, such as an instruction; auto: the default prompt of the "
            "folder's config_sentence_transformers.json, if it has one");
    o.add("max_tokens", max_tokens)
        .at_least(0)
        .unit("tokens")
        .help(
            "longer texts are cut, with room for the tokens that stand before and behind them; 0: "
            "as the folder says, at most the positions of its model");
    o.add("batch_tokens", batch_tokens)
        .range(1, 1 << 22)
        .unit("tokens")
        .help("tokens of one forward pass of a thread");
  }
};

// The model of a folder as far as this encoder goes.
struct Model {
  nn::HiddenStates hidden;
  int64_t width = 0, max_tokens = 0;
};

Model load_bert(const nn::BertShape& shape, const std::filesystem::path& folder, Context& context) {
  const auto bert = std::make_shared<nn::BertEncoder>(shape, context.precision(), context.device());
  bert->load(folder);
  const auto hidden = [bert, &context](const nn::PackedBatch& batch) {
    context.count("token_forwards", batch.num_tokens());
    context.count("flops", static_cast<int64_t>(bert->flops_per_token() *
                                                static_cast<double>(batch.num_tokens())));
    return bert->hidden(batch.to(context.device()));
  };
  return {hidden, shape.width, shape.max_tokens()};
}

Model load_decoder(const std::filesystem::path& folder, Context& context) {
  nn::LmShape shape = nn::read_hf_config(folder);
  shape.tied = true;  // the head is not asked, and embedding models often lack it
  const auto decoder = std::make_shared<nn::CausalLm>(shape, context.precision(), context.device());
  decoder->load(folder);
  // By MKL in float32 only products of few rows would profit.
  if (context.precision() == torch::kBFloat16 || product_library() == ProductLibrary::onednn)
    decoder->pack_weights();
  const auto hidden = [decoder, &context](const nn::PackedBatch& batch) {
    nn::count_work(*decoder, batch.num_tokens(), /*rows=*/0, /*columns=*/0, context);
    return decoder->hidden(batch.to(context.device()), {});
  };
  return {hidden, shape.width, shape.max_positions};
}

Model load_model(const std::filesystem::path& folder, Context& context) {
  const std::optional<nn::BertShape> bert = nn::read_bert_config(folder);
  return bert ? load_bert(*bert, folder, context) : load_decoder(folder, context);
}

// sentence-transformers lowers letters before the tokenizer where it is told to. Tokenizers that do
// so themselves make it superfluous; with others it is not computed here.
void check_letters(const nn::SentenceConfig& sentence, const text::Tokenizer& tokenizer) {
  if (!sentence.lowers_case ||
      tokenizer.encode("A\u00C4\u03A9\u0416") == tokenizer.encode("a\u00E4\u03C9\u0436"))
    return;
  throw DataError("encoder 'transformer': '", sentence.model.string(),
                  "' has do_lower_case = true in its sentence_bert_config.json, but its tokenizer "
                  "keeps capital letters; supported is false");
}

class Transformer final : public Encoder {
 public:
  Transformer(const Settings& settings, Context&) : settings_(settings) {}

  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    if (!std::filesystem::is_directory(settings_.path)) {
      throw DataError("encoder 'transformer': '", settings_.path.string(),
                      "' is no folder; path must name a downloaded Hugging Face checkpoint");
    }
    const nn::SentenceConfig sentence = nn::read_sentence_config(settings_.path);
    const text::Tokenizer tokenizer = text::Tokenizer::load(sentence.model);
    check_letters(sentence, tokenizer);
    const Model model = load_model(sentence.model, context);
    const nn::SequenceVectorOptions options = options_for(sentence, tokenizer);
    return nn::sequence_vectors(
        rows_of(item_texts(inputs.items, settings_.columns), sentence, tokenizer, model, context),
        model.width, model.hidden, options, context);
  }

 private:
  const std::string& prefix_for(const nn::SentenceConfig& sentence) const {
    return settings_.prefix == kAuto ? sentence.prompt : settings_.prefix;
  }

  nn::SequenceVectorOptions options_for(const nn::SentenceConfig& sentence,
                                        const text::Tokenizer& tokenizer) const {
    nn::SequenceVectorOptions options;
    options.pooling = settings_.pooling == "mean"   ? nn::Pooling::mean
                      : settings_.pooling == "cls"  ? nn::Pooling::cls
                      : settings_.pooling == "last" ? nn::Pooling::last
                                                    : sentence.pooling;
    options.normalize =
        settings_.normalize == kAuto ? sentence.normalizes : settings_.normalize == "l2";
    options.batch_tokens = settings_.batch_tokens;
    if (const std::string& prefix = prefix_for(sentence); !prefix.empty() && !sentence.pools_prompt)
      options.outside_mean =
          static_cast<int64_t>(tokenizer.begin_tokens().size() + tokenizer.encode(prefix).size());
    return options;
  }

  // With the prefix, and what the model was trained to see before and behind a text.
  std::vector<std::vector<int32_t>> rows_of(std::vector<std::string> texts,
                                            const nn::SentenceConfig& sentence,
                                            const text::Tokenizer& tokenizer, const Model& model,
                                            Context& context) const {
    const auto num_empty = std::count(texts.begin(), texts.end(), std::string());
    if (num_empty > 0)
      context.log(Level::warning, c10::str("transformer: ", num_empty,
                                           " items have no text; they share the vector of the "
                                           "empty text"));
    for (std::string& text : texts) text.insert(0, prefix_for(sentence));
    TokenFrame frame{.before = tokenizer.begin_tokens(), .behind = tokenizer.end_tokens()};
    frame.most = most_tokens(sentence, model,
                             static_cast<int64_t>(frame.before.size() + frame.behind.size()));
    return token_rows(texts, tokenizer, frame, context);
  }

  // Of a text alone.
  int64_t most_tokens(const nn::SentenceConfig& sentence, const Model& model,
                      int64_t around) const {
    int64_t most = model.max_tokens;
    if (settings_.max_tokens > model.max_tokens) {
      throw ConfigError(c10::str("max_tokens = ", settings_.max_tokens, ", but the model in '",
                                 sentence.model.string(), "' has ", model.max_tokens,
                                 " positions; ask for fewer"));
    }
    if (settings_.max_tokens > 0)
      most = settings_.max_tokens;
    else if (sentence.max_tokens > 0)
      most = std::min(most, sentence.max_tokens);
    if (most <= around) {
      throw ConfigError(c10::str("max_tokens = ", most, " leaves no room for a text: ", around,
                                 " tokens stand before and behind it; ask for more"));
    }
    return most - around;
  }

  Settings settings_;
};

}  // namespace

TSREC_PLUGIN("tsrec.transformer", "0.1.0",
             tsrec::part<tsrec::Encoder, Transformer, Settings>(
                 "transformer", /*revision=*/2,
                 "A Hugging Face checkpoint: BERT and its kin, or a decoder that embeds texts"))
