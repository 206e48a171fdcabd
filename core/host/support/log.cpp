#include "support/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace tsrec::host {
namespace {

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    terminal->set_pattern("%v");
    spdlog::logger made("tsrec", terminal);
    made.flush_on(spdlog::level::info);
    return made;
  }();
  return instance;
}

}  // namespace

void log_to_file(const std::filesystem::path& file) {
  auto& sinks = logger().sinks();
  sinks.resize(1);
  if (file.empty()) return;
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  sink->set_pattern("%Y-%m-%d %H:%M:%S %l  %v");
  sinks.push_back(std::move(sink));
}

void log(Level level, std::string_view sentence) {
  const auto text = spdlog::string_view_t(sentence.data(), sentence.size());
  logger().log(level == Level::warning ? spdlog::level::warn : spdlog::level::info, text);
}

}  // namespace tsrec::host
