// The part of LibTorch that tsrec speaks: tensors, gradients and guards, without torch::nn. A file
// that defines a gradient of its own (torch::autograd::Function) includes <torch/autograd.h> too:
// that header would more than double what LibTorch costs every other file.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
