/**
 * Commands to a running Kea over its control socket.
 *
 * @module
 */

import { z } from "zod";
import { type Descriptor, openInRoot } from "../system/libc.ts";
import { reasonOf } from "../system/reason.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { listOf } from "./list_of.ts";

/** Longest wait for an answer: Kea handles commands between packets. */
const LIMIT_MS = 5000;

/** The longest answer that is read, bytes: Kea's with ten thousand subnets has some 10 MB. */
const LIMIT_BYTES = 16 * 2 ** 20;

/**
 * Sends one command and returns its arguments.
 *
 * @param socket path of the socket. In another mount namespace it begins with `/proc/PID/root`, and links are
 * resolved in that root.
 * @throws {DiscoveryError} when there is no answer within 5 s and 16 MiB, or the answer is an error.
 */
export async function keaCommand(
  socket: string,
  command: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { result, text, arguments: found } = await ask(
    socket,
    JSON.stringify({ command, arguments: args }),
  );
  if (result !== 0) throw new DiscoveryError(`Kea refused "${command}": ${text}`);
  return found;
}

/** The expected answer; the sender may not be a Kea. */
const ANSWER = z.object({
  result: z.number(),
  text: z.string().transform((text) => text.slice(0, 500)).optional(),
  arguments: z.unknown().optional(),
});

async function ask(socket: string, request: string): Promise<z.infer<typeof ANSWER>> {
  let limit: ReturnType<typeof setTimeout> | undefined;
  let isLate = false;
  try {
    using place = find(socket);
    using connection = await Deno.connect({
      transport: "unix",
      path: `/proc/self/fd/${place.fd}`,
    });
    limit = setTimeout(() => {
      isLate = true;
      connection.close();
    }, LIMIT_MS);
    const bytes = new TextEncoder().encode(request);
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    return ANSWER.parse(JSON.parse(await textOf(connection)));
  } catch (error) {
    const why = isLate
      ? `no answer within ${LIMIT_MS / 1000} s`
      : error instanceof z.ZodError || error instanceof SyntaxError
      ? "its answer is not Kea's"
      : reasonOf(error);
    throw new DiscoveryError(`Cannot ask Kea at ${socket} (${why})`);
  } finally {
    clearTimeout(limit);
  }
}

/** Finds a socket inside the root in its path. */
function find(socket: string): Descriptor {
  const [, root, path] = /^(\/proc\/\d+\/root)(\/.*)$/s.exec(socket) ?? [null, "/", socket];
  const found = openInRoot(root!, path!);
  if (typeof found === "string") throw new Error(found);
  return found;
}

async function textOf(connection: Deno.Conn): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (const chunk = new Uint8Array(65_536);;) {
    const read = await connection.read(chunk);
    if (read === null) return await new Blob(chunks).text();
    length += read;
    if (length > LIMIT_BYTES) throw new Error(`its answer is longer than ${LIMIT_BYTES} bytes`);
    chunks.push(chunk.slice(0, read));
  }
}

/** The newest values of all of the server's counters, by name. Expensive with many subnets. */
export async function keaStatistics(socket: string): Promise<Record<string, number>> {
  return newest(await keaCommand(socket, "statistic-get-all"));
}

/**
 * The server's counters by name, without those of subnets: Kea 3.1 and later.
 *
 * @throws {DiscoveryError} when the server does not know the command.
 */
async function globalStatistics(socket: string): Promise<Record<string, number>> {
  return newest(await keaCommand(socket, "statistic-global-get-all"));
}

/** Some of the server's counters by name; missing ones are 0. */
export async function keaCounters(
  socket: string,
  names: readonly string[],
): Promise<Record<string, number>> {
  const counters: Record<string, number> = {};
  for (const name of names) {
    const found = newest(await keaCommand(socket, "statistic-get", { name }));
    counters[name] = found[name] ?? 0;
  }
  return counters;
}

/**
 * A way to read a server's counters again and again, without those of its subnets: all that a newer Kea
 * has, some of an older one.
 *
 * @param names of the counters that every Kea has.
 */
export async function counterReader(
  socket: string,
  names: readonly string[],
): Promise<() => Promise<Record<string, number>>> {
  const hasAll = await globalStatistics(socket).then(() => true, () => false);
  return () => hasAll ? globalStatistics(socket) : keaCounters(socket, names);
}

/** Lists of pairs of value and time, by name, the newest first. */
const STATISTICS = z.record(z.string(), listOf(z.array(z.unknown())));

function newest(statistics: unknown): Record<string, number> {
  const found = STATISTICS.safeParse(statistics ?? {});
  if (!found.success) {
    throw new DiscoveryError("Cannot read Kea's statistics: expected pairs by name");
  }
  return Object.fromEntries(
    Object.entries(found.data).map(([name, values]) => [name, Number(values[0]?.[0])]),
  );
}
