#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace detectd::test {
namespace {

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

}  // namespace

TestCertificate::TestCertificate() : context_(SSL_CTX_new(TLS_server_method())) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  must(key != nullptr && certificate != nullptr, "certificate");
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("receiver"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, name);
  for (const auto& [id, value] : {std::pair(NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost"),
                                  std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
  }
  must(X509_sign(certificate, key, EVP_sha256()) != 0, "sign");
  must(SSL_CTX_use_certificate(context_, certificate) == 1 && SSL_CTX_use_PrivateKey(context_, key) == 1,
       "use");
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  pem_.assign(text, static_cast<size_t>(size));
  BIO_free(memory);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TestCertificate::~TestCertificate() { SSL_CTX_free(context_); }

Receiver::Receiver(Options options) : options_(std::move(options)) { up(); }

Receiver::~Receiver() { down(); }

void Receiver::listen() {
  if (!options_.unix_path.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, options_.unix_path.c_str(), sizeof address.sun_path - 1);
    unlink(options_.unix_path.c_str());
    listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must(bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(listener_.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    must(bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    socklen_t size = sizeof address;
    getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  must(::listen(listener_.number(), 16) == 0, "listen");
}

void Receiver::up() {
  if (thread_.joinable()) return;
  stop_.reset(eventfd(0, EFD_CLOEXEC));
  listen();
  thread_ = std::thread([this] { run(); });
}

void Receiver::down() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  must(write(stop_.number(), &one, sizeof one) == sizeof one, "stop");
  thread_.join();
  listener_.reset();
  if (!options_.unix_path.empty()) unlink(options_.unix_path.c_str());
}

void Receiver::run() {
  while (true) {
    pollfd wanted[] = {{stop_.number(), POLLIN, 0}, {listener_.number(), POLLIN, 0}};
    poll(wanted, 2, -1);
    if (wanted[0].revents != 0) return;
    Fd connection(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) serve(std::move(connection));
  }
}

void Receiver::serve(Fd connection) {
  std::unique_ptr<SSL, decltype(&SSL_free)> session(nullptr, &SSL_free);
  if (options_.tls != nullptr) {
    session.reset(SSL_new(options_.tls->context()));
    SSL_set_fd(session.get(), connection.number());
    if (SSL_accept(session.get()) != 1) return;
  }
  std::string buffer;
  size_t total = 0;
  const size_t break_after = break_after_.exchange(0);
  char bytes[16384];
  while (true) {
    pollfd wanted[] = {{stop_.number(), POLLIN, 0}, {connection.number(), POLLIN, 0}};
    if (session == nullptr || SSL_pending(session.get()) == 0) poll(wanted, 2, -1);
    if (wanted[0].revents != 0) break;
    const size_t wish = break_after != 0 ? std::min(sizeof bytes, break_after - total) : sizeof bytes;
    if (wish == 0) break;
    const ssize_t size = session ? SSL_read(session.get(), bytes, static_cast<int>(wish))
                                 : recv(connection.number(), bytes, wish, 0);
    if (size <= 0) {
      if (session) SSL_shutdown(session.get());
      return;
    }
    total += static_cast<size_t>(size);
    const std::string fresh(bytes, static_cast<size_t>(size));
    if (options_.speaks == Speaks::kBytes) {
      const std::lock_guard lock(mutex_);
      received_ += fresh;
      continue;
    }
    std::string reply;
    buffer += fresh;
    while (serve_request(buffer, fresh, reply)) {
      if (session) {
        SSL_write(session.get(), reply.data(), static_cast<int>(reply.size()));
      } else {
        static_cast<void>(send(connection.number(), reply.data(), reply.size(), MSG_NOSIGNAL));
      }
    }
  }
  // With a reset, as where a machine dies.
  const linger at_once{1, 0};
  setsockopt(connection.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool Receiver::serve_request(std::string& buffer, const std::string&, std::string& reply) {
  const size_t end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const size_t length = buffer.find("Content-Length: ");
  const size_t size = length < end ? std::stoul(buffer.substr(length + 16)) : 0;
  if (buffer.size() < end + 4 + size) return false;
  const std::lock_guard lock(mutex_);
  head_ = buffer.substr(0, end);
  if (status_ == 200) received_ += buffer.substr(end + 4, size) + "\n";
  buffer.erase(0, end + 4 + size);
  reply = "HTTP/1.1 " + std::to_string(status_) + " X\r\n" + answer_head_ +
          "Content-Length: " + std::to_string(answer_body_.size()) + "\r\n\r\n" + answer_body_;
  return true;
}

std::string Receiver::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::string Receiver::last_head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

void Receiver::answer(int status, std::string head, std::string body) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  answer_head_ = std::move(head);
  answer_body_ = std::move(body);
}

}  // namespace detectd::test
