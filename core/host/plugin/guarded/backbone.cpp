#include "tsrec/parts/backbone.hpp"

#include "plugin/guarded/guards.hpp"
#include "plugin/guarded/steps.hpp"

namespace tsrec::host {
namespace {

// A language model behind its guard: a backbone, or a copy of one. Its hot methods are handed on as
// they are; here it is only known who is at work.
template <class Interface>
class GuardedModel : public Interface {
 public:
  GuardedModel(std::shared_ptr<Interface> made, Identity part)
      : made_(std::move(made)), part_(std::move(part)) {}

  torch::Tensor hidden(const nn::PackedBatch& batch,
                       const nn::ForwardOptions& options) const override {
    return call("hidden()", [&] { return made().hidden(batch, options); });
  }
  torch::Tensor label_hidden(const nn::PackedBatch& batch,
                             const nn::ForwardOptions& options) const override {
    return call("label_hidden()", [&] { return made().label_hidden(batch, options); });
  }
  nn::Head head() const override {
    return call("head()", [&] { return made().head(); });
  }
  double flops_per_token() const override {
    return call("flops_per_token()", [&] { return made().flops_per_token(); });
  }
  double backward_flops_per_token() const override {
    return call("backward_flops_per_token()", [&] { return made().backward_flops_per_token(); });
  }
  std::optional<nn::ModelMemory> memory() const override {
    return call("memory()", [&] { return made().memory(); });
  }
  nn::State begin(std::span<const int32_t> tokens, Context& context) const override {
    return call("begin()", [&] { return made().begin(tokens, context); });
  }
  nn::Prefilled prefill(std::span<const std::vector<int32_t>> prompts, const nn::State& begun,
                        Context& context, bool checkpoint) const override {
    return call("prefill()", [&] { return made().prefill(prompts, begun, context, checkpoint); });
  }
  std::vector<nn::Parameter> parameters() override {
    return call("parameters()", [&] {
      std::vector<nn::Parameter> all = made().parameters();
      boundary::check_parameters(all);
      return all;
    });
  }
  std::unique_ptr<nn::TrainableModel> clone() const override {
    return call("clone()", [&] {
      return std::make_unique<GuardedModel<nn::TrainableModel>>(
          std::shared_ptr<nn::TrainableModel>(made().clone()), part_);
    });
  }
  void save(const std::filesystem::path& folder) const override {
    call("save()", [&] { made().save(folder); });
  }
  void load(const std::filesystem::path& folder) override {
    call("load()", [&] { made().load(folder); });
  }

 protected:
  Interface& made() const { return *made_; }
  template <class Work>
  decltype(auto) call(const char* method, const Work& work) const {
    return in_call(part_, method, work);
  }

 private:
  std::shared_ptr<Interface> made_;
  Identity part_;
};

class GuardedBackbone : public GuardedModel<Backbone>, public Guarded {
 public:
  GuardedBackbone(std::shared_ptr<Part> made, const Identity& part)
      : GuardedModel(std::static_pointer_cast<Backbone>(std::move(made)), part), Guarded(part) {}

  void prepare(const Items& items, Context& context) override {
    call("prepare()", [&] {
      made().prepare(items, context);
      if (steps_of(made()) == nullptr) look_at_made("prepare()");
    });
  }
  const text::Tokenizer& tokenizer() const override {
    return call("tokenizer()", [&]() -> const text::Tokenizer& { return made().tokenizer(); });
  }
  torch::Tensor embedding() const override {
    return call("embedding()", [&] { return made().embedding(); });
  }
  bool tied() const override {
    return call("tied()", [&] { return made().tied(); });
  }
  double initializer_range() const override {
    return call("initializer_range()", [&] { return made().initializer_range(); });
  }
  void pack_weights() override {
    call("pack_weights()", [&] { made().pack_weights(); });
  }
  void learn_rows_from(int64_t first_id) override {
    call("learn_rows_from()", [&] { made().learn_rows_from(first_id); });
  }
  void extend(const std::vector<std::string>& tokens, const torch::Tensor& input_ED,
              const torch::Tensor& output_ED) override {
    call("extend()", [&] {
      const int64_t first = made().tokenizer().size();
      made().extend(tokens, input_ED, output_ED);
      boundary::check_extended(made(), first, tokens);
    });
  }
  void load(const std::filesystem::path& folder) override {
    call("load()", [&] {
      made().load(folder);
      look_at_made("load()");
    });
  }

 protected:
  void look_at_made(const char* method) const { boundary::check_model(made(), method); }
};

}  // namespace

std::shared_ptr<Part> guarded_backbone(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedBackbone, WithSteps>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
