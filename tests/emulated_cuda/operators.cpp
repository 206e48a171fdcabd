// Operators of the device: tensors are seen as tensors of the processor, which computes, and what
// it returns is moved to the device.
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include <atomic>
#include <set>

#include "attach.hpp"
#include "attention.hpp"
#include "emulated_cuda.hpp"
#include "memory.hpp"

namespace tsrec::emulated_cuda {
namespace {

std::atomic<int64_t> waits = 0;

const c10::DispatchKeySet kKeys(c10::DispatchKey::CUDA);

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &device_allocator(), kKeys, c10::dtype_or_default(type),
                                   format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &device_allocator(), kKeys,
                                           c10::dtype_or_default(type));
}

const at::Tensor& resize_(const at::Tensor& self, at::IntArrayRef sizes,
                          std::optional<at::MemoryFormat>) {
  self.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  const size_t bytes = at::detail::computeStorageNbytesContiguous(
      sizes, self.element_size(), static_cast<size_t>(self.storage_offset()));
  if (bytes > self.storage().nbytes()) {
    c10::DataPtr larger = device_allocator().allocate(bytes);
    device_allocator().copy_data(larger.mutable_get(), self.storage().data(),
                                 self.storage().nbytes());
    self.storage().set_data_ptr_noswap(std::move(larger));
    self.storage().set_nbytes(bytes);
  }
  return self;
}

// A real device copies without holding up the program only from and to page-locked memory.
at::Tensor& copy_(at::Tensor& self, const at::Tensor& from, bool non_blocking) {
  const at::Tensor& host = self.is_cpu() ? self : from;
  if (self.device() != from.device() && from.numel() > 0 &&
      !(non_blocking && is_pinned(host.const_data_ptr())))
    ++waits;
  on_host(self).copy_(on_host(from));
  return self;
}

at::Scalar local_scalar_dense(const at::Tensor& self) {
  ++waits;
  return on_host(self).item();
}

bool waits_for_sizes(const std::string& name) {
  static const std::set<std::string> names = {"aten::nonzero",           "aten::masked_select",
                                              "aten::_unique2",          "aten::bincount",
                                              "aten::repeat_interleave", "aten::equal"};
  return names.contains(name);
}

// One call of an operator that has no kernel of its own above.
class HostCall {
 public:
  HostCall(const c10::OperatorHandle& op, torch::jit::Stack& stack) : op_(op), stack_(stack) {
    const size_t count = op.schema().arguments().size();
    arguments_.assign(stack.end() - static_cast<std::ptrdiff_t>(count), stack.end());
  }

  void run() {
    const std::string name = op_.schema().name();
    if (waits_for_sizes(name)) ++waits;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      c10::IValue& place = stack_[stack_.size() - arguments_.size() + i];
      place = seen_by_host(arguments_[i], i);
      hosted_.push_back(place);
    }
    op_.callBoxed(stack_);
    for (size_t i = 0; i < arguments_.size(); ++i) take_back(i);
    const size_t count = op_.schema().returns().size();
    for (size_t r = 0; r < count; ++r) {
      c10::IValue& place = stack_[stack_.size() - count + r];
      place = returned(place, r);
    }
  }

 private:
  at::Tensor checked(const at::Tensor& tensor, size_t argument) const {
    if (!tensor.defined() || tensor.is_cuda()) return on_host(tensor);
    // As on a real device: a single number may come from the processor, and so may indices.
    const bool is_index = op_.schema().name().starts_with("aten::index") ||
                          op_.schema().name().starts_with("aten::_index_put");
    const bool is_list = op_.schema().arguments()[argument].type()->kind() == c10::ListType::Kind;
    if (is_index && is_list) ++waits;
    TORCH_CHECK(tensor.dim() == 0 || (is_index && is_list), op_.schema().name(), ": argument '",
                op_.schema().arguments()[argument].name(),
                "' is on the processor, others are on the (emulated) CUDA device");
    return tensor;
  }

  c10::IValue seen_by_host(const c10::IValue& value, size_t argument) const {
    if (value.isTensor()) return checked(value.toTensor(), argument);
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(checked(tensor, argument));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        list.push_back(tensor ? std::optional(checked(*tensor, argument)) : std::nullopt);
      return list;
    }
    if (value.isDevice()) return c10::Device(c10::kCPU);
    return value;
  }

  // An operator may have resized what it wrote to.
  void take_back(size_t argument) const {
    if (!arguments_[argument].isTensor()) return;
    const at::Tensor& ours = arguments_[argument].toTensor();
    if (!ours.defined()) return;
    const at::Tensor& theirs = hosted_[argument].toTensor();
    if (!ours.is_cuda() || ours.sizes() == theirs.sizes()) return;
    resize_(ours, theirs.sizes(), std::nullopt);
    on_host(ours).copy_(theirs);
  }

  c10::IValue returned(const c10::IValue& value, size_t which) const {
    if (const c10::AliasInfo* alias = op_.schema().returns()[which].alias_info()) {
      for (size_t i = 0; i < arguments_.size(); ++i) {
        const c10::AliasInfo* of_argument = op_.schema().arguments()[i].alias_info();
        if (of_argument != nullptr && *of_argument == *alias) return arguments_[i];
      }
    }
    if (value.isTensor()) {
      const at::Tensor& tensor = value.toTensor();
      return tensor.defined() ? to_device(tensor) : tensor;
    }
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(to_device(tensor));
      return list;
    }
    return value;
  }

  const c10::OperatorHandle& op_;
  torch::jit::Stack& stack_;
  std::vector<c10::IValue> arguments_, hosted_;
};

void computed_by_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  HostCall(op, *stack).run();
}

}  // namespace

int64_t num_waits() { return waits; }

void attach_operators() {
  using torch::Library;
  static Library& fallback =
      *new Library(Library::IMPL, "_", c10::DispatchKey::CUDA, __FILE__, __LINE__);
  fallback.fallback(torch::CppFunction::makeFromBoxedFunction<&computed_by_host>());
  static Library& aten =
      *new Library(Library::IMPL, "aten", c10::DispatchKey::CUDA, __FILE__, __LINE__);
  aten.impl("empty.memory_format", &empty);
  aten.impl("empty_strided", &empty_strided);
  aten.impl("resize_", &resize_);
  aten.impl("as_strided", &at::native::as_strided_tensorimpl);
  aten.impl("view", &at::native::view);
  aten.impl("_reshape_alias", &at::native::_reshape_alias);
  aten.impl("copy_", &copy_);
  aten.impl("_local_scalar_dense", &local_scalar_dense);
  attach_attention(aten);
}

}  // namespace tsrec::emulated_cuda
