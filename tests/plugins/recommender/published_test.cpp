// SASRec, GRU4Rec and HSTU against the code that was published with them (goldens of
// tests/golden/make_sequential.py).
#include "plugins/recommender/sequential_world.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec::test {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

Tensors published(const std::string& model) {
  return io::read_safetensors(std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden" /
                              ("published_" + model + ".safetensors"));
}

// Theirs, under our names.
Tensors sasrec_weights(const Tensors& theirs) {
  Tensors ours = {{"items", theirs.at("item_emb.weight").slice(0, 1)},
                  {"positions", theirs.at("pos_emb.weight").slice(0, 1)}};
  for (const std::string kind : {"weight", "bias"}) {
    ours["last." + kind] = theirs.at("last_layernorm." + kind);
    for (const std::string b : {"0", "1"}) {
      const std::string block = "block." + b + ".";
      ours[block + "before_attention." + kind] =
          theirs.at("attention_layernorms." + b + "." + kind);
      ours[block + "before_layers." + kind] = theirs.at("forward_layernorms." + b + "." + kind);
      const std::vector<torch::Tensor> qkv =
          theirs.at("attention_layers." + b + ".in_proj_" + kind).chunk(3, 0);
      ours[block + "query." + kind] = qkv[0];
      ours[block + "key." + kind] = qkv[1];
      ours[block + "value." + kind] = qkv[2];
      ours[block + "inner." + kind] =
          theirs.at("forward_layers." + b + ".conv1." + kind).squeeze(-1);
      ours[block + "outer." + kind] =
          theirs.at("forward_layers." + b + ".conv2." + kind).squeeze(-1);
    }
  }
  return ours;
}

Tensors gru4rec_weights(const Tensors& theirs) {
  const bool is_tied = !theirs.contains("E.weight");
  Tensors ours = {{"items", theirs.at(is_tied ? "Wy.weight" : "E.weight")}};
  if (!is_tied) {
    ours["outputs.weight"] = theirs.at("Wy.weight");
    ours["outputs.bias"] = theirs.at("By.weight").squeeze(1);
  }
  for (int64_t layer = 0; layer < (is_tied ? 2 : 1); ++layer) {
    const std::string to = c10::str("layer.", layer, "."), from = c10::str("G.", layer, ".");
    for (const std::string kind : {"weight", "bias"}) {
      ours[to + "input." + kind] = theirs.at(from + kind + "_ih");
      ours[to + "hidden." + kind] = theirs.at(from + kind + "_hh");
    }
  }
  return ours;
}

Tensors hstu_weights(const Tensors& theirs) {
  Tensors ours = {{"items", theirs.at("_embedding_module._item_emb.weight").slice(0, 1)},
                  {"positions", theirs.at("_input_features_preproc._pos_emb.weight")}};
  const int64_t length = ours.at("positions").size(0);
  const bool has_times = theirs.contains("time.0");
  for (const std::string b : {"0", "1"}) {
    const std::string block = "block." + b + ".", layer = "_hstu._attention_layers." + b + ".";
    ours[block + "uvqk.weight"] = theirs.at(layer + "_uvqk").t();
    // Theirs counts from the query's last possible key to its first, and knows later ones.
    ours[block + "distance_bias"] =
        theirs.at(layer + "_rel_attn_bias._pos_w").slice(0, 0, length).flip(0);
    if (has_times) ours[block + "time_bias"] = theirs.at(layer + "_rel_attn_bias._ts_w");
    ours[block + "outer.weight"] = theirs.at(layer + "_o.weight");
    ours[block + "outer.bias"] = theirs.at(layer + "_o.bias");
  }
  return ours;
}

// A part with the published weights, that learns one label behind the first history.
struct Published {
  Published(const std::string& part_name, const std::string& golden, OptionTexts options,
            Tensors (*weights)(const Tensors&))
      : theirs(published(golden)), num_items(theirs.at("score_BN").size(1)) {
    Dataset data;
    std::vector<std::string> keys;
    for (int64_t i = 0; i < num_items; ++i) keys.push_back(std::to_string(i));
    data.items = Items(keys);
    SamplesBuilder train, asked;
    add(0, theirs.at("label").item<int64_t>(), train);
    for (int64_t b = 0; b < theirs.at("score_BN").size(0); ++b) add(b, 0, asked);
    data.train = train.build();
    data.valid = data.test = Samples::empty();
    rows = asked.build();
    options.insert({{"width", "8"}, {"max_length", "6"}, {"dropout", "0"}, {"repeats", "true"}});
    part = make_part<Recommender>(part_name, context, options);
    part->fit({.data = data, .sids = nullptr}, context);
    const torch::NoGradGuard no_grad;
    const Tensors ours = weights(theirs);
    EXPECT_EQ(ours.size(), steps_of(*part)->parameters().size());
    for (const nn::Parameter& parameter : steps_of(*part)->parameters()) {
      EXPECT_EQ(parameter.value.sizes(), ours.at(parameter.name).sizes()) << parameter.name;
      parameter.value.copy_(ours.at(parameter.name));
    }
  }
  // Their times are those of the history's items and, behind them, of what is asked about.
  void add(int64_t row, int64_t target, SamplesBuilder& to) const {
    const std::vector<int64_t> history = vector_of(theirs.at(c10::str("history.", row)));
    const auto known = theirs.find(c10::str("time.", row));
    if (known == theirs.end()) return to.add(row, history, target, 0);
    const std::vector<int64_t> times = vector_of(known->second);
    to.add(row, history, target, times.back(), std::span(times).first(history.size()));
  }
  double first_loss() {
    steps_of(*part)->step(0, context);
    return context.numbers.at("train.loss").front();
  }
  // As the part draws them for its first step.
  torch::Tensor drawn(int64_t below, int64_t count) {
    return torch::randint(0, below, {count}, context.generator("negatives", 0), torch::kInt64);
  }
  void expect_scores() {
    const Rankings rankings = part->rank(rows, num_items, context);
    const torch::Tensor wanted_BN = theirs.at("score_BN").gather(1, rankings.item_SM);
    EXPECT_LT((rankings.score_SM - wanted_BN).abs().max().item<double>(),
              1e-4 * (1 + wanted_BN.abs().max().item<double>()));
    EXPECT_GT(wanted_BN.std().item<double>(), 0.3) << "scores that say nothing";
  }
  Tensors theirs;
  int64_t num_items;
  Samples rows;
  TestContext context;
  std::shared_ptr<Recommender> part;
};

TEST(PublishedCode, SasRec) {
  Published model("sasrec", "sasrec",
                  {{"blocks", "2"}, {"heads", "2"}, {"loss", "bce"}, {"negatives", "1"}},
                  sasrec_weights);
  model.expect_scores();
  // Theirs is the sum of the means over labels and negatives, ours one mean.
  const int64_t label = model.theirs.at("label").item<int64_t>(),
                other = model.drawn(model.num_items - 1, 1).item<int64_t>(),
                negative = other < label ? other : other + 1;
  EXPECT_NEAR(model.first_loss(), model.theirs.at("bce_N")[negative].item<double>() / 2, 1e-4);
}

TEST(PublishedCode, Gru4Rec) {
  for (const bool is_tied : {true, false}) {
    const std::string golden = is_tied ? "gru4rec" : "gru4rec_untied";
    const OptionTexts options = {{"layers", is_tied ? "2" : "1"},
                                 {"outputs", is_tied ? "tied" : "untied"}};
    Published model("gru4rec", golden, options, gru4rec_weights);
    model.expect_scores();
    EXPECT_NEAR(model.first_loss(), model.theirs.at("softmax").item<double>(), 1e-4) << golden;

    OptionTexts of_pairs = options;
    of_pairs.insert({{"loss", "bpr_max"}, {"negatives", "2"}, {"score_penalty", "0.7"}});
    Published sampled("gru4rec", golden, of_pairs, gru4rec_weights);
    const torch::Tensor pair = sampled.drawn(sampled.num_items, 2);
    ASSERT_FALSE((pair == sampled.theirs.at("label")).any().item<bool>());
    EXPECT_NEAR(sampled.first_loss(),
                sampled.theirs.at("bpr_max_NN")[pair[0].item<int64_t>()][pair[1].item<int64_t>()]
                    .item<double>(),
                1e-4)
        << golden;
  }
}

// Theirs keeps one place more where rows have times: for the one of what is asked about.
TEST(PublishedCode, Hstu) {
  for (const bool has_times : {false, true}) {
    Published model("hstu", has_times ? "hstu_timed" : "hstu",
                    {{"blocks", "2"},
                     {"heads", "2"},
                     {"temperature", "0.2"},
                     {"max_length", has_times ? "7" : "6"}},
                    hstu_weights);
    EXPECT_NEAR(model.theirs.at("temperature").item<double>(), 0.2, 1e-6);
    model.expect_scores();
    EXPECT_NEAR(model.first_loss(), model.theirs.at("softmax").item<double>(), 1e-4);
  }
}

}  // namespace
}  // namespace tsrec::test
