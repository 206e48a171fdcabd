// Amazon's reviews as McAuley's group publishes them: a file of reviews and one of products, a
// JSON record a line, of 2018 or 2023, plain or compressed.
#pragma once

#include "item_texts.hpp"
#include "preparation.hpp"

namespace tsrec::interactions {

struct AmazonReviewsSettings {
  std::filesystem::path reviews, products;
  std::string titles = "minionerec";
  Cleaning cleaning;
  Preparation preparation{/*k=*/5};
  void declare(Options& o);
};

// Three passes, so that what is in memory is bounded by what is small: the names of products whose
// title is admissible; 16 bytes for each of their reviews; texts of the products that are left.
class AmazonReviews final : public Source {
 public:
  AmazonReviews(const AmazonReviewsSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;

 private:
  NameTable read_admissible(Remarks& remarks, Context& context) const;
  Events read_events(Remarks& remarks, Context& context) const;
  Items with_texts(const Items& items, Remarks& remarks, Context& context) const;
  AmazonReviewsSettings settings_;
};

}  // namespace tsrec::interactions
