#include "engine/digest.h"

#include <openssl/evp.h>

#include <cassert>
#include <new>

namespace detectd {
namespace {

// Fetched once: an implicit fetch at every EVP_DigestInit costs more than hashing one block.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = [] {
    EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched != nullptr ? fetched : EVP_sha256();
  }();
  return algorithm;
}

std::string encode64(std::string_view bytes, const char* alphabet) {
  std::string text((bytes.size() * 4 + 2) / 3, '\0');
  char* out = text.data();
  uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8) | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6; bits -= 6) *out++ = alphabet[(pending >> (bits - 6)) & 63u];
  }
  if (bits > 0) *out++ = alphabet[(pending << (6 - bits)) & 63u];
  return text;
}

}  // namespace

struct Sha256Hasher::Context {
  Context() : handle(EVP_MD_CTX_new()) {
    if (handle == nullptr) throw std::bad_alloc();
    start();
  }
  ~Context() { EVP_MD_CTX_free(handle); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // The same algorithm again is a reset, which cannot fail but for memory.
  void start() const {
    if (EVP_DigestInit_ex2(handle, sha256(), nullptr) != 1) throw std::bad_alloc();
  }

  EVP_MD_CTX* handle;
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::add(std::string_view bytes) {
  [[maybe_unused]] const int done = EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size());
  assert(done == 1 && "hashing memory cannot fail");
}

void Sha256Hasher::add_number(int64_t number) {
  std::array<char, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>((static_cast<uint64_t>(number) >> (8 * i)) & 0xFFu);
  }
  add({bytes.data(), bytes.size()});
}

void Sha256Hasher::add_part(std::string_view bytes) {
  add_number(static_cast<int64_t>(bytes.size()));
  add(bytes);
}

Sha256 Sha256Hasher::finish() {
  Sha256 digest{};
  [[maybe_unused]] const int done = EVP_DigestFinal_ex(context_->handle, digest.data(), nullptr);
  assert(done == 1 && "hashing memory cannot fail");
  context_->start();
  return digest;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15u];
  }
  return text;
}

std::string hex(const Sha256& digest) {
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string base64url(std::string_view bytes) {
  return encode64(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

std::string base64(std::string_view bytes) {
  std::string text = encode64(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

}  // namespace detectd
