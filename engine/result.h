// How fallible functions answer: a value or an Error. The spelling is std::expected's, which neither of
// our compilers has in C++20; unlike it, a Result that is dropped is a compiler warning, hence an error.
//
//   Result<Fd> open_capture(const std::string& path);
//
//   auto fd = open_capture(path);
//   if (!fd) return std::move(fd).error();          // add context with Error::within, once
//   use(*fd);
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace detectd {

// What the program may decide on; the text is for the person.
enum class Errc : uint8_t {
  kUsage,       // the command line asks for something that does not exist
  kRules,       // rules or configuration
  kInput,       // captured data
  kNotFound,    // a file, a process, a row
  kPermission,  // the system said no
  kSystem,      // any other answer of the system
  kFull,        // a bound of ours, or a disk
};

struct Error {
  Errc code = Errc::kSystem;
  std::string message;  // lower case: what was tried, on what, what the system said

  // The same error, told from one step further out: "what: message".
  Error within(std::string_view what) && {
    message.insert(0, std::string(what) + ": ");
    return std::move(*this);
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { return failure(); }
  const Error& error() const& { return failure(); }
  Error&& error() && { return std::move(failure()); }

 private:
  T& value() {
    assert(has_value() && "the value of a failed Result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const { return const_cast<Result*>(this)->value(); }
  Error& failure() {
    assert(!has_value() && "the error of a good Result");
    return *std::get_if<1>(&state_);
  }
  const Error& failure() const { return const_cast<Result*>(this)->failure(); }

  std::variant<T, Error> state_;
};

// A Result without a value: `return {};` is success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  Error& error() & { return failure(); }
  const Error& error() const& { return const_cast<Status*>(this)->failure(); }
  Error&& error() && { return std::move(failure()); }

 private:
  Error& failure() {
    assert(error_ && "the error of a good Status");
    return *error_;
  }

  std::optional<Error> error_;
};

}  // namespace detectd
