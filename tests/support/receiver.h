// Receivers of alerts on loopback, each with a thread of its own: they take what comes, and can be gone for a while.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/fd.h"

struct ssl_ctx_st;

namespace detectd::test {

// A certificate for 127.0.0.1 and localhost that vouches for itself, made for this run.
class TestCertificate {
 public:
  TestCertificate();
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  const std::string& pem() const { return pem_; }
  ssl_ctx_st* context() const { return context_; }

 private:
  ssl_ctx_st* context_ = nullptr;
  std::string pem_;
};

class Receiver {
 public:
  enum class Speaks : uint8_t { kBytes, kHttp };
  struct Options {
    Speaks speaks = Speaks::kBytes;
    const TestCertificate* tls = nullptr;
    std::string unix_path = {};  // instead of TCP
  };
  explicit Receiver(Options options);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::string port() const { return std::to_string(port_); }
  // Refuses connections until up() again, and breaks those that there are.
  void down();
  void up();
  // All bytes so far; of HTTP the bodies, a line each, and the last request's head.
  std::string received() const;
  std::string last_head() const;
  // Of HTTP: what the next requests are answered.
  void answer(int status, std::string head = {}, std::string body = {});
  // Breaks the next connection after so many bytes, unread.
  void break_after(size_t bytes) { break_after_ = bytes; }

 private:
  void listen();
  void run();
  void serve(Fd connection);
  bool serve_request(std::string& buffer, const std::string& fresh, std::string& reply);

  Options options_;
  int port_ = 0;
  Fd listener_, stop_;
  std::thread thread_;
  std::atomic<size_t> break_after_{0};
  mutable std::mutex mutex_;
  std::string received_, head_;
  int status_ = 200;
  std::string answer_head_, answer_body_;
};

}  // namespace detectd::test
