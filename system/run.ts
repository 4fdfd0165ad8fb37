/**
 * Runs a program with limits on time, output and memory, and with a clean environment.
 *
 * @module
 */

import { randomInt } from "node:crypto";
import { closeOnExec } from "./libc.ts";

// Descriptors that this process inherited are not for the programs that it starts.
closeOnExec();

/** A program's input and limits. */
export interface RunOptions {
  /** Standard input; default: nothing. */
  readonly input?: string | Uint8Array<ArrayBuffer>;
  /** Variables in addition to PATH and LC_ALL; our own environment is not passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working folder; default: ours. */
  readonly directory?: string;
  /** Milliseconds until it is killed. */
  readonly limitMs?: number;
  /** Its abort kills it, as if the time were over. */
  readonly signal?: AbortSignal;
  /** The limit for standard output and for standard error, bytes; over it, it is killed and its output dropped. */
  readonly limitBytes?: number;
  /**
   * If we are root, runs as a user without a name, another one each time, without our groups: it can do nothing
   * to other processes, nor they to it. Limits its memory and its CPU time, because its input may be made to use
   * them up, and ends it with this process.
   */
  readonly withoutRights?: boolean;
  /** CPU time of a program that runs without rights, seconds; default: 30. A busy machine does not use it up. */
  readonly limitCpuSeconds?: number;
}

/** The result of a program. */
export interface Ran {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** The limit that ended it; null if it ended by itself. */
  readonly exceeded: "time" | "output" | null;
}

/** Numbers of users and groups that have no name: systemd gives them to services for as long as they run. */
const NAMELESS = { first: 61_184, last: 65_519 };

const [DEFAULT_LIMIT_MS, DEFAULT_LIMIT_BYTES] = [60_000, 256 * 1024 * 1024];

/** A program that ends with this process, and gets at most 4 GiB of memory and so many seconds of CPU time. */
function limited(command: readonly string[], cpuSeconds: number): [string, ...string[]] {
  const script = 'ulimit -v 4194304; ulimit -S -t "$1"; shift; exec "$@"';
  return [
    ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
    ...["sh", "-c", script, "sh", String(cpuSeconds), ...command],
  ];
}

/** Its exit statuses if there is no such program. */
const NO_PROGRAM: readonly (number | null)[] = [126, 127];

/** A program that was killed may wait for a file system that does not answer; it is left alone after this time. */
const STUCK_MS = 2000;

/** How long a program's children may hold its pipes after its end, milliseconds. */
const REST_MS = 200;

/** The environment of every program that we start: ours may have secrets. */
export function childEnvironment(
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: Deno.env.get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", ...more };
}

/**
 * Runs a program until it ends, or until a limit kills it. It runs in its own session, without a
 * terminal; a limit kills its whole process group.
 *
 * @throws {Deno.errors.NotFound} when there is no such program.
 */
export async function run(
  command: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<Ran> {
  const { input, limitMs = DEFAULT_LIMIT_MS, limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const id = options.withoutRights === true && Deno.uid() === 0
    ? randomInt(NAMELESS.first, NAMELESS.last + 1)
    : null;
  const directory = id !== null ? "/" : options.directory;
  const [program, ...args] = options.withoutRights
    ? limited(command, options.limitCpuSeconds ?? 30)
    : command;
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: childEnvironment(options.environment),
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
    ...(id !== null ? { uid: id, gid: id } : {}),
    ...(directory === undefined ? {} : { cwd: directory }),
  }).spawn();
  let exceeded: Ran["exceeded"] = null;
  const stuck = Promise.withResolvers<null>();
  let last: ReturnType<typeof setTimeout> | undefined;
  const stopFor = (limit: "time" | "output") => {
    exceeded ??= limit;
    killSession(child.pid);
    last ??= setTimeout(() => stuck.resolve(null), STUCK_MS);
  };
  const onAbort = () => stopFor("time");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const outputs = [child.stdout, child.stderr].map((stream) =>
    new BoundedOutput(stream, limitBytes, () => stopFor("output"))
  );
  let timer = setTimeout(() => stopFor("time"), limitMs);
  try {
    const fed = input === undefined ? null : feed(child.stdin, input);
    const status = await Promise.race([child.status, stuck.promise]);
    if (status?.signal === "SIGXCPU") exceeded ??= "time";
    clearTimeout(timer);
    timer = setTimeout(() => {
      killSession(child.pid);
      for (const output of outputs) output.end();
    }, REST_MS);
    const [stdout, stderr] = await Promise.all(outputs.map(({ bytes }) => bytes));
    if (status === null) {
      child.unref();
      return { code: null, stdout: stdout!, stderr: stderr!, exceeded };
    }
    await fed;
    const code = status.signal === null ? status.code : null;
    if (options.withoutRights && NO_PROGRAM.includes(code)) {
      throw new Deno.errors.NotFound(`There is no ${command[0]}`);
    }
    return { code, stdout: stdout!, stderr: stderr!, exceeded };
  } finally {
    for (const each of [timer, last]) clearTimeout(each);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

/** Kills a program and its children, except those that left its process group. */
function killSession(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    // It has ended.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
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

/** The last line that a program wrote to standard error, for an error of ours. */
export function lastWordsOf({ stderr }: Pick<Ran, "stderr">): string {
  return new TextDecoder().decode(stderr).trim().split("\n").at(-1)!;
}

/**
 * Runs a program that must succeed.
 *
 * @param failed makes the error from the last line that the program wrote to standard error.
 * @returns what it printed, trimmed.
 */
export async function outputOf(
  command: readonly [string, ...string[]],
  failed: (why: string) => Error,
  options?: RunOptions,
): Promise<string> {
  const ran = await run(command, options);
  if (ran.code !== 0) throw failed(ran.exceeded === null ? lastWordsOf(ran) : complaintOf(ran));
  return textOf(ran).trim();
}

/** Reads a stream; nothing if it has more bytes than a limit. */
class BoundedOutput {
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

  constructor(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    limit: number,
    onExceeded: () => void,
  ) {
    this.#reader = stream.getReader();
    this.bytes = this.#read(limit, onExceeded);
  }

  /** Stops reading. */
  end(): void {
    this.#reader.cancel();
  }

  async #read(limit: number, onExceeded: () => void): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
      length += next.value.length;
      if (length > limit) {
        onExceeded();
        await this.#reader.cancel();
        return new Uint8Array();
      }
      chunks.push(next.value);
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }
}

/** Writes the input; a program may end without reading all of it. */
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
