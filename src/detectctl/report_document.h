// A report as blocks, written as one HTML file that needs nothing else, or as Markdown. Whatever stands in texts stays
// text in both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

struct ReportBlock {
  enum class Kind : uint8_t { kHeading, kText, kTable, kLines, kBars };

  Kind kind = Kind::kText;
  std::string text = {};                            // kHeading, kText; kLines: as they are laid out
  std::vector<std::string> columns = {};            // kTable
  std::vector<std::vector<std::string>> rows = {};  // kTable
  struct Bar {
    std::string label;
    uint64_t value = 0;
  };
  std::vector<Bar> bars = {};
};

struct ReportDocument {
  std::string title;
  std::vector<ReportBlock> blocks;

  void heading(std::string text);
  void text(std::string text);
  void lines(std::string text);
  void table(std::vector<std::string> columns, std::vector<std::vector<std::string>> rows);
  void bars(std::vector<ReportBlock::Bar> bars);
};

std::string html_of(const ReportDocument& document);
std::string markdown_of(const ReportDocument& document);

}  // namespace detectd
