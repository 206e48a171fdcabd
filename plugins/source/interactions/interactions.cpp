// Data sets of events, as files hold them: who did something with what, and when.
#include "amazon_reviews.hpp"
#include "csv.hpp"
#include "movielens.hpp"
#include "recbole.hpp"

using namespace tsrec::interactions;

TSREC_PLUGIN("tsrec.interactions", "0.1.0",
             tsrec::part<tsrec::Source, Csv, CsvSettings>(
                 "csv", /*revision=*/2,
                 "A table of events and one of items, with columns of any names"),
             tsrec::part<tsrec::Source, MovieLens, MovieLensSettings>(
                 "movielens", /*revision=*/2, "MovieLens 100k to 32m, recognised by its files"),
             tsrec::part<tsrec::Source, RecBole, RecBoleSettings>(
                 "recbole", /*revision=*/2, "RecBole's atomic files, .inter and .item"),
             tsrec::part<tsrec::Source, AmazonReviews, AmazonReviewsSettings>(
                 "amazon_reviews", /*revision=*/2,
                 "Amazon's reviews and products of 2018 and 2023, raw"))
