#include "curriculum.hpp"

namespace tsrec::grpo {

Curriculum::Curriculum(int64_t num_rows, int64_t batch_rows, double flat_weight)
    : batch_rows_(std::min(batch_rows, num_rows)),
      flat_weight_(flat_weight),
      is_flat_N_(torch::zeros({num_rows}, torch::kUInt8)) {}

// The rows of the largest log(u) / weight, u uniform.
std::vector<int64_t> Curriculum::rows(int64_t step, Context& context) const {
  const torch::Tensor u_N =
      torch::rand(is_flat_N_.sizes(), context.generator("curriculum", step), torch::kFloat64);
  const torch::Tensor key_N = torch::where(is_flat_N_ != 0, u_N.log() / flat_weight_, u_N.log());
  const torch::Tensor chosen =
      std::get<1>(key_N.topk(batch_rows_, /*dim=*/0, /*largest=*/true, /*sorted=*/true));
  return {chosen.const_data_ptr<int64_t>(), chosen.const_data_ptr<int64_t>() + batch_rows_};
}

void Curriculum::learn(int64_t row, bool is_flat) {
  is_flat_N_.mutable_data_ptr<uint8_t>()[row] = is_flat ? 1 : 0;
}

void Curriculum::save(ArtifactWriter& writer) const { writer.tensor("curriculum", is_flat_N_); }

void Curriculum::load(const ArtifactReader& reader) {
  const torch::Tensor stored_N = reader.tensor("curriculum");
  if (stored_N.sizes() != is_flat_N_.sizes()) {
    throw DataError("the checkpoint knows ", stored_N.numel(), " prompts, but this stage has ",
                    is_flat_N_.numel(), "; start the stage again");
  }
  is_flat_N_ = stored_N;
}

}  // namespace tsrec::grpo
