// The sequential recommenders: one spine, one file for each model.
#include "bert4rec.hpp"
#include "caser.hpp"
#include "gru4rec.hpp"
#include "hstu.hpp"
#include "sasrec.hpp"

namespace {
using namespace tsrec::sequential;
}

TSREC_PLUGIN(
    "tsrec.sequential", "0.1.0",
    tsrec::part<tsrec::Recommender, SasRec, SasRecSettings>("sasrec", /*revision=*/4,
                                                            "Self-attention over the history"),
    tsrec::part<tsrec::Recommender, Hstu, HstuSettings>(
        "hstu", /*revision=*/4, "Pointwise attention with gates over the history"),
    tsrec::part<tsrec::Recommender, Gru4Rec, Gru4RecSettings>(
        "gru4rec", /*revision=*/4, "A recurrent network over the history"),
    tsrec::part<tsrec::Recommender, Caser, CaserSettings>("caser", /*revision=*/5,
                                                          "Convolutions over the newest items"),
    tsrec::part<tsrec::Recommender, Bert4Rec, Bert4RecSettings>(
        "bert4rec", /*revision=*/1, "Self-attention both ways, learnt at masked items"))
