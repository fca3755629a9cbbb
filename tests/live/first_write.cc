// A program without a library, whose first instruction is write(2): what it has written before it was stopped can
// be counted. Its output is whatever its standard output is.
extern "C" [[noreturn]] void _start() {
  static const char kText[] = "it ran\n";
#if defined(__x86_64__)
  long result = 1;  // write
  asm volatile("syscall"
               : "+a"(result)
               : "D"(1L), "S"(kText), "d"(sizeof kText - 1)
               : "rcx", "r11", "memory");
  asm volatile("syscall" : : "a"(60L), "D"(0L) : "rcx", "r11", "memory");  // exit
#elif defined(__aarch64__)
  register long number asm("x8") = 64;
  register long first asm("x0") = 1;
  register const char* second asm("x1") = kText;
  register long third asm("x2") = sizeof kText - 1;
  asm volatile("svc 0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
  number = 93;
  first = 0;
  asm volatile("svc 0" : : "r"(number), "r"(first) : "memory");
#endif
  __builtin_unreachable();
}
