// Alerts by HTTP POST, one a request.
#pragma once

#include <memory>
#include <string>

#include "src/alerts/sink.h"
#include "src/alerts/webhook_body.h"

namespace detectd {

struct WebhookOptions {
  std::string url = {};
  std::string url_file = {};      // instead: a file whose first line is the URL, where that is a secret
  std::string headers_file = {};  // empty: none; read for each request, so that a secret may change
  BodyFormat body = BodyFormat::kJson;
  std::string ca_file = {};  // empty: who the system trusts
  int64_t timeout_ns = 10'000'000'000;
};
// Certificates are verified, redirects not followed, no proxy is taken from the environment, and of an answer 64 KiB
// are read at most.
std::unique_ptr<Sink> make_webhook_sink(WebhookOptions options);

// Whether alerts may be sent there: https, or http to this host itself. Otherwise why not.
struct UrlMistake {
  std::string message, help;
};
std::optional<UrlMistake> check_webhook_url(const std::string& text);

}  // namespace detectd
