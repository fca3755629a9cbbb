// What was written to an Output, through a file that has no name.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "src/report/output.h"

namespace detectd {

class Written {
 public:
  Written() : file_(std::tmpfile()), output_(fileno(file_.get())) {}

  Output& output() { return output_; }
  std::string text() {
    output_.flush();
    std::string text;
    char buffer[4096];
    std::rewind(file_.get());
    size_t size = 0;
    while ((size = std::fread(buffer, 1, sizeof buffer, file_.get())) > 0) text.append(buffer, size);
    return text;
  }

 private:
  struct Closer {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<FILE, Closer> file_;
  Output output_;
};

}  // namespace detectd
