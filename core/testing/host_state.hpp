// What belongs to the host and to nobody else: standard output, the default generator, threads,
// gradient mode, default type, locale, working folder.
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
  int threads_, stdout_copy_, capture_;
  bool grad_;
  caffe2::TypeMeta type_;
  std::string locale_, folder_;
};

}  // namespace tsrec::kit
