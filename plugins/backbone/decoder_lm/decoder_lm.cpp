// Decoder-only language models: `scratch` is made here from the item texts, `pretrained` comes from
// a checkpoint.
#include "text_pretraining.hpp"
#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "word_neighbours.hpp"

namespace {

using namespace tsrec;

struct ScratchSettings {
  std::string preset = "tiny";
  int64_t vocabulary = 4096, width = 0, layers = 0, heads = 0, mlp_width = 0;
  std::vector<std::string> text_columns = {"title", "description"};
  int64_t pretrain_steps = 0, pretrain_batch_tokens = 8192, pretrain_window = 128;
  double pretrain_learning_rate = 2e-3, rope_theta = 10000;

  void declare(Options& o) {
    o.add("preset", preset)
        .one_of({"tiny", "small"})
        .help(
            "tiny: 4 layers of width 128 (1.05M weights without embeddings); small: 4 layers of "
            "width 256 (4.2M)");
    o.add("vocabulary", vocabulary)
        .range(257, 1 << 20)
        .unit("tokens")
        .help("size of the byte-level BPE tokenizer trained on the item texts, without SID tokens");
    o.add("width", width).range(0, 1 << 16).help("width of the hidden state; 0: the preset's");
    o.add("layers", layers).range(0, 1024).help("number of layers; 0: the preset's");
    o.add("heads", heads)
        .range(0, 1024)
        .help("number of attention heads; 0: the preset's")
        .check([this] {
          const nn::LmShape s = shape();
          const bool fits = s.width % s.heads == 0 && s.head_width % 2 == 0;
          return fits ? std::string()
                      : c10::str("width ", s.width, " does not split into ", s.heads,
                                 " heads of even width; choose a divisor of ", s.width / 2);
        });
    o.add("mlp_width", mlp_width)
        .range(0, 1 << 18)
        .help("width inside the feed-forward block; 0: the preset's");
    o.add("rope_theta", rope_theta).range(1, 1e9).help("base of the rotary positions");
    o.add("text_columns", text_columns).help("item columns that tokenizer and pre-training read");
    o.add("pretrain_steps", pretrain_steps)
        .at_least(0)
        .unit("steps")
        .help(
            "updates of language-model pre-training on the item texts; 0: random weights, so that "
            "word embeddings mean "
            "nothing and SA-Init gains nothing");
    o.add("pretrain_batch_tokens", pretrain_batch_tokens)
        .range(64, 1 << 22)
        .unit("tokens")
        .help("tokens of one pre-training update");
    o.add("pretrain_window", pretrain_window)
        .range(8, 1 << 16)
        .unit("tokens")
        .help("longer texts are cut into windows of that many tokens");
    o.add("pretrain_learning_rate", pretrain_learning_rate)
        .range(0, 1)
        .help("peak learning rate of pre-training");
  }

  nn::LmShape shape() const {
    const int64_t preset_width = preset == "small" ? 256 : 128;
    nn::LmShape s;
    s.vocabulary = vocabulary;
    s.width = width > 0 ? width : preset_width;
    s.layers = layers > 0 ? layers : 4;
    s.heads = s.kv_heads = heads > 0 ? heads : 4;
    s.head_width = s.width / s.heads;
    s.mlp_width = mlp_width > 0 ? mlp_width : 4 * s.width;
    s.rope_theta = rope_theta;
    return s;
  }
};

class Scratch final : public CausalBackbone, public Stepwise {
 public:
  Scratch(const ScratchSettings& settings, Context& context)
      : CausalBackbone(context), settings_(settings) {}

  void prepare(const Items& items, Context& context) override {
    const std::vector<std::string> texts = decoder_lm::item_texts(items, settings_.text_columns);
    text::Tokenizer tokenizer = text::Tokenizer::train(texts, settings_.vocabulary);
    nn::LmShape shape = settings_.shape();
    shape.vocabulary = tokenizer.size();
    shape.bos_id = tokenizer.eos();  // transformers asks for one; it has no other
    nn::CausalLm fresh(shape, precision(), device());
    fresh.init_random(context.generator("weights", 0));
    set(std::move(tokenizer), std::move(fresh));
    if (settings_.pretrain_steps > 0) {
      texts_ = texts;
      pretraining_.emplace(
          model(), this->tokenizer(), texts_,
          decoder_lm::TextPretrainingSettings{.steps = settings_.pretrain_steps,
                                              .batch_tokens = settings_.pretrain_batch_tokens,
                                              .window = settings_.pretrain_window,
                                              .learning_rate = settings_.pretrain_learning_rate},
          context);
    }
  }

  // Pre-training on the item texts.
  std::vector<nn::Parameter> parameters() override { return CausalBackbone::parameters(); }
  int64_t num_steps() const override { return settings_.pretrain_steps; }
  void step(int64_t index, Context& context) override { pretraining_->step(index, context); }
  void save_state(ArtifactWriter& writer) const override { pretraining_->save(writer); }
  void load_state(const ArtifactReader& reader) override { pretraining_->load(reader); }

  void finish(Context& context) override {
    if (!pretraining_) return;
    context.log(
        Level::info,
        c10::str("pre-trained on ", texts_.size(), " item texts: loss ", pretraining_->tail_loss(),
                 " per token (", std::log(static_cast<double>(tokenizer().size())), " is chance)"));
    for (const auto& [word, nearest] : decoder_lm::word_neighbours(
             embedding(), tokenizer(), texts_, /*num_words=*/10, /*num_neighbours=*/5)) {
      context.log(Level::info, c10::str("nearest to '", word, "': ", c10::Join(", ", nearest)));
    }
    pretraining_.reset();
    texts_.clear();
  }

 private:
  ScratchSettings settings_;
  std::vector<std::string> texts_;                          // until finish()
  std::optional<decoder_lm::TextPretraining> pretraining_;  // the same; none without steps
};

struct PretrainedSettings {
  std::filesystem::path path;
  nn::Lora lora;

  void declare(Options& o) {
    o.add("path", path)
        .required()
        .help(
            "folder of a Hugging Face checkpoint of the Qwen2, Qwen3, Llama or Mistral family: "
            "config.json, safetensors, tokenizer files");
    o.add("lora.rank", lora.rank)
        .range(0, 1 << 12)
        .help(
            "of adapters, which learn in place of the weights, beside the rows of new tokens "
            "(LoRA); 0: everything learns");
    o.add("lora.alpha", lora.alpha)
        .range(0, 1e6)
        .help("adapters count alpha / rank times; without a rank it means nothing");
    o.add("lora.targets", lora.targets)
        .one_of(nn::lora_targets())
        .help("matrices that get adapters")
        .check([this] {
          return lora.targets.empty() ? "lora.targets = [] leaves nothing to adapt; name some of " +
                                            c10::Join(", ", nn::lora_targets())
                                      : std::string();
        });
    o.add("lora.dropout", lora.dropout)
        .range(0, 0.9)
        .help("drop probability of what adapters read, in sft");
  }
};

class Pretrained final : public CausalBackbone {
 public:
  Pretrained(const PretrainedSettings& settings, Context& context)
      : CausalBackbone(context), settings_(settings) {}

  void prepare(const Items&, Context& context) override {
    if (!std::filesystem::is_directory(settings_.path)) {
      throw DataError("backbone 'pretrained': '", settings_.path.string(),
                      "' is no folder; path must name a downloaded Hugging Face checkpoint");
    }
    load(settings_.path);
    if (model().lora()) {
      throw DataError("backbone 'pretrained': '", settings_.path.string(),
                      "' has adapters of tsrec beside its weights; let  tsrec export  merge them "
                      "and name the folder that it writes");
    }
    if (nn::read_hf_config(settings_.path).tied && !model().shape().tied) {
      context.log(Level::warning,
                  c10::str("config.json of ", settings_.path.filename().string(),
                           " says tie_word_embeddings = true, but the checkpoint has a head of its "
                           "own (lm_head.weight); that head is used, untied"));
    }
    context.log(Level::info,
                c10::str("loaded ", settings_.path.filename().string(), ": ",
                         model().shape().layers, " layers of width ", model().shape().width));
    if (settings_.lora.rank > 0) adapt(context);
  }

 private:
  void adapt(Context& context) {
    const int64_t all = num_weights();
    model().adapt(settings_.lora, context.generator("adapters", 0));
    context.log(Level::info, c10::str("adapters of rank ", settings_.lora.rank, ": ", num_weights(),
                                      " numbers learn beside ", all, " frozen ones"));
  }
  int64_t num_weights() {
    int64_t count = 0;
    for (const nn::Parameter& parameter : parameters()) count += parameter.value.numel();
    return count;
  }

  PretrainedSettings settings_;
};

}  // namespace

TSREC_PLUGIN(
    "tsrec.decoder_lm", "0.1.0",
    tsrec::part<tsrec::Backbone, Scratch, ScratchSettings>(
        "scratch", /*revision=*/3,
        "A small decoder with its own tokenizer, optionally pre-trained on the item texts"),
    tsrec::part<tsrec::Backbone, Pretrained, PretrainedSettings>(
        "pretrained", /*revision=*/3,
        "A Hugging Face checkpoint of the Qwen2, Qwen3, Llama or Mistral family"))
