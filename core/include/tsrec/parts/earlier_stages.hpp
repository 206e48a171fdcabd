// What earlier stages of the experiment made, for a trainer and the parts that it owns. Only what
// they ask for is there: it stands in the key of the training, and whoever asks for nothing is not
// run again when it changes.
#pragma once

#include <map>

#include "tsrec/evaluation.hpp"

namespace tsrec {

struct EarlierStages {
  // The items' vectors as [encoder] gave them, [N, D] float32, where a part says
  // kNeeds = "encoder"; undefined for every other.
  torch::Tensor x_ND = {};
  // The [[recommender]] entries that an option with names_recommender() names, fitted on the
  // training rows; they outlive the part.
  std::map<std::string, RankItems> recommenders = {};
};

}  // namespace tsrec
