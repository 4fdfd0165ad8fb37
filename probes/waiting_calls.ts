/**
 * System calls by number, x86-64: those in which a thread waits, and for what; those that move packets.
 *
 * @module
 */

/**
 * Numbers of system calls by what a thread waits for in them; `descriptor`: for what its first argument is.
 * All others are `other`: sleeping, waiting for a child or a signal, io_uring. From Linux
 * arch/x86/entry/syscalls/syscall_64.tbl, where no number ever changes.
 */
export const WAITING_CALLS = {
  lock: {
    ...{ futex: 202, futex_waitv: 449, futex_wait: 455, futex_requeue: 456 },
    ...{ semop: 65, semtimedop: 220, flock: 73, fcntl: 72 },
  },
  disk: {
    ...{ open: 2, close: 3, stat: 4, fstat: 5, lstat: 6, lseek: 8, msync: 26, access: 21 },
    ...{ fsync: 74, fdatasync: 75, truncate: 76, ftruncate: 77, getdents: 78, getcwd: 79 },
    ...{ rename: 82, mkdir: 83, rmdir: 84, creat: 85, link: 86, unlink: 87, symlink: 88 },
    ...{ readlink: 89, chmod: 90, fchmod: 91, chown: 92, fchown: 93, statfs: 137, fstatfs: 138 },
    ...{ sync: 162, readahead: 187, io_getevents: 208, io_submit: 209, getdents64: 217 },
    ...{ fadvise64: 221, openat: 257, mkdirat: 258, newfstatat: 262, unlinkat: 263, renameat: 264 },
    ...{ linkat: 265, sync_file_range: 277, fallocate: 285, syncfs: 306, renameat2: 316 },
    ...{ copy_file_range: 326, statx: 332, openat2: 437 },
  },
  network: {
    ...{ poll: 7, select: 23, connect: 42, accept: 43, sendto: 44, recvfrom: 45, sendmsg: 46 },
    ...{ recvmsg: 47, shutdown: 48, epoll_wait: 232, pselect6: 270, ppoll: 271, epoll_pwait: 281 },
    ...{ accept4: 288, recvmmsg: 299, sendmmsg: 307, epoll_pwait2: 441 },
  },
  memory: {
    ...{ mmap: 9, mprotect: 10, munmap: 11, brk: 12, mremap: 25, mincore: 27, madvise: 28 },
    ...{ mlock: 149, munlock: 150, mlockall: 151, munlockall: 152, mlock2: 325 },
  },
  descriptor: {
    ...{ read: 0, write: 1, pread64: 17, pwrite64: 18, readv: 19, writev: 20, sendfile: 40 },
    ...{ preadv: 295, pwritev: 296, preadv2: 327, pwritev2: 328 },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Numbers of the system calls that move packets. */
export const CALL_NUMBERS = {
  read: WAITING_CALLS.descriptor.read,
  recvmsg: WAITING_CALLS.network.recvmsg,
  sendto: WAITING_CALLS.network.sendto,
  sendmsg: WAITING_CALLS.network.sendmsg,
} as const;

/** The conditions of waits.bt, by what a thread waits for: whether `$call` is one of its calls. */
export const WAIT_CONDITIONS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(WAITING_CALLS).map(([what, calls]) => [
    what,
    Object.values(calls).toSorted((a, b) => a - b).map((number) => `$call == ${number}`)
      .join(" || "),
  ]),
);
