#include "host_state.hpp"

#include <ATen/Parallel.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <cstdio>
#include <thread>

namespace tsrec::kit {
namespace {

torch::Tensor generator_state() { return at::detail::getDefaultCPUGenerator().get_state(); }

std::string working_folder() {
  std::error_code failed;
  return std::filesystem::current_path(failed).string();
}

// LibTorch's own workers start with the first work that needs them, and stay until a smaller team
// is wanted. So that their number is always the same, all of them are given some.
void wake_workers() {
  at::parallel_for(0, at::get_num_threads(), 1, [](int64_t, int64_t) {});
  const torch::AutoGradMode with_gradient(true);
  const torch::Tensor x_DD = torch::ones({64, 64}).requires_grad_();
  x_DD.mm(x_DD).sum().backward();
}

int64_t running_threads() {
  wake_workers();
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return std::distance(begin(threads), end(threads));
}

// Whether there are more than that many now. One that was joined may be seen for a moment after.
bool threads_are_left(int64_t before) {
  using Clock = std::chrono::steady_clock;
  const auto give_up = Clock::now() + std::chrono::milliseconds(300);
  while (running_threads() > before) {
    if (Clock::now() > give_up) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

}  // namespace

HostState::HostState()
    : generator_(generator_state()),
      running_(running_threads()),
      threads_(at::get_num_threads()),
      grad_(at::GradMode::is_enabled()),
      type_(at::get_default_dtype()),
      locale_(std::setlocale(LC_ALL, nullptr)),
      folder_(working_folder()) {
  std::fflush(stdout);
  stdout_copy_ = ::dup(STDOUT_FILENO);
  capture_ = ::memfd_create("stdout", MFD_CLOEXEC);
  if (capture_ >= 0) ::dup2(capture_, STDOUT_FILENO);
}

HostState::~HostState() {
  printed();
  if (capture_ >= 0) ::close(capture_);
}

std::string HostState::printed() {
  if (stdout_copy_ < 0) return "";
  std::fflush(stdout);
  ::dup2(stdout_copy_, STDOUT_FILENO);
  ::close(stdout_copy_);
  stdout_copy_ = -1;
  std::array<char, 200> begin{};
  const ssize_t got = capture_ < 0 ? 0 : ::pread(capture_, begin.data(), begin.size(), 0);
  return {begin.data(), got > 0 ? static_cast<size_t>(got) : 0};
}

std::string HostState::difference() {
  const std::string text = printed();
  if (!text.empty()) return "it writes to standard output: '" + text + "'; use Context::log";
  if (!torch::equal(generator_, generator_state()))
    return "it uses the default random generator; use Context::generator";
  if (threads_ != at::get_num_threads()) return "it changes the number of threads";
  if (threads_are_left(running_))
    return "it leaves a thread running behind it; a part joins its threads in its destructor at "
           "the latest";
  if (grad_ != at::GradMode::is_enabled()) return "it leaves gradient mode changed";
  if (type_ != at::get_default_dtype()) return "it changes the default floating type";
  if (locale_ != std::setlocale(LC_ALL, nullptr)) return "it changes the locale";
  if (folder_ != working_folder()) return "it changes the working folder";
  return "";
}

}  // namespace tsrec::kit
