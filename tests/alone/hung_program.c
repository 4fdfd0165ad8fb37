// A server that holds the lock of its memory map for ever, once it is asked to. It serves a FUSE file system at argv[1] itself, by a child
// that never answers a read; on SIGUSR1 it maps a file of it whose page is being read, and the kernel waits for
// that page while it holds the lock.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void answer(int device, __u64 unique, int error, const void *data, size_t size) {
  struct fuse_out_header header = {sizeof header + size, error, unique};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)data, size}};
  writev(device, parts, size ? 2 : 1);
}

static struct fuse_attr attributes(__u64 node) {
  return (struct fuse_attr){
      .ino = node, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1, .size = 1 << 20};
}

static void serve(int device) {
  static char buffer[1 << 20];
  int opened = 0;
  // It ends, whatever becomes of the test.
  alarm(180);
  for (;;) {
    if (read(device, buffer, sizeof buffer) < (ssize_t)sizeof(struct fuse_in_header)) exit(1);
    struct fuse_in_header *in = (void *)buffer;
    if (in->opcode == FUSE_INIT) {
      struct fuse_init_out out = {.major = 7, .minor = 31, .max_write = 65536};
      answer(device, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_LOOKUP) {
      struct fuse_entry_out out = {.nodeid = 2, .attr_valid = 1000, .entry_valid = 1000, .attr = attributes(2)};
      answer(device, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_GETATTR) {
      struct fuse_attr_out out = {.attr_valid = 1000, .attr = attributes(in->nodeid)};
      answer(device, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_OPEN) {
      // The second one bypasses the cache: to map it, the kernel must drop the page that the first one reads.
      // Then programs such as ps hang, and no watch of the host has probes in files: not for long.
      if (opened) alarm(60);
      struct fuse_open_out out = {.fh = 1, .open_flags = opened++ ? FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE : 0};
      answer(device, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_READ) {
      puts("reading");
      fflush(stdout);
    } else if (in->opcode != FUSE_FORGET && in->opcode != FUSE_INTERRUPT) {
      answer(device, in->unique, -ENOSYS, NULL, 0);
    }
  }
}

static void child_of(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) exit(1);
}

int main(int argc, char **argv) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[100], path[4096];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
  if (argc < 2 || mount("hung", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) return perror("mount"), 1;
  snprintf(path, sizeof path, "%s/file", argv[1]);
  pid_t self = getpid();
  if (fork() == 0) child_of(self), serve(device);
  // Without a server, the kernel waits no longer.
  close(device);
  if (fork() == 0) {
    child_of(self);
    int file = open(path, O_RDONLY);
    char byte;
    return read(file, &byte, 1);
  }
  puts("ready");
  fflush(stdout);
  sigwaitinfo(&wanted, NULL);
  int file = open(path, O_RDONLY);
  mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
  pause();
}
