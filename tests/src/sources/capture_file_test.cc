#include "src/sources/capture_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

using namespace detectd;

namespace {

// A pipe in the place of standard input, for as long as it lives.
class PipedInput {
 public:
  PipedInput() : before_(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    writer_ = ends[1];
  }
  ~PipedInput() {
    end();
    if (before_ < 0) {
      close(STDIN_FILENO);
    } else {
      dup2(before_, STDIN_FILENO);
      close(before_);
    }
  }
  PipedInput(const PipedInput&) = delete;
  PipedInput& operator=(const PipedInput&) = delete;

  void write(std::string_view text) const {
    REQUIRE(::write(writer_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (writer_ >= 0) close(writer_);
    writer_ = -1;
  }

 private:
  int before_;
  int writer_ = -1;
};

std::string line(char letter) { return "{\"" + std::string(40, letter) + "\":1}\n"; }

// Of the lines, the letter of each.
std::string letters(const std::vector<CaptureLine>& lines) {
  std::string text;
  for (const CaptureLine& line : lines) text += line.text.substr(2, 1);
  return text;
}

}  // namespace

TEST_CASE("lines of standard input are given as they come, though its writer goes on", "[capture_file]") {
  PipedInput input;
  input.write(line('a') + line('b') + "{\"c");
  auto file = CaptureFile::open("-", 65'536);
  REQUIRE(file);
  std::vector<CaptureLine> lines;
  REQUIRE((*file)->read_lines(100, lines));
  CHECK(letters(lines) == "ab");
  input.write("c\":1}\n" + line('d'));
  REQUIRE((*file)->read_lines(1, lines));
  CHECK(letters(lines) == "c");
  CHECK(lines[0].number == 3);
  CHECK(lines[0].offset == 2 * line('a').size());
  REQUIRE((*file)->read_lines(100, lines));
  CHECK(letters(lines) == "d");
  input.end();
  REQUIRE((*file)->read_lines(100, lines));
  CHECK(lines.empty());
  CHECK_FALSE((*file)->fault());
  CHECK((*file)->bytes_total() == 0);
}

TEST_CASE("standard input stays open when its reader is gone", "[capture_file]") {
  PipedInput input;
  input.write(line('a') + line('b'));
  REQUIRE(CaptureFile::open("-", 65'536));
  CHECK(fcntl(STDIN_FILENO, F_GETFD) != -1);
}

TEST_CASE("standard input that ends at once is empty, like a file", "[capture_file]") {
  PipedInput input;
  input.end();
  const auto file = CaptureFile::open("-", 65'536);
  REQUIRE(file);
  REQUIRE((*file)->fault());
  CHECK((*file)->fault()->code == "D311");
}
