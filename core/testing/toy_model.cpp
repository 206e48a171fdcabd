#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/testing/toy.hpp"

namespace tsrec::kit {

// --- the model -----------------------------------------------------------------------------------
ToyBackbone::ToyBackbone(const Context& context, bool tied, int64_t padding)
    : CausalBackbone(context), tied_(tied), padding_(padding) {}
ToyBackbone::~ToyBackbone() = default;

void ToyBackbone::prepare(const Items& items, Context& context) {
  std::vector<std::string> texts;
  for (int64_t item = 0; item < items.size(); ++item) texts.emplace_back(items.text("title", item));
  text::Tokenizer trained = text::Tokenizer::train(texts, 300);
  nn::LmShape shape;
  shape.vocabulary = trained.size() + padding_;
  shape.width = 16;
  shape.layers = shape.heads = shape.kv_heads = 2;
  shape.head_width = 8;
  shape.mlp_width = 24;
  shape.tied = tied_;
  shape.initializer_range = 0.2;  // far from flat, so that differences show
  nn::CausalLm model(shape, precision(), device());
  model.init_random(context.generator("toy weights", 0));
  set(std::move(trained), std::move(model));
}

// --- the quantizer -------------------------------------------------------------------------------
ToyQuantizer::ToyQuantizer(int64_t levels, int64_t codes) : levels_(levels), codes_(codes) {}
ToyQuantizer::~ToyQuantizer() = default;

void ToyQuantizer::fit(const torch::Tensor& x_ND, Context&) {
  if (x_ND.size(0) == 0 || !x_ND.isfinite().all().item<bool>())
    throw DataError("the toy quantizer needs rows, and finite ones");
  codebooks_.clear();
  for (int64_t level = 0; level < levels_; ++level) {
    const at::Generator generator = at::detail::createCPUGenerator(static_cast<uint64_t>(level));
    codebooks_.push_back(torch::randn({codes_, x_ND.size(1)}, generator) *
                         (3.0 / static_cast<double>(1 + level)));
  }
}

torch::Tensor ToyQuantizer::encode(const torch::Tensor& x_ND) const {
  torch::Tensor residual_ND = x_ND.clone();
  std::vector<torch::Tensor> codes;
  for (const torch::Tensor& codebook_KD : codebooks_) {
    codes.push_back(cluster::nearest(residual_ND, codebook_KD).first);
    residual_ND = residual_ND - codebook_KD.index_select(0, codes.back());
  }
  return torch::stack(codes, 1);
}

torch::Tensor ToyQuantizer::decode(const torch::Tensor& code_NL) const {
  torch::Tensor sum_ND = torch::zeros({code_NL.size(0), codebooks_.front().size(1)});
  for (size_t level = 0; level < codebooks_.size(); ++level)
    sum_ND += codebooks_[level].index_select(0, code_NL.select(1, static_cast<int64_t>(level)));
  return sum_ND;
}

std::vector<int64_t> ToyQuantizer::sizes() const {
  return std::vector<int64_t>(static_cast<size_t>(levels_), codes_);
}

void ToyQuantizer::save(ArtifactWriter& writer) const {
  for (size_t level = 0; level < codebooks_.size(); ++level)
    writer.tensor(c10::str("codebook.", level), codebooks_[level]);
}

void ToyQuantizer::load(const ArtifactReader& reader) {
  codebooks_.clear();
  for (int64_t level = 0; level < levels_; ++level)
    codebooks_.push_back(reader.tensor(c10::str("codebook.", level)));
}

torch::Tensor ToyQuantizer::distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                                      int64_t level) const {
  torch::Tensor residual_ND = x_ND;
  for (int64_t above = 0; above < level; ++above) {
    residual_ND = residual_ND -
                  codebooks_[static_cast<size_t>(above)].index_select(0, code_NL.select(1, above));
  }
  return torch::cdist(residual_ND, codebooks_[static_cast<size_t>(level)]).square();
}

// --- examples ------------------------------------------------------------------------------------
PromptWording toy_wording() {
  PromptWording wording;
  wording.frame = "{input} -> ";
  wording.forms = {
      {"next_item", {{"input", "{history}"}, {"target", "{answer}"}}},
      {"title_to_sid", {{"input", "{title}"}, {"target", "{answer}"}}},
      {"sid_to_title", {{"input", "{item}"}, {"target", "{answer}{eos}"}}},
      {"next_title", {{"input", "title {history}"}, {"target", "{answer}{eos}"}}},
      {"next_description", {{"input", "description {history}"}, {"target", "{answer}{eos}"}}},
      {"token_to_description", {{"input", "{token}"}, {"target", "{answer}{eos}"}}},
      {"description_to_token", {{"input", "{description}"}, {"target", "{answer}"}}}};
  return wording;
}

namespace {

class ToyExamples final : public ExampleSet {
 public:
  ToyExamples(const Dataset& data, const PromptCompiler& compiler)
      : data_(data), compiler_(compiler) {}

  int64_t size(Split split) const override { return data_.split(split).size(); }
  CompiledExample at(Split split, int64_t index, int64_t) const override {
    const Samples& samples = data_.split(split);
    Example example;
    example.form = "next_item";
    for (const int64_t item : samples.history(index))
      example.slots["history"].push_back(Piece::sid(item));
    example.sample = index;
    example.target_item = samples.target(index);
    example.slots["answer"] = {Piece::sid(example.target_item)};
    return compiler_.compile(example);
  }
  int64_t group(Split split, int64_t index, int64_t) const override {
    return data_.split(split).user(index);
  }
  const std::vector<std::string>& task_names() const override { return tasks_; }
  const PromptCompiler& compiler() const override { return compiler_; }
  const std::vector<int32_t>& suffix(int32_t) const override {
    return compiler_.suffix("next_item");
  }

 private:
  Dataset data_;
  const PromptCompiler& compiler_;
  std::vector<std::string> tasks_ = {"next_item"};
};

std::vector<std::string> texts_of(const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  for (const NewToken& token : vocabulary.tokens()) texts.push_back(token.text);
  return texts;
}

}  // namespace

// --- the world -----------------------------------------------------------------------------------
ToyWorld::ToyWorld(bool tied, const Wordings& brought)
    : data(toy_data()), sids(toy_sids()), tied_(tied) {
  notes = toy_notes(sids);
  plain = std::make_shared<ToyBackbone>(context, tied_);
  plain->prepare(data.items, context);
  vocabulary = Vocabulary(sids, static_cast<int32_t>(plain->tokenizer().size()));
  backbone = make_backbone();
  trie = Trie::build(sids, vocabulary);
  PromptWording wording = toy_wording();
  for (const auto& [form, texts] : brought) wording.forms[form] = texts;
  compiler = std::make_unique<PromptCompiler>(wording, backbone->tokenizer(), sids, vocabulary);
}

ToyWorld::~ToyWorld() = default;

std::shared_ptr<Backbone> ToyWorld::make_backbone() const {
  auto made = std::make_shared<ToyBackbone>(context, tied_);
  made->prepare(data.items, context);
  const std::vector<std::string> tokens = texts_of(vocabulary);
  const auto rows = [&](int64_t stream) {
    return 0.3 * torch::randn({static_cast<int64_t>(tokens.size()), made->embedding().size(1)},
                              context.generator("toy rows", stream));
  };
  made->extend(tokens, rows(0), tied_ ? torch::Tensor() : rows(1));
  return made;
}

std::shared_ptr<ExampleSet> ToyWorld::examples() const {
  return std::make_shared<ToyExamples>(data, *compiler);
}

std::shared_ptr<ExampleSet> ToyWorld::no_examples() const {
  Dataset none;
  none.items = data.items;
  none.train = none.valid = none.test = Samples::empty();
  return std::make_shared<ToyExamples>(none, *compiler);
}

}  // namespace tsrec::kit
