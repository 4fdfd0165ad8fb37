/**
 * Runs a program with limits: of time, of output, of what it is told of this process.
 *
 * @module
 */

/** What a program is given, and how long and how much it may print. */
export interface RunOptions {
  /** What it reads from standard input; nothing without it. */
  readonly input?: string | Uint8Array<ArrayBuffer>;
  /** Variables beside PATH and LC_ALL; nothing of our own environment goes to it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds until it is killed. */
  readonly limitMs?: number;
  /** Bytes of standard output, and of standard error, at which it is killed. */
  readonly limitBytes?: number;
  /** Runs as `nobody`, without any group of ours, where we are root. */
  readonly asNobody?: boolean;
}

/** What a program did. */
export interface Ran {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** The limit that ended it; null where it ended by itself. */
  readonly exceeded: "time" | "output" | null;
}

/** `nobody` and `nogroup` of every Linux. */
const NOBODY = 65534;

const [DEFAULT_LIMIT_MS, DEFAULT_LIMIT_BYTES] = [60_000, 256 * 1024 * 1024];

/** The environment of every program that we start: ours may hold secrets. */
export function childEnvironment(
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: Deno.env.get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", ...more };
}

/**
 * Runs a program until it ends, or is killed at a limit.
 *
 * @throws {Deno.errors.NotFound} when there is no such program.
 */
export async function run(
  [program, ...args]: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<Ran> {
  const { input, limitMs = DEFAULT_LIMIT_MS, limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: childEnvironment(options.environment),
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.asNobody && Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY, cwd: "/" } : {}),
  }).spawn();
  let exceeded: Ran["exceeded"] = null;
  const stopFor = (limit: "time" | "output") => {
    exceeded ??= limit;
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  };
  const timer = setTimeout(() => stopFor("time"), limitMs);
  try {
    const [status, stdout, stderr] = await Promise.all([
      child.status,
      bounded(child.stdout, limitBytes, () => stopFor("output")),
      bounded(child.stderr, limitBytes, () => stopFor("output")),
      input === undefined ? null : feed(child.stdin, input),
    ]);
    return { code: status.signal === null ? status.code : null, stdout, stderr, exceeded };
  } finally {
    clearTimeout(timer);
  }
}

/** Standard output of {@linkcode run} as text. */
export function textOf({ stdout }: Pick<Ran, "stdout">): string {
  return new TextDecoder().decode(stdout);
}

/** The first line that a program wrote to standard error, for an error of ours. */
export function complaintOf({ stderr, exceeded }: Pick<Ran, "stderr" | "exceeded">): string {
  if (exceeded === "time") return "it took too long";
  if (exceeded === "output") return "it printed too much";
  return new TextDecoder().decode(stderr).trim().split("\n")[0] || "it gave no reason";
}

/** Reads a stream up to a limit, and what follows it not at all. */
async function bounded(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
  onExceeded: () => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) {
      onExceeded();
      break;
    }
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** A program may end without reading all of it. */
async function feed(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  input: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  try {
    await new Blob([input]).stream().pipeTo(stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
