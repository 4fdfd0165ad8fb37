/**
 * A real Hollow producer on this machine, for tests and benchmarks. Needs Java and Maven.
 *
 * @module
 */

import { ensureProducer, SHORT_LIVED } from "../../hollow/producer/ensure_producer.ts";

/** A running producer. Disposing ends it, and removes its data. */
export interface Producer extends AsyncDisposable {
  /** The base URL. */
  readonly base: string;
  /** Its folder; each dataset is a folder in it. */
  readonly data: string;
  readonly pid: number;
  /** What it has written to standard error so far. */
  readonly log: () => string;
  /** Ends it with a signal, and waits until it is gone. */
  kill(signal: Deno.Signal): Promise<void>;
}

/** Options of {@linkcode startProducer}. */
export interface ProducerOptions {
  /** More of its command line. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** A folder that outlives it. */
  readonly data?: string;
  readonly port?: number;
  /** Network namespace to run in. */
  readonly netns?: string;
}

/** Starts the producer's own process, without the script around it. */
export async function startProducer(options: ProducerOptions = {}): Promise<Producer> {
  const { args = [], env = {}, port = 0, netns } = options;
  const { jar } = await ensureProducer();
  const data = options.data ?? await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--"],
      ...(netns === undefined ? [] : ["ip", "netns", "exec", netns]),
      ...["java", ...SHORT_LIVED, "-jar", jar, "--port", String(port), "--data", data, ...args],
    ],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [printed, log] = ["", ""];
  const listens = Promise.withResolvers<void>();
  const reading = Promise.all([
    collect(child.stdout, (text) => {
      printed += text;
      if (printed.includes("\n")) listens.resolve();
    }),
    collect(child.stderr, (text) => log += text),
  ]);
  const status = child.status;
  let ended = false;
  status.then(() => ended = true);
  await Promise.race([listens.promise, reading]);
  if (!printed.includes("\n")) {
    await status;
    if (options.data === undefined) await Deno.remove(data, { recursive: true });
    throw new Error(`The producer ended: ${log}`);
  }
  const kill = async (signal: Deno.Signal) => {
    if (!ended) child.kill(signal);
    await status;
    await reading;
  };
  return {
    base: printed.split("\n")[0]!,
    data,
    pid: child.pid,
    log: () => log,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill("SIGKILL");
      if (options.data === undefined) await Deno.remove(data, { recursive: true });
    },
  };
}

/** Reads a stream to its end, and hands out its text as it comes. */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
