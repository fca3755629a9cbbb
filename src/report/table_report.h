// Hits as a table. Columns are laid out a batch at a time and only grow, so lines stay aligned without waiting
// for the end. On a terminal too narrow for one line a hit takes two; elsewhere nothing is cut but
// command lines of more than kMaxCommandBytes.
#pragma once

#include "src/report/output.h"
#include "src/report/report.h"
#include "src/report/terminal.h"

namespace detectd {

class TableReport : public Report {
 public:
  struct Options {
    Terminal terminal;
    bool hits = true;          // false: the summary only
    bool summary = true;       // false: hits only
    size_t level_columns = 4;  // of the levels and rules to come, so that columns need not grow
    size_t rule_columns = 0;
  };
  static constexpr size_t kMaxCommandBytes = 4096;

  // `output` must outlive the report.
  TableReport(Output& output, Options options);
  // Fills in what the columns of these rules need.
  static void fit_columns(std::span<const Rule* const> rules, Options& options);

  void show_hits(std::span<const Hit> hits) override;
  void show_loss(const Event& event) override;
  void show_summary(const Summary& summary) override;

 private:
  struct Row {
    std::string time, level, rule, lineage, user, command;
    Level severity{};
  };
  struct Widths {
    size_t time = 0, level = 0, rule = 0, lineage = 0, user = 0;
  };

  Row make_row(const Hit& hit) const;
  void grow(const Row& row);
  void show_row(const Row& row);
  void show_row_on_two_lines(const Row& row);
  std::string paint(Level level, std::string text) const;
  void show_levels(const Summary& summary);

  Output& output_;
  Options options_;
  Widths widths_;
};

}  // namespace detectd
