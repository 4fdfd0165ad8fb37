/**
 * The few calls of the C library that Deno has no door to.
 *
 * @module
 */

/** Numbers of the bpf system call. */
const SYS_BPF: Partial<Record<typeof Deno.build.arch, number>> = { x86_64: 321, aarch64: 280 };

/** include/uapi/linux/bpf.h */
const BPF_PROG_GET_FD_BY_ID = 13;

/** include/uapi/linux/time.h */
const [CLOCK_REALTIME, CLOCK_BOOTTIME] = [0, 7];

let opened: ReturnType<typeof open> | undefined;

function open() {
  try {
    return Deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
      syscall: { parameters: ["i64", "i64", "buffer", "i64"], result: "i64" },
      close: { parameters: ["i32"], result: "i32" },
    }).symbols;
  } catch {
    return null;
  }
}

const libc = () => opened ??= open();

/**
 * How far the wall clock is ahead of the clock that BPF programs read, nanoseconds; 0 where that
 * cannot be told. It changes only when somebody sets the clock: NTP's slewing moves both.
 */
export function wallClockOffset(): bigint {
  const library = libc();
  if (library === null) return 0n;
  const read = (clock: number) => {
    const time = new BigInt64Array(2);
    library.clock_gettime(clock, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  };
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

/**
 * What the kernel tells of a loaded BPF program, as in /proc/PID/fdinfo of one who holds it; null
 * when it is gone or cannot be asked for.
 */
export function programInfo(id: number): string | null {
  const number = SYS_BPF[Deno.build.arch];
  const library = libc();
  if (library === null || number === undefined) return null;
  // union bpf_attr: prog_id, next_id, open_flags.
  const request = new Uint32Array([id, 0, 0]);
  const fd = Number(
    library.syscall(BigInt(number), BigInt(BPF_PROG_GET_FD_BY_ID), request, 12n),
  );
  if (fd < 0) return null;
  try {
    return Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  } finally {
    library.close(fd);
  }
}
