/**
 * The few calls of the C library that Deno does not offer.
 *
 * @module
 */

/** Number of the bpf system call. */
const SYS_BPF: Partial<Record<typeof Deno.build.arch, number>> = { x86_64: 321, aarch64: 280 };

/** Numbers of system calls that are the same everywhere. */
const [SYS_PIDFD_OPEN, SYS_OPENAT2, SYS_PIDFD_GETFD] = [434n, 437n, 438n];

/** Commands of bpf, include/uapi/linux/bpf.h. */
const [BPF_PROG_GET_FD_BY_ID, BPF_ENABLE_STATS] = [13, 32];

/** include/uapi/linux/time.h */
const [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME] = [0, 1, 7];

/** The library; null without one, as on macOS. */
const library = open();

function open() {
  try {
    return Deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
      syscall: { parameters: ["i64", "i64", "buffer", "i64"], result: "i64" },
      plain: { name: "syscall", parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
      ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
      readlink: { parameters: ["buffer", "buffer", "u64"], result: "i64" },
      close: { parameters: ["i32"], result: "i32" },
      open: { parameters: ["buffer", "i32"], result: "i32" },
      openLater: { name: "open", parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
      openat2: {
        name: "syscall",
        parameters: ["i64", "i64", "buffer", "buffer", "u64"],
        result: "i64",
      },
      memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
      sendfile: { parameters: ["i32", "i32", "pointer", "u64"], result: "i64" },
      fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
      socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
      sendto: {
        parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
        result: "i64",
      },
      errno: { name: "__errno_location", parameters: [], result: "pointer" },
    }).symbols;
  } catch {
    return null;
  }
}

/** A lower bound of the times that BPF programs read from now on, nanoseconds; 0 if it cannot be read. */
export function monotonicTime(): bigint {
  // Programs read CLOCK_BOOTTIME, which is never behind it, or before Linux 5.8 this clock itself.
  return library === null ? 0n : readClock(library, CLOCK_MONOTONIC);
}

/** An upper bound of the times that BPF programs have read so far, nanoseconds; 0 if it cannot be read. */
export function bootTime(): bigint {
  return library === null ? 0n : readClock(library, CLOCK_BOOTTIME);
}

function readClock({ clock_gettime }: NonNullable<typeof library>, clock: number): bigint {
  const time = new BigInt64Array(2);
  clock_gettime(clock, time);
  return time[0]! * 1_000_000_000n + time[1]!;
}

/**
 * How far the wall clock is ahead of the clock that BPF programs read, nanoseconds; 0 if it cannot be
 * read. It changes only when the clock is set: NTP's slewing moves both.
 */
export function wallClockOffset(): bigint {
  if (library === null) return 0n;
  const read = (clock: number) => readClock(library, clock);
  // Take the reading that was interrupted least.
  let best = { width: 2n ** 62n, offset: 0n };
  for (let reading = 0; reading < 20; reading++) {
    const before = read(CLOCK_BOOTTIME);
    const wall = read(CLOCK_REALTIME);
    const after = read(CLOCK_BOOTTIME);
    const width = after - before;
    if (width < best.width) best = { width, offset: wall - before - width / 2n };
  }
  return best.offset;
}

/** @returns a file descriptor, or null if the kernel refuses. */
function bpf(command: number, attributes: Uint32Array<ArrayBuffer>): number | null {
  const number = SYS_BPF[Deno.build.arch];
  if (library === null || number === undefined) return null;
  const size = BigInt(attributes.byteLength);
  const fd = Number(library.syscall(BigInt(number), BigInt(command), attributes, size));
  return fd < 0 ? null : fd;
}

/**
 * What the kernel reports of a loaded BPF program, as in /proc/PID/fdinfo of its owner; null when it is
 * gone or cannot be read.
 */
export function programInfo(id: number): string | null {
  // union bpf_attr: prog_id, next_id, open_flags.
  const fd = bpf(BPF_PROG_GET_FD_BY_ID, new Uint32Array([id, 0, 0]));
  if (fd === null) return null;
  try {
    return Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  } finally {
    library!.close(fd);
  }
}

/**
 * Makes the kernel count runs and time of all BPF programs until disposed, or until this process ends.
 *
 * @returns null if it cannot (Linux before 5.8).
 */
export function countPrograms(): Disposable | null {
  // union bpf_attr: BPF_STATS_RUN_TIME.
  const fd = bpf(BPF_ENABLE_STATS, new Uint32Array([0]));
  return fd === null ? null : { [Symbol.dispose]: () => void library!.close(fd) };
}

/** A file descriptor of this process for an open file of another process. */
export interface Borrowed extends Disposable {
  readonly fd: number;
  /** ioctl(2). @returns whether it succeeded. */
  readonly control: (request: number, argument?: Uint32Array<ArrayBuffer>) => boolean;
}

/**
 * Borrows a file descriptor of another process.
 *
 * @returns null if it is gone, or the kernel cannot (Linux before 5.6) or must not lend it.
 */
export function borrowDescriptor(pid: number, fd: number): Borrowed | null {
  if (library === null) return null;
  const process = Number(library.plain(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n));
  if (process < 0) return null;
  const borrowed = Number(library.plain(SYS_PIDFD_GETFD, BigInt(process), BigInt(fd), 0n));
  library.close(process);
  if (borrowed < 0) return null;
  return {
    fd: borrowed,
    control: (request, argument) =>
      library.ioctl(borrowed, BigInt(request), argument ?? null) === 0,
    [Symbol.dispose]: () => void library.close(borrowed),
  };
}

/** A file descriptor of this process. */
export interface Descriptor extends Disposable {
  readonly fd: number;
}

function descriptor(fd: number): Descriptor {
  return { fd, [Symbol.dispose]: () => void library!.close(fd) };
}

const cString = (text: string) => new TextEncoder().encode(`${text}\0`);

/** include/uapi/asm-generic/fcntl.h */
const [O_DIRECTORY, O_PATH, O_CLOEXEC] = Deno.build.arch === "aarch64"
  ? [0o40000, 0o10000000, 0o2000000]
  : [0o200000, 0o10000000, 0o2000000];

/** include/uapi/linux/openat2.h */
const [RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT] = [0x02n, 0x10n];

/** Errors of opening a path, include/uapi/asm-generic/errno.h. */
const WHY: Readonly<Record<number, string>> = {
  1: "permission is denied",
  2: "there is no such file",
  3: "its process has ended",
  11: "another process has a lease on it and lets no one open it",
  13: "permission is denied",
  20: "a part of its path is no folder",
  24: "too many files are open: raise the limit, ulimit -n",
  36: "its name is too long",
  38: "this kernel has no openat2: Linux 5.6 or later is expected",
  40: "its links lead nowhere",
};

/**
 * Finds a file without opening it (O_PATH), each of its links resolved inside a root.
 *
 * @param root a folder; `/proc/PID/root` is that of a process.
 * @returns a descriptor, or why there is none, in words for people.
 */
export function openInRoot(root: string, path: string): Descriptor | string {
  if (library === null) return "this system has no libc.so.6";
  if (path.includes("\0")) return "its name holds a zero byte";
  const at = library.open(cString(root), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return why();
  // struct open_how: flags, mode, resolve.
  const how = new BigUint64Array([
    BigInt(O_PATH | O_CLOEXEC),
    0n,
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  ]);
  const size = BigInt(how.byteLength);
  const fd = Number(library.openat2(SYS_OPENAT2, BigInt(at), cString(path), how, size));
  const reason = fd < 0 ? why() : "";
  library.close(at);
  return fd < 0 ? reason : descriptor(fd);
}

/** The reason why the last call failed. */
function why(): string {
  const errno = new Deno.UnsafePointerView(library!.errno()!).getInt32();
  return WHY[errno] ?? `error ${errno}`;
}

/** fcntl(2) */
const [F_SETFD, FD_CLOEXEC] = [2, 1];

/**
 * Keeps all open descriptors of this process from programs that it starts, except the sealed copies
 * of other threads, which are made for them.
 */
export function closeOnExec(): void {
  if (library === null) return;
  for (const { name } of [...Deno.readDirSync("/proc/self/fd")]) {
    if (Number(name) <= 2 || isSealedCopy(name)) continue;
    library.fcntl(Number(name), F_SETFD, FD_CLOEXEC);
  }
}

const COPY_NAME = "kea-ebpf-copy";

function isSealedCopy(fd: string): boolean {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`).startsWith(`/memfd:${COPY_NAME}`);
  } catch {
    // It has been closed.
    return false;
  }
}

/**
 * Finds a file without opening it (O_PATH): its type can be checked without side effects.
 *
 * @param path chosen by us; all of its links are followed, those of /proc too.
 * @returns a descriptor, or why there is none, in words for people.
 */
export function openPath(path: string): Descriptor | string {
  if (library === null) return "this system has no libc.so.6";
  const fd = library.open(cString(path), O_PATH | O_CLOEXEC);
  return fd < 0 ? why() : descriptor(fd);
}

/** The same in another thread: null if it cannot be found. */
export async function openPathLater(path: string): Promise<Descriptor | null> {
  const fd = await library?.openLater(cString(path), O_PATH | O_CLOEXEC) ?? -1;
  return fd < 0 ? null : descriptor(fd);
}

/** include/uapi/asm-generic/fcntl.h */
const [O_RDONLY, O_NONBLOCK] = [0, 0o4000];

/**
 * Opens a file for reading without waiting. Its owner can make others wait for it (fcntl(2), F_SETLEASE), for
 * 45 s each time. While this is open, the owner cannot.
 *
 * @returns a descriptor, or why there is none, in words for people.
 */
export function openAtOnce(path: string): Descriptor | string {
  if (library === null) return "this system has no libc.so.6";
  const fd = library.open(cString(path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  return fd < 0 ? why() : descriptor(fd);
}

/** The longest target of a link that is read, bytes: a path of Linux. */
const PATH_MAX = 4096;

const target = new Uint8Array(PATH_MAX);
const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * The target of a link of /proc; null if there is none, we may not read it, or it is not UTF-8. A kernel thread has
 * none, and hosts have hundreds of those: `Deno.readLinkSync()` makes an error with its stack for each.
 */
export function linkTarget(link: string): string | null {
  if (library === null) {
    try {
      return Deno.readLinkSync(link);
    } catch {
      return null;
    }
  }
  const length = Number(library.readlink(cString(link), target, BigInt(PATH_MAX)));
  if (length < 0) return null;
  try {
    return strict.decode(target.subarray(0, length));
  } catch {
    return null;
  }
}

/** include/uapi/linux/memfd.h and fcntl.h: no further seal, no change of length, no writing. */
const [MFD_ALLOW_SEALING, F_ADD_SEALS, SEALS] = [0x2, 1033, 0x1 | 0x2 | 0x4 | 0x8];

/** The most that one sendfile copies, bytes. */
const PIECE = 2 ** 30;

/**
 * Copies a regular file into memory that no one can change and that children of this process inherit.
 *
 * @param from an open descriptor of it, at its start.
 * @param limitBytes the most that is copied.
 * @returns a descriptor, or why there is none, in words for people.
 */
export function sealedMemory(from: number, limitBytes: number): Descriptor | string {
  if (library === null) return "this system has no libc.so.6";
  const fd = library.memfd_create(cString(COPY_NAME), MFD_ALLOW_SEALING);
  let [done, last] = [0, fd < 0 ? -1 : 1];
  while (last > 0 && done <= limitBytes) {
    last = Number(library.sendfile(fd, from, null, BigInt(Math.min(PIECE, limitBytes + 1 - done))));
    done += Math.max(last, 0);
  }
  const isSealed = last >= 0 && library.fcntl(fd, F_ADD_SEALS, SEALS) >= 0;
  const reason = isSealed ? `it is larger than ${limitBytes} bytes` : why();
  if (isSealed && done <= limitBytes) return descriptor(fd);
  if (fd >= 0) library.close(fd);
  return reason;
}

/** include/linux/socket.h and include/linux/net.h */
const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT, MSG_NOSIGNAL] = [1, 2, 0x40, 0x4000];

/** The longest path of a socket, bytes: struct sockaddr_un. */
const LONGEST_SOCKET_PATH = 107;

/**
 * Sends a datagram to a Unix socket, without waiting.
 *
 * @param path its path; `@` at the start stands for the zero byte of an abstract name.
 * @returns whether it was sent.
 */
export function sendDatagram(path: string, text: string): boolean {
  const encoder = new TextEncoder();
  const name = encoder.encode(path);
  if (library === null || name.length > LONGEST_SOCKET_PATH) return false;
  const isAbstract = path.startsWith("@");
  if (isAbstract) name[0] = 0;
  // struct sockaddr_un; the length of an abstract name counts, a path ends with a zero byte.
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  address[0] = AF_UNIX;
  address.set(name, 2);
  const fd = library.socket(AF_UNIX, SOCK_DGRAM | O_CLOEXEC, 0);
  if (fd < 0) return false;
  const bytes = encoder.encode(text);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const sent = library.sendto(
    fd,
    bytes,
    BigInt(bytes.length),
    flags,
    address,
    address.length,
  );
  library.close(fd);
  return Number(sent) === bytes.length;
}
