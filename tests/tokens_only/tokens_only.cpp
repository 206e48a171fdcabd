// A decoder over SIDs alone: no text, no words, rows of noise to begin with.
#include "tsrec/parts/causal_backbone.hpp"

namespace {

using namespace tsrec;

class TokensOnly final : public CausalBackbone {
 public:
  static constexpr const char* kNeeds = "";

  TokensOnly(const NoSettings&, Context& context) : CausalBackbone(context) {}

  void prepare(const Items&, Context& context) override {
    text::Tokenizer tokenizer = text::Tokenizer::without_text();
    nn::LmShape shape;
    shape.vocabulary = tokenizer.size();
    shape.width = 32;
    shape.layers = 2;
    shape.heads = shape.kv_heads = 2;
    shape.head_width = 16;
    shape.mlp_width = 64;
    nn::CausalLm fresh(shape, precision(), device());
    fresh.init_random(context.generator("weights", 0));
    set(std::move(tokenizer), std::move(fresh));
  }
};

}  // namespace

TSREC_PLUGIN("acme.tokens_only", "1.0.0",
             tsrec::part<tsrec::Backbone, TokensOnly, tsrec::NoSettings>(
                 "tokens_only", /*revision=*/1, "A decoder over SIDs alone"))
