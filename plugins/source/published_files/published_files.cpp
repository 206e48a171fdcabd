// Data sets as published beside LC-Rec and MiniOneRec.
#include "lc_rec.hpp"
#include "minionerec.hpp"

using tsrec::published_files::LcRec;
using tsrec::published_files::LcRecSettings;
using tsrec::published_files::MiniOneRec;
using tsrec::published_files::MiniOneRecSettings;

TSREC_PLUGIN("tsrec.published_files", "0.1.0",
             tsrec::part<tsrec::Source, LcRec, LcRecSettings>(
                 "lc_rec", /*revision=*/2, "LC-Rec's layout: inter.json, item.json, index.json"),
             tsrec::part<tsrec::Source, MiniOneRec, MiniOneRecSettings>(
                 "minionerec", /*revision=*/2, "MiniOneRec's layout: CSV splits, index, info"))
