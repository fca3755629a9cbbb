#include "src/alerts/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace detectd {
namespace {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SessionFree {
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, ContextFree>;
using Session = std::unique_ptr<SSL, SessionFree>;

std::string library_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "the connection was closed";
}

class TlsStream final : public Stream {
 public:
  TlsStream(Fd socket, Context context, Session session)
      : socket_(std::move(socket)), context_(std::move(context)), session_(std::move(session)) {}

  Status handshake(int64_t deadline_ns, const Interrupt& interrupt);
  Status send(std::string_view bytes, int64_t deadline_ns, const Interrupt& interrupt) override;
  Status finish(int64_t deadline_ns, const Interrupt& interrupt) override;
  bool has_ended() const override {
    return socket_has_ended(socket_.number()) && SSL_pending(session_.get()) == 0;
  }

 private:
  // Waits for what the library wants after `result`; an error where it can not go on.
  Status go_on(int result, const char* what, int64_t deadline_ns, const Interrupt& interrupt);

  Fd socket_;
  Context context_;
  Session session_;
};

Status TlsStream::go_on(int result, const char* what, int64_t deadline_ns, const Interrupt& interrupt) {
  const int system = errno;
  const int error = SSL_get_error(session_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    const Waited waited =
        wait_for(socket_.number(), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline_ns, interrupt);
    return waited == Waited::kReady ? Status() : waited_in_vain(waited, what);
  }
  const long verified = SSL_get_verify_result(session_.get());
  std::string why;
  if (verified != X509_V_OK) {
    why = std::string("the certificate of the receiver is not accepted: ") +
          X509_verify_cert_error_string(verified);
  } else if (error == SSL_ERROR_SYSCALL && system != 0) {
    why = std::strerror(system);
  } else {
    why = library_error();
  }
  ERR_clear_error();
  return Error{Errc::kSystem, std::string(what) + ": " + why};
}

Status TlsStream::handshake(int64_t deadline_ns, const Interrupt& interrupt) {
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(session_.get());
    if (result == 1) return {};
    if (Status status = go_on(result, "TLS", deadline_ns, interrupt); !status) return status;
  }
}

Status TlsStream::send(std::string_view bytes, int64_t deadline_ns, const Interrupt& interrupt) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const int part = static_cast<int>(std::min<size_t>(bytes.size(), 16 << 10));
    const int result = SSL_write(session_.get(), bytes.data(), part);
    if (result > 0) {
      bytes.remove_prefix(static_cast<size_t>(result));
    } else if (Status status = go_on(result, "send", deadline_ns, interrupt); !status) {
      return status;
    }
  }
  return {};
}

Status TlsStream::finish(int64_t deadline_ns, const Interrupt& interrupt) {
  ERR_clear_error();
  const int sent = SSL_shutdown(session_.get());
  if (sent == 1) return {};
  if (sent < 0) {
    if (Status status = go_on(sent, "close", deadline_ns, interrupt); !status) return status;
  }
  // A receiver whose library says nothing back closes the connection: that, too, is behind what it read.
  shutdown(socket_.number(), SHUT_WR);
  char dropped[4096];
  for (size_t total = 0; total < (64u << 10);) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read(session_.get(), dropped, sizeof dropped);
    if (result > 0) {
      total += static_cast<size_t>(result);
      continue;
    }
    const int system = errno;
    const int error = SSL_get_error(session_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) return {};
    if (error == SSL_ERROR_SYSCALL && system == 0) return {};
    if (error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return {};
    errno = system;
    if (Status status = go_on(result, "close", deadline_ns, interrupt); !status) return status;
  }
  return Error{Errc::kSystem, "the receiver talks and does not listen"};
}

}  // namespace

Result<std::unique_ptr<Stream>> make_tls_stream(Fd socket, const TlsOptions& options, int64_t deadline_ns,
                                                const Interrupt& interrupt) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Error{Errc::kSystem, "TLS: " + library_error()};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool trusts = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                              : SSL_CTX_load_verify_locations(
                                                    context.get(), options.ca_file.c_str(), nullptr) == 1;
  if (!trusts) return Error{Errc::kSystem, "TLS: " + options.ca_file + ": " + library_error()};
  Session session(SSL_new(context.get()));
  if (!session || SSL_set_fd(session.get(), socket.number()) != 1)
    return Error{Errc::kSystem, "TLS: " + library_error()};
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session.get());
  // An address is not a name: it stands elsewhere in a certificate, and is not told to the receiver.
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, options.host.c_str()) != 1) {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(session.get(), options.host.c_str()) != 1 ||
        SSL_set_tlsext_host_name(session.get(), options.host.c_str()) != 1) {
      return Error{Errc::kSystem, "TLS: " + library_error()};
    }
  }
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(context), std::move(session));
  if (Status status = stream->handshake(deadline_ns, interrupt); !status) return status.error();
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace detectd
