// Stronger floors than counting what follows what: each item of the history speaks for others by
// fixed weights.
#include "ease.hpp"
#include "item_knn.hpp"

TSREC_PLUGIN(
    "tsrec.linear", "0.1.0",
    tsrec::part<tsrec::Recommender, tsrec::linear::Ease, tsrec::linear::EaseSettings>(
        "ease", /*revision=*/1, "Every item by ridge regression on all others"),
    tsrec::part<tsrec::Recommender, tsrec::linear::ItemKnn, tsrec::linear::ItemKnnSettings>(
        "item_knn", /*revision=*/1, "The items whose users are the history's users"))
