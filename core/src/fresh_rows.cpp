#include "tsrec/parts/initializer.hpp"

namespace tsrec {

NewRows fresh_rows(const VocabularyRows& rows, int64_t count, Context& context) {
  const auto draw = [&](int64_t index) {
    return rows.initializer_range *
           torch::randn({count, rows.input_VD.size(1)}, context.generator("random rows", index));
  };
  return {draw(0), rows.tied() ? torch::Tensor() : draw(1)};
}

}  // namespace tsrec
