// Where the structure of JSON text is: the places of `{ } [ ] : ,` and of the first byte of each string and
// scalar, strings skipped, found by simdjson many bytes at a time. simdjson's own walk over these places is
// built for the plainest processor where a program is (its header chooses when compiled) and costs twice as
// much as the walk of event_codec.cc, which goes straight along them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace detectd {

class JsonIndex {
 public:
  // Readable bytes that must follow a text.
  static constexpr size_t kPadding = 64;

  JsonIndex();
  ~JsonIndex();
  JsonIndex(JsonIndex&&) noexcept;
  JsonIndex& operator=(JsonIndex&&) noexcept;

  // False if the text (below 4 GiB) is no UTF-8, has a string without end or a control character in one, or
  // nothing but blanks. Then nothing else may be asked. Throws std::bad_alloc.
  bool build(std::string_view text);

  // Ascending offsets into the text; the last is the text's size. Valid until the next build().
  const uint32_t* places() const { return places_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  const uint32_t* places_ = nullptr;
};

}  // namespace detectd
