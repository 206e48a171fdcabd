// The emulated device refuses what a real one refuses; else the tests here would show nothing.
#include "cuda_support.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::test {
namespace {

class EmulatedCuda : public Cuda {
 protected:
  void SetUp() override {
    if (host::has_driver()) GTEST_SKIP() << "a real device is here";
    x_ = torch::randn({3, 4});
    y_ = nn::to_device(x_, kDevice);
  }
  torch::Tensor x_, y_;
};

TEST_F(EmulatedCuda, MemoryCannotBeReadByTheProgram) {
  EXPECT_DEATH(std::cerr << *y_.const_data_ptr<float>(), "");
}

TEST_F(EmulatedCuda, DevicesDoNotMix) {
  EXPECT_THROW(x_ + y_, c10::Error);
  EXPECT_THROW(torch::cat({x_, y_}), c10::Error);
  EXPECT_THROW(y_.index_select(0, torch::tensor({0})), c10::Error);
  EXPECT_NO_THROW(y_ + 1);
}

TEST_F(EmulatedCuda, ComputesInPlaceAndThroughViews) {
  torch::Tensor z = y_.clone();
  z.slice(1, 1, 3).t().mul_(2);
  z[0].zero_();
  torch::Tensor wanted = x_.clone();
  wanted.slice(1, 1, 3).mul_(2);
  wanted[0].zero_();
  EXPECT_TRUE(torch::equal(z.cpu(), wanted));
}

TEST_F(EmulatedCuda, CountsWaits) {
  const auto waits_of = [](const auto& action) {
    const int64_t before = emulated_cuda::num_waits();
    action();
    return emulated_cuda::num_waits() - before;
  };
  EXPECT_EQ(waits_of([&] { nn::to_device(x_, kDevice); }), 0);
  EXPECT_EQ(waits_of([&] { x_.to(kDevice); }), 1);
  EXPECT_EQ(waits_of([&] { y_.sum().item<float>(); }), 1);
  EXPECT_EQ(waits_of([&] { y_.cpu(); }), 1);
  EXPECT_EQ(waits_of([&] { (y_ * 2).matmul(y_.t()); }), 0);
}

}  // namespace
}  // namespace tsrec::test
