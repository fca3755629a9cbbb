#include "src/alerts/webhook_sink.h"

#include <curl/curl.h>

#include <algorithm>
#include <vector>

#include "src/alerts/secret_file.h"

namespace detectd {
namespace {

constexpr size_t kMaxAnswerBytes = 64 << 10;
constexpr size_t kShownBytes = 200;

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using HeaderList = std::unique_ptr<curl_slist, ListFree>;

struct Answer {
  std::string text;
  size_t bytes = 0;
};

size_t take_answer(char* data, size_t, size_t size, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  answer.bytes += size;
  answer.text.append(data, std::min(size, kShownBytes - std::min(kShownBytes, answer.text.size())));
  // Less than was offered ends it.
  return answer.bytes > kMaxAnswerBytes ? 0 : size;
}

int ask_whether_to_end(void* interrupt, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Interrupt*>(interrupt)->raised() ? 1 : 0;
}

std::string part_of(const CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(const_cast<CURLU*>(url), part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

bool is_this_host(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// Of what is wrong with the message itself: sent again it is refused again.
bool is_final(long status) { return status == 400 || status == 413 || status == 415 || status == 422; }

class WebhookSink final : public Sink {
 public:
  explicit WebhookSink(WebhookOptions options) : options_(std::move(options)) {}
  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override;

 private:
  void set_up(const std::string& url, const std::string& body, curl_slist* headers, Answer& answer,
              const Interrupt& interrupt);
  Result<std::string> url() const;
  Result<HeaderList> headers(const Alert& alert) const;

  WebhookOptions options_;
  std::unique_ptr<CURL, CurlFree> curl_;  // keeps its connection
};

Result<std::string> WebhookSink::url() const {
  if (options_.url_file.empty()) return options_.url;
  const auto lines = read_secret_lines(options_.url_file);
  if (!lines) return lines.error();
  if (lines->size() != 1) return Error{Errc::kRules, options_.url_file + ": not one line with a URL"};
  if (const auto mistake = check_webhook_url(lines->front()))
    return Error{Errc::kRules, options_.url_file + ": " + mistake->help};
  return lines->front();
}

Result<HeaderList> WebhookSink::headers(const Alert& alert) const {
  HeaderList list;
  const auto add = [&list](const std::string& header) {
    if (curl_slist* const longer = curl_slist_append(list.get(), header.c_str())) {
      static_cast<void>(list.release());
      list.reset(longer);
    }
  };
  add("Content-Type: application/json");
  add("Expect:");
  // So that a receiver can tell what it has seen before.
  add("Idempotency-Key: " + alert.id);
  if (options_.headers_file.empty()) return list;
  const auto lines = read_headers(options_.headers_file);
  if (!lines) return lines.error();
  for (const std::string& line : *lines) add(line);
  return list;
}

void WebhookSink::set_up(const std::string& url, const std::string& body, curl_slist* headers, Answer& answer,
                         const Interrupt& interrupt) {
  CURL* const curl = curl_.get();
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  const auto timeout_ms = static_cast<long>(std::max<int64_t>(options_.timeout_ns / 1'000'000, 1));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "detectd");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_answer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &ask_whether_to_end);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &interrupt);
}

Delivered WebhookSink::deliver(const Alert& alert, const Interrupt& interrupt) {
  const Result<std::string> to = url();
  if (!to) return try_again(to.error().message);
  const Result<HeaderList> list = headers(alert);
  if (!list) return try_again(list.error().message);
  if (!curl_) curl_.reset(curl_easy_init());
  if (!curl_) return try_again("no memory");
  const std::string body = webhook_body(alert, options_.body);
  Answer answer;
  set_up(*to, body, list->get(), answer, interrupt);
  const CURLcode code = curl_easy_perform(curl_.get());
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  // A receiver that talks on has answered all the same.
  if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && answer.bytes > kMaxAnswerBytes)) {
    curl_.reset();
    return try_again(curl_easy_strerror(code));
  }
  if (status >= 200 && status < 300) return {};
  std::string why = "the receiver answers " + std::to_string(status);
  if (status >= 300 && status < 400) why += ", a redirect, which is not followed";
  if (!answer.text.empty()) why += ": " + answer.text;
  return {is_final(status) ? Delivered::What::kRefused : Delivered::What::kAgain, std::move(why)};
}

}  // namespace

std::optional<UrlMistake> check_webhook_url(const std::string& text) {
  const std::unique_ptr<CURLU, UrlFree> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return UrlMistake{"is no URL", "write it whole: \"https://alerts.example/hook\""};
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme == "https") return std::nullopt;
  if (scheme == "http" && is_this_host(part_of(url.get(), CURLUPART_HOST))) return std::nullopt;
  if (scheme == "http")
    return UrlMistake{"sends alerts unencrypted",
                      "use https://; http:// is for this host itself: 127.0.0.1, localhost"};
  return UrlMistake{"is no URL of the web", "use https://"};
}

std::unique_ptr<Sink> make_webhook_sink(WebhookOptions options) {
  // Not by itself: another thread may be doing the same.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(ready);
  return std::make_unique<WebhookSink>(std::move(options));
}

}  // namespace detectd
