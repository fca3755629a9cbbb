// TLS over a connected socket, the receiver's certificate verified; the only file of the edges that sees OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "src/alerts/stream.h"

namespace detectd {

struct TlsOptions {
  std::string host;     // whose certificate it must be
  std::string ca_file;  // empty: who the system trusts
};
// At least TLS 1.2. Handshake included.
Result<std::unique_ptr<Stream>> make_tls_stream(Fd socket, const TlsOptions& options, int64_t deadline_ns,
                                                const Interrupt& interrupt);

}  // namespace detectd
