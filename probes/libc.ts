/**
 * The few calls of the C library that Deno has no door to.
 *
 * @module
 */

/** Number of the bpf system call. */
const SYS_BPF: Partial<Record<typeof Deno.build.arch, number>> = { x86_64: 321, aarch64: 280 };

/** Numbers of system calls that are the same everywhere. */
const [SYS_PIDFD_OPEN, SYS_PIDFD_GETFD] = [434n, 438n];

/** Commands of bpf, include/uapi/linux/bpf.h. */
const [BPF_PROG_GET_FD_BY_ID, BPF_ENABLE_STATS] = [13, 32];

/** include/uapi/linux/time.h */
const [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME] = [0, 1, 7];

/** The library; null where there is none, as on macOS. */
const library = open();

function open() {
  try {
    return Deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
      syscall: { parameters: ["i64", "i64", "buffer", "i64"], result: "i64" },
      plain: { name: "syscall", parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
      ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    }).symbols;
  } catch {
    return null;
  }
}

/** A time that no BPF program that runs later can read before, nanoseconds; 0 where it cannot be read. */
export function monotonicTime(): bigint {
  // Programs read CLOCK_BOOTTIME, which is never behind it, or on kernels before 5.8 this very clock.
  return library === null ? 0n : readClock(library, CLOCK_MONOTONIC);
}

function readClock({ clock_gettime }: NonNullable<typeof library>, clock: number): bigint {
  const time = new BigInt64Array(2);
  clock_gettime(clock, time);
  return time[0]! * 1_000_000_000n + time[1]!;
}

/**
 * How far the wall clock is ahead of the clock that BPF programs read, nanoseconds; 0 where that
 * cannot be told. It changes only when somebody sets the clock: NTP's slewing moves both.
 */
export function wallClockOffset(): bigint {
  if (library === null) return 0n;
  const read = (clock: number) => readClock(library, clock);
  // The reading that was interrupted least.
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

/** @returns a file descriptor, or null where the kernel refuses. */
function bpf(command: number, attributes: Uint32Array<ArrayBuffer>): number | null {
  const number = SYS_BPF[Deno.build.arch];
  if (library === null || number === undefined) return null;
  const size = BigInt(attributes.byteLength);
  const fd = Number(library.syscall(BigInt(number), BigInt(command), attributes, size));
  return fd < 0 ? null : fd;
}

/**
 * What the kernel tells of a loaded BPF program, as in /proc/PID/fdinfo of one who holds it; null
 * when it is gone or cannot be asked for.
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
 * Has the kernel count runs and time of all BPF programs until disposed, or until this process ends.
 *
 * @returns null where it does not (Linux before 5.8).
 */
export function countPrograms(): Disposable | null {
  // union bpf_attr: BPF_STATS_RUN_TIME.
  const fd = bpf(BPF_ENABLE_STATS, new Uint32Array([0]));
  return fd === null ? null : { [Symbol.dispose]: () => void library!.close(fd) };
}

/** A file descriptor of this process for what one of another process stands for. */
export interface Borrowed extends Disposable {
  readonly fd: number;
  /** ioctl(2). @returns whether it succeeded. */
  readonly control: (request: number, argument?: Uint32Array<ArrayBuffer>) => boolean;
}

/**
 * Borrows a file descriptor of another process.
 *
 * @returns null where it is gone, or the kernel cannot (Linux before 5.6) or may not lend it.
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
