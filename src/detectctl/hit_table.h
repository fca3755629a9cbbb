// Stored hits as a table: a line each where there is room, two on a narrow terminal, never wider than it.
#pragma once

#include <string>
#include <vector>

#include "src/detectctl/hit_columns.h"
#include "src/report/output.h"
#include "src/report/terminal.h"

namespace detectd {

class HitTable {
 public:
  // `columns` instead of those of a listing, if there are any. `output` must outlive the table.
  HitTable(Output& output, Terminal terminal, std::vector<const HitColumn*> columns)
      : output_(output), terminal_(terminal), columns_(std::move(columns)) {}

  // Laid out together; columns only grow from one call to the next.
  void show(const std::vector<StoredHit>& hits);

 private:
  struct Row {
    Level level{};
    std::vector<std::string> cells;
  };
  void grow(const Row& row);
  void show_row(const Row& row);
  void show_row_on_two_lines(const Row& row);
  void show_names();

  Output& output_;
  Terminal terminal_;
  std::vector<const HitColumn*> columns_;
  std::vector<size_t> widths_;
  bool named_ = false;
};

// `text`, without blanks at its end coloured as the level is, where `terminal` has colours.
std::string paint(const Terminal& terminal, Level level, std::string text);

}  // namespace detectd
