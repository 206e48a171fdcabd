#include "tsrec/parts/causal_backbone.hpp"

#include <future>

namespace tsrec {
namespace {

// A copy has its weights from the start; there is nothing left to prepare.
class Copy final : public CausalBackbone {
 public:
  Copy(torch::ScalarType precision, torch::Device device, text::Tokenizer tokenizer,
       nn::CausalLm model)
      : CausalBackbone(precision, device) {
    set(std::move(tokenizer), std::move(model));
  }
  void prepare(const Items&, Context&) override {}
};

}  // namespace

void CausalBackbone::set(text::Tokenizer tokenizer, nn::CausalLm model) {
  tokenizer_.emplace(std::move(tokenizer));
  model_.emplace(std::move(model));
}

const nn::CausalLm& CausalBackbone::model() const {
  if (!model_) throw Error("the backbone has no weights yet; call prepare() or load() first");
  return *model_;
}

nn::CausalLm& CausalBackbone::model() {
  return const_cast<nn::CausalLm&>(std::as_const(*this).model());
}

const text::Tokenizer& CausalBackbone::tokenizer() const {
  if (!tokenizer_) throw Error("the backbone has no tokenizer yet; call prepare() or load() first");
  return *tokenizer_;
}

torch::Tensor CausalBackbone::hidden(const nn::PackedBatch& batch,
                                     const nn::ForwardOptions& options) const {
  return model().hidden(batch, options);
}

nn::Head CausalBackbone::head() const { return model().head(); }
torch::Tensor CausalBackbone::embedding() const { return model().embedding(); }
bool CausalBackbone::tied() const { return model().shape().tied; }
double CausalBackbone::initializer_range() const { return model().shape().initializer_range; }
double CausalBackbone::flops_per_token() const { return model().flops_per_token(); }
double CausalBackbone::backward_flops_per_token() const {
  return model().backward_flops_per_token();
}
std::optional<nn::ModelMemory> CausalBackbone::memory() const { return model().memory(); }
void CausalBackbone::pack_weights() { model().pack_weights(); }
std::vector<nn::Parameter> CausalBackbone::parameters() { return model().parameters(); }

void CausalBackbone::learn_rows_from(int64_t first_id) {
  model().learn_rows(first_id, tokenizer().size());
}

void CausalBackbone::extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
                            const torch::Tensor& output_ED) {
  const int64_t first_id = tokenizer().size();
  tokenizer_->add(tokens);
  model().set_rows(first_id, input_ED, output_ED);
}

std::unique_ptr<nn::TrainableModel> CausalBackbone::clone() const {
  return std::make_unique<Copy>(precision_, device_, tokenizer(), model().copy());
}

void CausalBackbone::save(const std::filesystem::path& folder) const {
  std::filesystem::create_directories(folder);
  model().save(folder);
  nn::write_hf_config(model().shape(), tokenizer().eos(), folder);
  tokenizer().save(folder);
}

void CausalBackbone::load(const std::filesystem::path& folder) {
  const nn::LmShape shape = nn::read_hf_config(folder);
  // The tokenizer's files take as long as the weights: both at once.
  std::future<nn::CausalLm> weights = std::async(std::launch::async, [&] {
    nn::CausalLm model(shape, precision_, device_);
    model.load(folder);
    return model;
  });
  text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  if (tokenizer.size() > shape.vocabulary) {
    throw DataError("the tokenizer in '", folder.string(), "' has ", tokenizer.size(),
                    " tokens but config.json says ", "vocab_size = ", shape.vocabulary,
                    "; model and tokenizer must come from one checkpoint");
  }
  set(std::move(tokenizer), weights.get());
}

}  // namespace tsrec
