/**
 * Commands to a running Kea over its control socket.
 *
 * @module
 */

import { DiscoveryError } from "./discovery_error.ts";

/** Longest wait for an answer: Kea takes commands between packets. */
const LIMIT_MS = 5000;

/**
 * Sends one command and returns its arguments.
 *
 * @param socket path of the socket; that of another mount namespace through `/proc/PID/root`.
 * @throws {DiscoveryError} when nobody answers, or the server answers with an error.
 */
export async function keaCommand(
  socket: string,
  command: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const answer = await ask(socket, JSON.stringify({ command, arguments: args }));
  if (answer.result !== 0) throw new DiscoveryError(`Kea refused "${command}": ${answer.text}`);
  return answer.arguments;
}

interface Answer {
  readonly result: number;
  readonly text?: string;
  readonly arguments?: unknown;
}

async function ask(socket: string, request: string): Promise<Answer> {
  let limit: ReturnType<typeof setTimeout> | undefined;
  try {
    using connection = await Deno.connect({ transport: "unix", path: socket });
    limit = setTimeout(() => connection.close(), LIMIT_MS);
    await connection.write(new TextEncoder().encode(request));
    return JSON.parse(await new Response(connection.readable).text());
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/ \(os error.*/s, "") : error;
    throw new DiscoveryError(`Cannot ask Kea at ${socket} (${why})`);
  } finally {
    clearTimeout(limit);
  }
}

/** All of the server's counters by name, their newest values. Dear with many subnets. */
export async function keaStatistics(socket: string): Promise<Record<string, number>> {
  return newest(await keaCommand(socket, "statistic-get-all"));
}

/** A few of the server's counters by name; those that it does not have are 0. */
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

function newest(statistics: unknown): Record<string, number> {
  return Object.fromEntries(
    Object.entries(statistics as Record<string, [number, string][]>).map((
      [name, values],
    ) => [name, Number(values[0]?.[0])]),
  );
}
