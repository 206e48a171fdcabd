// An event file of TensorBoard: records (TFRecord) that hold a protobuf `Event` each.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

class EventFile {
 public:
  // Makes the file, which says first which version it has. Throws tsrec::DataError, as all do.
  EventFile(std::filesystem::path file, double wall_seconds);
  // A point of the curve `tag`, on disk when it returns. wall_seconds: since 1970.
  void scalar(std::string_view tag, float value, int64_t step, double wall_seconds);

 private:
  void write(const std::string& event);
  std::filesystem::path file_;
  std::ofstream out_;
};
