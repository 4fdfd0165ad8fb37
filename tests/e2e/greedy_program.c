// A process that, once it is asked to with SIGUSR1, takes far more than a server has: argv[1] is descriptors, threads or
// mappings, argv[2] how many, argv[3] an empty folder.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void *idle(void *nothing) {
  pause();
  return nothing;
}

static void another_descriptor(void) {
  if (dup(0) < 0) perror("dup"), exit(1);
}

static void another_thread(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  if (pthread_create(&thread, &attributes, idle, NULL) != 0) perror("thread"), exit(1);
}

// Neighbours with the same rights would be one mapping; each has the file's path, of nearly 4,096 bytes.
static void another_mapping(void) {
  static int file = -1, last;
  char name[251];
  memset(name, 'a', 250);
  name[250] = 0;
  for (int depth = 0; file < 0 && depth < 15; depth++)
    if (mkdir(name, 0755) != 0 || chdir(name) != 0) perror("folder"), exit(1);
  if (file < 0) file = open("file", O_RDWR | O_CREAT, 0644), ftruncate(file, 4096);
  int rights = (last = !last) ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mmap(NULL, 4096, rights, MAP_SHARED, file, 0) == MAP_FAILED) perror("mmap"), exit(1);
}

int main(int argc, char **argv) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc < 4 || chdir(argv[3]) != 0) return 1;
  sigwaitinfo(&wanted, NULL);
  void (*another)(void) = argv[1][0] == 'd' ? another_descriptor : argv[1][0] == 't' ? another_thread : another_mapping;
  for (int count = 0; count < atoi(argv[2]); count++) another();
  puts("done");
  fflush(stdout);
  for (;;) pause();
}
