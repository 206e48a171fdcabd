// Products of matrices by both libraries against double precision, on fresh random numbers.
#include "tsrec/product.hpp"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "product_kernel.hpp"
#include "support/products.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

torch::Tensor wide(const torch::Tensor& x) { return x.detach().to(torch::kFloat64); }

// a b + added in double precision, and how far float32 sums in any order may be from it.
struct Wanted {
  Wanted(const torch::Tensor& a_MK, const torch::Tensor& b_KN, const torch::Tensor& added)
      : value(wide(a_MK).mm(wide(b_KN)) + wide(added)),
        type(a_MK.scalar_type()),
        allowed((wide(a_MK).abs().mm(wide(b_KN).abs()) + wide(added).abs()) *
                std::ldexp(static_cast<double>(a_MK.size(1) + 2), -24)) {
    // One rounding of the result, which LibTorch adds to what is there.
    if (type == torch::kBFloat16)
      allowed += std::ldexp(1.0, -7) * (value.abs() + wide(added).abs());
  }
  torch::Tensor value;
  torch::ScalarType type;
  torch::Tensor allowed;
};

void expect_product(const torch::Tensor& got, const Wanted& wanted, const std::string& what) {
  ASSERT_EQ(got.sizes(), wanted.value.sizes()) << what;
  ASSERT_EQ(got.scalar_type(), wanted.type) << what;
  const torch::Tensor difference = (wide(got) - wanted.value).abs();
  EXPECT_TRUE((difference <= wanted.allowed).all().item<bool>())
      << what << ": off by " << difference.max().item<double>();
}

struct View {
  std::string how;
  torch::Tensor matrix;
};

// The same matrix: as it is, column by column, and as a part of larger ones.
std::vector<View> views_of(const torch::Tensor& m_RC) {
  const int64_t rows = m_RC.size(0), columns = m_RC.size(1);
  torch::Tensor around = torch::randn({rows + 3, columns + 5}).to(m_RC.scalar_type());
  around.slice(0, 2, rows + 2).slice(1, 3, columns + 3).copy_(m_RC);
  torch::Tensor every_second = torch::randn({rows, 2 * columns}).to(m_RC.scalar_type());
  every_second.slice(1, 1, 2 * columns, 2).copy_(m_RC);
  return {{"rows", m_RC},
          {"columns", m_RC.t().contiguous().t()},
          {"a part", around.slice(0, 2, rows + 2).slice(1, 3, columns + 3)},
          {"a part by columns",
           around.t().contiguous().t().slice(0, 2, rows + 2).slice(1, 3, columns + 3)},
          {"every second column", every_second.slice(1, 1, 2 * columns, 2)}};
}

// Each with its like and with the one after it.
template <class Visit>
void for_pairs(const std::vector<View>& a, const std::vector<View>& b, const Visit& visit) {
  for (size_t i = 0; i < a.size(); ++i) {
    visit(a[i], b[i]);
    visit(a[i], b[(i + 1) % b.size()]);
    visit(a[(i + 1) % a.size()], b[i]);
  }
}

struct Shape {
  int64_t rows, inner, columns;
};
// Some below and some above the size from which oneDNN is called.
constexpr std::array kShapes = {Shape{1, 1, 1},       Shape{3, 37, 53},     Shape{64, 64, 64},
                                Shape{1, 1100, 1000}, Shape{1100, 1000, 1}, Shape{300, 13, 290},
                                Shape{130, 97, 101},  Shape{257, 129, 65}};

std::vector<torch::ScalarType> types() { return {torch::kFloat32, torch::kBFloat16}; }

bool is_emulated(torch::ScalarType type) {
  return type == torch::kBFloat16 && !can_pack(torch::kBFloat16);
}

template <class Visit>
void for_all(const Visit& visit) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy using_it(library);
    for (const torch::ScalarType type : types()) {
      for (const Shape& shape : kShapes) {
        constexpr int64_t kSlow = 1 << 18;  // multiply-adds that LibTorch takes a millisecond for
        if (is_emulated(type) && shape.rows * shape.inner * shape.columns > kSlow) continue;
        visit(shape, type,
              c10::str(name_of(library), " ", type, " ", shape.rows, " x ", shape.inner, " x ",
                       shape.columns));
      }
    }
  }
}

TEST(Product, LinearOfEveryViewWithAndWithoutBias) {
  for_all([](const Shape& shape, torch::ScalarType type, const std::string& what) {
    const torch::Tensor x = torch::randn({shape.rows, shape.inner}).to(type),
                        w = torch::randn({shape.columns, shape.inner}).to(type),
                        bias = torch::randn({shape.columns}).to(type),
                        nothing = torch::zeros({shape.columns});
    const Wanted plain(x, w.t(), nothing), with_bias(x, w.t(), bias);
    for_pairs(views_of(x), views_of(w), [&](const View& a, const View& b) {
      const std::string which = c10::str(what, ", x: ", a.how, ", weight: ", b.how);
      expect_product(linear_product(a.matrix, b.matrix), plain, which);
      expect_product(linear_product(a.matrix, b.matrix, bias), with_bias, which + ", bias");
    });
  });
}

TEST(Product, LinearInMemoryThatIsThere) {
  for_all([](const Shape& shape, torch::ScalarType type, const std::string& what) {
    const torch::Tensor x = torch::randn({shape.rows, shape.inner}).to(type),
                        w = torch::randn({shape.columns, shape.inner}).to(type),
                        nothing = torch::zeros({shape.columns});
    const torch::Tensor memory = torch::full({shape.rows, shape.columns}, NAN).to(type);
    expect_product(linear_product_in(memory, x, w), {x, w.t(), nothing}, what);
    torch::Tensor larger = torch::full({shape.rows, shape.columns + 4}, 7).to(type);
    const torch::Tensor part = larger.slice(1, 1, shape.columns + 1);
    part.copy_(linear_product_in(part, x, w));
    expect_product(part, {x, w.t(), nothing}, what + ", in a part");
    EXPECT_TRUE((larger.slice(1, 0, 1) == 7).all().item<bool>()) << what;
    EXPECT_TRUE((larger.slice(1, shape.columns + 1) == 7).all().item<bool>()) << what;
  });
}

TEST(Product, AddsToWhatIsThere) {
  for_all([](const Shape& shape, torch::ScalarType type, const std::string& what) {
    const torch::Tensor a = torch::randn({shape.rows, shape.inner}).to(type),
                        b = torch::randn({shape.inner, shape.columns}).to(type),
                        before = torch::randn({shape.rows, shape.columns}).to(type);
    const Wanted wanted(a, b, before);
    for_pairs(views_of(a), views_of(b), [&](const View& left, const View& right) {
      torch::Tensor sum = before.clone();
      add_product(sum, left.matrix, right.matrix);
      expect_product(sum, wanted, c10::str(what, ", a: ", left.how, ", b: ", right.how));
    });
  });
}

TEST(Product, GradientsOfEveryInput) {
  for_all([](const Shape& shape, torch::ScalarType type, const std::string& what) {
    for (const bool by_columns : {false, true}) {
      const auto leaf = [&](int64_t rows, int64_t columns) {
        const torch::Tensor value = torch::randn({rows, columns}).to(type);
        return (by_columns ? value.t().contiguous().t() : value).requires_grad_();
      };
      const torch::Tensor x = leaf(shape.rows, shape.inner), w = leaf(shape.columns, shape.inner),
                          bias = torch::randn({shape.columns}).to(type).requires_grad_();
      const torch::Tensor dy = torch::randn({shape.rows, shape.columns}).to(type),
                          none = torch::zeros({1});
      const auto got = torch::autograd::grad({linear_product(x, w, bias)}, {x, w, bias}, {dy});
      expect_product(got[0], {dy, w, none}, what + ", dX");
      expect_product(got[1], {dy.t(), x, none}, what + ", dW");
      expect_product(got[2].unsqueeze(0), {torch::ones({1, shape.rows}).to(type), dy, none},
                     what + ", dbias");
      // A frozen weight, a frozen input, a gradient that comes as one number for all.
      EXPECT_TRUE(torch::equal(torch::autograd::grad({linear_product(x, w.detach())}, {x}, {dy})[0],
                               got[0]));
      EXPECT_TRUE(torch::equal(torch::autograd::grad({linear_product(x.detach(), w)}, {w}, {dy})[0],
                               got[1]));
      expect_product(torch::autograd::grad({linear_product(x, w).sum()}, {w})[0],
                     {torch::ones_like(dy).t(), x, none}, what + ", dW of the sum");
      const torch::NoGradGuard no_grad;
      EXPECT_FALSE(linear_product(x, w, bias).requires_grad()) << what;
    }
  });
}

// The gradients are those of the function: differences of a loss in double precision.
TEST(Product, GradientsAreDifferencesOfTheLoss) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy using_it(library);
    const torch::Tensor x = torch::randn({96, 120}).requires_grad_(),
                        w = torch::randn({110, 120}).requires_grad_();
    const auto loss_of = [](const torch::Tensor& y) { return (0.1 * y).tanh().square().sum(); };
    const auto got = torch::autograd::grad({loss_of(linear_product(x, w))}, {x, w});
    const torch::Tensor way_x = torch::randn({96, 120}, torch::kFloat64),
                        way_w = torch::randn({110, 120}, torch::kFloat64);
    const auto loss_at = [&](double step) {
      return loss_of((wide(x) + step * way_x).mm((wide(w) + step * way_w).t())).item<double>();
    };
    const double difference = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
    const double slope =
        ((wide(got[0]) * way_x).sum() + (wide(got[1]) * way_w).sum()).item<double>();
    // A slope along a random way may be near 0, its usual size is the gradient's length.
    const double length =
        (wide(got[0]).square().sum() + wide(got[1]).square().sum()).sqrt().item<double>();
    EXPECT_NEAR(slope, difference, 1e-4 * length) << name_of(library);
  }
}

// With MKL everything is what LibTorch computes, to the bit.
TEST(Product, ByMklIsLibTorchs) {
  const ProductsBy using_it(ProductLibrary::mkl);
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16, torch::kFloat64}) {
    for (const Shape& shape : kShapes) {
      const torch::Tensor x = torch::randn({shape.rows, shape.inner}).to(type).requires_grad_(),
                          w = torch::randn({shape.columns, shape.inner}).to(type).requires_grad_(),
                          bias = torch::randn({shape.columns}).to(type).requires_grad_();
      EXPECT_TRUE(torch::equal(linear_product(x, w), torch::matmul(x, w.t())));
      const torch::Tensor ours = linear_product(x, w, bias), theirs = torch::addmm(bias, x, w.t());
      EXPECT_TRUE(torch::equal(ours, theirs));
      const torch::Tensor dy = torch::randn_like(ours);
      const auto got = torch::autograd::grad({ours}, {x, w, bias}, {dy}),
                 wanted = torch::autograd::grad({theirs}, {x, w, bias}, {dy});
      for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], wanted[i]));
    }
  }
}

// Otherwise the tests above would compare one library with itself: MKL writes where it is told to,
// oneDNN makes a tensor of its own, and the graph knows whose the product is.
TEST(Product, IsComputedByTheLibraryInUse) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy using_it(library);
    const bool is_mkl = library == ProductLibrary::mkl;
    for (const Shape& shape : {Shape{130, 97, 101}, Shape{1, 1100, 1000}, Shape{2, 3, 4}}) {
      const bool is_ours = is_mkl || shape.rows == 2;  // too small for oneDNN
      const torch::Tensor x = torch::randn({shape.rows, shape.inner}).requires_grad_(),
                          w = torch::randn({shape.columns, shape.inner}),
                          memory = torch::empty({shape.rows, shape.columns});
      EXPECT_EQ(linear_product_in(memory, x, w).is_same(memory), is_ours);
      EXPECT_EQ(linear_product(x, w).grad_fn()->name() == "MmBackward0", is_ours);
      const torch::Tensor once = linear_product(x, w);
      EXPECT_TRUE(torch::equal(once, linear_product(x, w))) << "other bytes each time";
    }
  }
}

// As k-means and Weight do it: every thread with products of its own.
TEST(Product, InsideAParallelLoop) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy using_it(library);
    const torch::Tensor x = torch::randn({1200, 130}), w = torch::randn({70, 130});
    std::vector<torch::Tensor> parts(8);
    at::parallel_for(0, 8, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        parts[static_cast<size_t>(i)] =
            linear_product_in(torch::empty({150, 70}), x.slice(0, i * 150, (i + 1) * 150), w);
    });
    expect_product(torch::cat(parts), {x, w.t(), torch::zeros({1})}, name_of(library));
  }
}

TEST(Product, OfNothing) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy using_it(library);
    EXPECT_EQ(linear_product(torch::randn({0, 5}), torch::randn({3, 5})).sizes(),
              (std::vector<int64_t>{0, 3}));
    EXPECT_TRUE(torch::equal(linear_product(torch::randn({2, 0}), torch::randn({3, 0})),
                             torch::zeros({2, 3})));
  }
}

TEST(Product, WithAPackedWeight) {
  for (const torch::ScalarType type : types()) {
    if (!can_pack(type)) continue;
    for (const Shape& shape : kShapes) {
      const torch::Tensor w = torch::randn({shape.columns, shape.inner}).to(type),
                          bias = torch::randn({shape.columns}).to(type), packed_w = packed(w);
      for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{64}, shape.rows}) {
        const torch::Tensor x = torch::randn({rows, shape.inner}).to(type);
        const std::string what = c10::str(type, " ", rows, " rows");
        expect_product(packed_product(x, packed_w, bias), {x, w.t(), bias}, what);
        expect_product(packed_product(x, packed_w, {}), {x, w.t(), torch::zeros({1})}, what);
      }
    }
  }
  if (has_onednn()) {
    EXPECT_TRUE(can_pack(torch::kFloat32));
  }
}

TEST(Product, TransposedCopies) {
  for (const Shape& shape : kShapes) {
    const torch::Tensor m = torch::randn({shape.rows, shape.columns});
    for (const int64_t first : {int64_t{0}, std::min<int64_t>(shape.columns - 1, 17)}) {
      torch::Tensor copy = torch::full({shape.columns, shape.rows}, 7.0F);
      transpose(m.const_data_ptr<float>(), shape.rows, shape.columns, first, shape.columns,
                copy.mutable_data_ptr<float>());
      EXPECT_TRUE(torch::equal(copy.slice(0, first), m.t().slice(0, first)));
      EXPECT_TRUE((copy.slice(0, 0, first) == 7).all().item<bool>()) << "outside of its columns";
    }
  }
}

TEST(Product, TheLibraryIsChosenByMakerAndFeatures) {
  EXPECT_EQ(best_product_library({.is_intel = false, .has_avx512 = true}), ProductLibrary::onednn);
  EXPECT_EQ(best_product_library({.is_intel = false, .has_avx512 = false}), ProductLibrary::mkl);
  EXPECT_EQ(best_product_library({.is_intel = true, .has_avx512 = true}), ProductLibrary::mkl);
  EXPECT_EQ(best_product_library({.is_intel = true, .has_avx512 = false}), ProductLibrary::mkl);
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Processor here = this_processor();
  EXPECT_EQ(here.is_intel, contains(text, "GenuineIntel"));
  EXPECT_EQ(here.has_avx512, contains(text, " avx512dq ") && contains(text, " avx512vl "));
}

}  // namespace
}  // namespace tsrec::test
