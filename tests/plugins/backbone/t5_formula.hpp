// T5 in double precision, one row at a time, head by head, as the paper says it: for tests.
#pragma once

#include <cmath>

#include "tsrec/io/safetensors.hpp"

namespace tsrec::test {

class T5Formula {
 public:
  // The sizes that the weights do not show.
  struct Shape {
    int64_t layers, heads, buckets = 32, max_distance = 128;
    bool tied = true;
  };

  T5Formula(const std::filesystem::path& folder, Shape shape) : shape_(shape) {
    for (const auto& [name, value] : io::read_hf_weights(folder))
      weights.emplace(name, value.to(torch::kFloat64));
  }

  // [length, D]
  torch::Tensor encoded(const std::vector<int32_t>& prompt) const {
    torch::Tensor x_TD = embedded(prompt);
    const auto length = static_cast<int64_t>(prompt.size());
    const torch::Tensor bias_HQK = bias("encoder", length);
    for (int64_t i = 0; i < shape_.layers; ++i) {
      const std::string block = c10::str("encoder.block.", i, ".layer.");
      const torch::Tensor h_TD = normed(x_TD, block + "0.layer_norm");
      x_TD = x_TD + attended(block + "0.SelfAttention.", h_TD, h_TD, bias_HQK);
      x_TD = x_TD + fed(block + "1.", x_TD);
    }
    return normed(x_TD, "encoder.final_layer_norm");
  }

  // [tokens read, V]: what the decoder says behind each of them.
  torch::Tensor logits(const std::vector<int32_t>& prompt, const std::vector<int32_t>& read) const {
    const torch::Tensor encoded_KD = encoded(prompt);
    torch::Tensor x_TD = embedded(read);
    const auto length = static_cast<int64_t>(read.size());
    const torch::Tensor later_QK = torch::ones({length, length}, torch::kBool).triu(1);
    const torch::Tensor bias_HQK =
        bias("decoder", length).masked_fill(later_QK, -std::numeric_limits<double>::infinity());
    for (int64_t i = 0; i < shape_.layers; ++i) {
      const std::string block = c10::str("decoder.block.", i, ".layer.");
      const torch::Tensor h_TD = normed(x_TD, block + "0.layer_norm");
      x_TD = x_TD + attended(block + "0.SelfAttention.", h_TD, h_TD, bias_HQK);
      x_TD = x_TD + attended(block + "1.EncDecAttention.", normed(x_TD, block + "1.layer_norm"),
                             encoded_KD, torch::zeros({shape_.heads, 1, 1}, torch::kFloat64));
      x_TD = x_TD + fed(block + "2.", x_TD);
    }
    x_TD = normed(x_TD, "decoder.final_layer_norm");
    const torch::Tensor& shared_VD = weights.at("shared.weight");
    return shape_.tied ? torch::matmul(x_TD, shared_VD.t()) /
                             std::sqrt(static_cast<double>(shared_VD.size(1)))
                       : torch::matmul(x_TD, weights.at("lm_head.weight").t());
  }

  // [target length]: log p of each token behind a start token of id 0.
  torch::Tensor log_probs(const std::vector<int32_t>& prompt,
                          const std::vector<int32_t>& target) const {
    std::vector<int32_t> read = {0};
    read.insert(read.end(), target.begin(), target.end() - 1);
    const torch::Tensor log_prob_TV = torch::log_softmax(logits(prompt, read), 1);
    std::vector<torch::Tensor> picked;
    for (size_t t = 0; t < target.size(); ++t)
      picked.push_back(log_prob_TV[static_cast<int64_t>(t)][target[t]]);
    return torch::stack(picked);
  }

  std::map<std::string, torch::Tensor> weights;  // by the names of Hugging Face

 private:
  torch::Tensor embedded(const std::vector<int32_t>& tokens) const {
    return weights.at("shared.weight").index_select(0, torch::tensor(tokens));
  }

  torch::Tensor normed(const torch::Tensor& x_TD, const std::string& name) const {
    return x_TD / (x_TD.pow(2).mean(1, true) + 1e-6).sqrt() * weights.at(name + ".weight");
  }

  torch::Tensor fed(const std::string& layer, const torch::Tensor& x_TD) const {
    const torch::Tensor inner_TF = torch::matmul(
        normed(x_TD, layer + "layer_norm"), weights.at(layer + "DenseReluDense.wi.weight").t());
    return torch::matmul(inner_TF.clamp_min(0), weights.at(layer + "DenseReluDense.wo.weight").t());
  }

  torch::Tensor attended(const std::string& name, const torch::Tensor& asking_QD,
                         const torch::Tensor& answering_KD, const torch::Tensor& bias_HQK) const {
    const torch::Tensor q_QI = torch::matmul(asking_QD, weights.at(name + "q.weight").t()),
                        k_KI = torch::matmul(answering_KD, weights.at(name + "k.weight").t()),
                        v_KI = torch::matmul(answering_KD, weights.at(name + "v.weight").t());
    const int64_t d = q_QI.size(1) / shape_.heads;
    std::vector<torch::Tensor> mixed;
    for (int64_t h = 0; h < shape_.heads; ++h) {
      const auto of = [&](const torch::Tensor& x) { return x.slice(1, h * d, (h + 1) * d); };
      const torch::Tensor share_QK =
          torch::softmax(torch::matmul(of(q_QI), of(k_KI).t()) + bias_HQK[h], 1);
      mixed.push_back(torch::matmul(share_QK, of(v_KI)));
    }
    return torch::matmul(torch::cat(mixed, 1), weights.at(name + "o.weight").t());
  }

  // The first bucket behind those of single distances holds distances from `exact` to
  // exact (max / exact)^(1 / n), the next one up to the power 2 / n, and so on.
  int64_t bucket(int64_t relative, bool both_ways) const {
    const int64_t count = both_ways ? shape_.buckets / 2 : shape_.buckets, exact = count / 2;
    const int64_t distance = both_ways ? std::abs(relative) : std::max<int64_t>(-relative, 0);
    int64_t found = distance;
    if (distance >= exact) {
      const auto n = static_cast<double>(count - exact);
      const double ratio = static_cast<double>(shape_.max_distance) / static_cast<double>(exact);
      found = exact;
      while (found < count - 1 &&
             static_cast<double>(distance) * (1 + 1e-9) >=
                 static_cast<double>(exact) *
                     std::pow(ratio, static_cast<double>(found + 1 - exact) / n))
        ++found;
    }
    return found + (both_ways && relative > 0 ? count : 0);
  }

  torch::Tensor bias(const std::string& side, int64_t length) const {
    const torch::Tensor& bias_BH =
        weights.at(side + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    std::vector<int64_t> buckets;
    for (int64_t q = 0; q < length; ++q) {
      for (int64_t k = 0; k < length; ++k) buckets.push_back(bucket(k - q, side == "encoder"));
    }
    return bias_BH.index_select(0, torch::tensor(buckets))
        .view({length, length, shape_.heads})
        .permute({2, 0, 1});
  }

  Shape shape_;
};

}  // namespace tsrec::test
