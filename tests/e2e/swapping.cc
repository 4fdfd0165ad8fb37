// What an attacker loads into a kea-dhcp4: with SIGUSR1 the process runs, or maps, another file than before.
//   SWAP_TO    the other file
//   SWAP_FROM  end of the path of the library that it is mapped over; empty: it becomes the program
// The other program does nothing.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

void map_over(const char *from, const char *to) {
  int file = open(to, O_RDONLY);
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[8192];
  while (fgets(line, sizeof line, maps) != nullptr) {
    unsigned long start, end, offset;
    char rights[5];
    line[strcspn(line, "\n")] = 0;
    size_t length = strlen(line), tail = strlen(from);
    if (length < tail || strcmp(line + length - tail, from) != 0) continue;
    if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, rights, &offset) != 4) continue;
    if (strcmp(rights, "r-xp") != 0) continue;
    mmap(reinterpret_cast<void *>(start), end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, offset);
  }
  fclose(maps);
}

void swap(int) {
  const char *from = getenv("SWAP_FROM"), *to = getenv("SWAP_TO");
  if (*from != 0) return map_over(from, to);
  setenv("SWAPPED", "1", 1);
  execl(to, to, nullptr);
}

__attribute__((constructor)) void begin() {
  if (getenv("SWAPPED") != nullptr) for (;;) pause();
  signal(SIGUSR1, swap);
}

}
