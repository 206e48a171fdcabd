// A1: Lloyd's iterations from the same start as the peers, on rows with clusters in them.
#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::bench {
namespace {

constexpr int64_t kClusters = 256, kIterations = 25;

struct Shape {
  int64_t rows, width;
};

// Clouds of unequal size around random points, wide enough to overlap.
torch::Tensor clouds(const Shape& shape) {
  const at::Generator generator = at::detail::createCPUGenerator(17);
  const torch::Tensor point = torch::randn({400, shape.width}, generator);
  const torch::Tensor of =
      (torch::rand({shape.rows}, generator).square() * 400).to(torch::kInt64).clamp_max(399);
  return point.index_select(0, of) + 0.7 * torch::randn({shape.rows, shape.width}, generator);
}

}  // namespace

void run_k_means(const JobOptions& options) {
  std::filesystem::create_directories(options.folder);
  for (const Shape& shape :
       {Shape{100'000, 32}, Shape{100'000, 256}, Shape{100'000, 1024}, Shape{3'686, 2560}}) {
    const torch::Tensor x = clouds(shape);
    const torch::Tensor start =
        x.index_select(0, torch::arange(kClusters) * (shape.rows / kClusters)).clone();
    const std::string name = std::to_string(shape.rows) + "x" + std::to_string(shape.width);
    const auto file = [&](const char* what) {
      return options.folder / (name + "." + what + ".npy");
    };
    io::write_npy(file("x"), x);
    io::write_npy(file("start"), start);
    cluster::KMeans found;
    Line line("A1", name);
    line.seconds(timed(options.repeats, [&] {
      found = cluster::kmeans(
          x, {.clusters = kClusters, .iterations = kIterations, .tolerance = -1, .start_KD = start},
          at::detail::createCPUGenerator(1));
    }));
    // Of comparing everything with everything, once more than there are iterations: bounds spare
    // most of it, so that it says nothing about the roof.
    const double pairs =
        static_cast<double>((kIterations + 1) * kClusters) * static_cast<double>(shape.rows);
    line.set("plain_gflop", 2e-9 * pairs * static_cast<double>(shape.width));
    line.set("compared_share", static_cast<double>(found.compared) / pairs);
    line.set("iterations", found.iterations)
        .set("objective_per_row", found.objective / static_cast<double>(shape.rows));
    line.print();
  }
}

}  // namespace tsrec::bench
