#include "src/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>

namespace detectd {
namespace {

constexpr size_t kStepBytes = size_t{64} << 10;

// Makes room for a step behind `out`'s text, lets `step` fill it, and keeps what it wrote.
template <class Step>
void extend(std::string& out, Step step) {
  const size_t size = out.size();
  out.resize(size + kStepBytes);
  out.resize(size + step(out.data() + size, kStepBytes));
}

class Plain final : public Compressor {
 public:
  void compress(std::string_view text, Until, std::string& out) override { out += text; }
};

class Gzip final : public Compressor {
 public:
  Gzip() {
    constexpr int kGzip = 15 + 16;
    constexpr int kMemory = 8;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Gzip() override { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void compress(std::string_view text, Until until, std::string& out) override {
    do {
      const std::string_view piece = text.substr(0, std::numeric_limits<uInt>::max());
      text.remove_prefix(piece.size());
      compress_piece(piece, text.empty() ? flush_of(until) : Z_NO_FLUSH, out);
    } while (!text.empty());
  }

 private:
  static int flush_of(Until until) {
    switch (until) {
      case Until::kBlock: return Z_SYNC_FLUSH;
      case Until::kEnd: return Z_FINISH;
      default: return Z_NO_FLUSH;
    }
  }

  void compress_piece(std::string_view text, int flush, std::string& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    // Until there is room left over: then nothing waits for any.
    do {
      extend(out, [&](char* to, size_t size) {
        stream_.next_out = reinterpret_cast<Bytef*>(to);
        stream_.avail_out = static_cast<uInt>(size);
        deflate(&stream_, flush);
        return size - stream_.avail_out;
      });
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
};

class Zstd final : public Compressor {
 public:
  Zstd() : stream_(ZSTD_createCCtx()) {
    if (!stream_) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
  }

  void compress(std::string_view text, Until until, std::string& out) override {
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    size_t left = 0;
    do {
      extend(out, [&](char* to, size_t size) {
        ZSTD_outBuffer written{to, size, 0};
        left = ZSTD_compressStream2(stream_.get(), &written, &in, end_of(until));
        // With valid parameters and room there is one way to fail.
        if (ZSTD_isError(left)) throw std::bad_alloc();
        return written.pos;
      });
    } while (in.pos < in.size || (until != Until::kLater && left != 0));
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* stream) const { ZSTD_freeCCtx(stream); }
  };
  static ZSTD_EndDirective end_of(Until until) {
    switch (until) {
      case Until::kBlock: return ZSTD_e_flush;
      case Until::kEnd: return ZSTD_e_end;
      default: return ZSTD_e_continue;
    }
  }

  std::unique_ptr<ZSTD_CCtx, Free> stream_;
};

}  // namespace

std::unique_ptr<Compressor> make_compressor(std::string_view path) {
  if (path.ends_with(".zst")) return std::make_unique<Zstd>();
  if (path.ends_with(".gz")) return std::make_unique<Gzip>();
  return std::make_unique<Plain>();
}

}  // namespace detectd
