#include "engine/digest.h"

// OpenSSL 3.0 gives its new interface a context of its own from the heap at every digest, which costs as much as hashing
// half a kilobyte: most of what is hashed here is shorter.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

namespace detectd {
namespace {

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
  Context() { SHA256_Init(&state); }

  SHA256_CTX state;
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::add(std::string_view bytes) {
  SHA256_Update(&context_->state, bytes.data(), bytes.size());
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
  SHA256_Final(digest.data(), &context_->state);
  SHA256_Init(&context_->state);
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
