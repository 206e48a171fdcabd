// What belongs to the host and to nobody else: standard output, the default generator, the number
// of threads, gradient mode, default type, locale, working folder; and that no thread outlives the
// part that started it.
#pragma once

#include <string>

#include "tsrec/torch.hpp"

namespace tsrec::kit {

class HostState {
 public:
  HostState();
  ~HostState();
  HostState(const HostState&) = delete;
  HostState& operator=(const HostState&) = delete;
  std::string difference();  // since construction; "" when all is as it was

 private:
  std::string printed();  // to standard output
  torch::Tensor generator_;
  int64_t running_;  // threads of this process
  int threads_, stdout_copy_, capture_;
  bool grad_;
  caffe2::TypeMeta type_;
  std::string locale_, folder_;
};

}  // namespace tsrec::kit
