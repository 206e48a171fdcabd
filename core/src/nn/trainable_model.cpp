#include "tsrec/nn/trainable_model.hpp"

namespace tsrec::nn {

TrainableModel::~TrainableModel() = default;

}  // namespace tsrec::nn
