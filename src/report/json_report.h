// JSON Lines, an object a line, described in detectd-hits(5).
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "src/report/output.h"
#include "src/report/report.h"

namespace detectd {

class JsonReport : public Report {
 public:
  // The name of the capture that an Origin::file means.
  using NameOfFile = std::function<const std::string&(uint32_t file)>;

  // `output` must outlive the report.
  JsonReport(Output& output, NameOfFile name_of_file)
      : output_(output), name_of_file_(std::move(name_of_file)) {}

  void show_hits(std::span<const Hit> hits) override;
  void show_loss(const Event& event) override;
  void show_summary(const Summary& summary) override;

 private:
  Output& output_;
  NameOfFile name_of_file_;
  std::string line_;
};

}  // namespace detectd
