// What a part saves and loads: named tensors, texts, numbers and folders below one folder.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

// Writes into a folder that is committed by the host with one rename. All bytes are a function of
// the values.
class TSREC_API ArtifactWriter {
 public:
  explicit ArtifactWriter(std::filesystem::path folder);
  ~ArtifactWriter();  // close() must have been called; an unclosed writer leaves an unreadable
                      // folder
  void tensor(std::string_view name,
              const torch::Tensor& value);  // kept until close(); one safetensors file
  // The same without a copy in memory, for what is large: it must not change before close(), which
  // throws an Error if an operator of LibTorch changed it.
  void view(std::string_view name, const torch::Tensor& value);
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, double value);  // exact: written with 17 digits
  std::filesystem::path folder(
      std::string_view name);  // made, empty; for a model folder and the like
  void close();                // writes tensors.safetensors and values.json

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads what a writer closed; texts, numbers and folders when the first of them is asked for. A
// missing name is a DataError that names the folder.
class TSREC_API ArtifactReader {
 public:
  explicit ArtifactReader(std::filesystem::path folder);
  ~ArtifactReader();
  torch::Tensor tensor(std::string_view name) const;  // an owned copy on the CPU
  // The same as pages of the file, which come into memory when they are touched and may go again:
  // for what is large. It must not be written to, and keeps its values when the file is replaced.
  torch::Tensor view(std::string_view name) const;
  std::string text(std::string_view name) const;
  double number(std::string_view name) const;
  std::filesystem::path folder(std::string_view name) const;
  bool has(std::string_view name) const;
  bool has_tensor(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsrec
