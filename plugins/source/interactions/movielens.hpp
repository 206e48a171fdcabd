// GroupLens' MovieLens data sets, recognised by their files.
#pragma once

#include "item_texts.hpp"
#include "preparation.hpp"

namespace tsrec::interactions {

struct MovieLensSettings {
  std::filesystem::path folder;
  Cleaning cleaning;
  Preparation preparation{/*k=*/5};
  void declare(Options& o);
};

class MovieLens final : public Source {
 public:
  MovieLens(const MovieLensSettings& settings, Context&) : settings_(settings) {}
  Dataset load(Context& context) override;

 private:
  MovieLensSettings settings_;
};

}  // namespace tsrec::interactions
