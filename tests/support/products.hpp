// The libraries that products of matrices may come from, in turn.
#pragma once

#include "tsrec/product.hpp"

namespace tsrec::test {

// Those of this LibTorch.
inline std::vector<ProductLibrary> product_libraries() {
  std::vector<ProductLibrary> libraries = {ProductLibrary::mkl};
  if (has_onednn()) libraries.push_back(ProductLibrary::onednn);
  return libraries;
}

// While it lives, products come from this one.
class ProductsBy {
 public:
  explicit ProductsBy(ProductLibrary library) : before_(product_library()) {
    use_product_library(library);
  }
  ~ProductsBy() { use_product_library(before_); }
  ProductsBy(const ProductsBy&) = delete;
  ProductsBy& operator=(const ProductsBy&) = delete;

 private:
  ProductLibrary before_;
};

}  // namespace tsrec::test
