/**
 * Commands to a lab's server over its control socket.
 *
 * @module
 */

import { LabError } from "./lab.ts";

/**
 * Sends one command and returns its arguments.
 *
 * @throws {LabError} when the server answers with an error.
 */
export async function keaCommand(
  socket: string,
  command: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  await connection.write(new TextEncoder().encode(JSON.stringify({ command, arguments: args })));
  const text = await new Response(connection.readable).text();
  const answer = JSON.parse(text) as { result: number; text?: string; arguments?: unknown };
  if (answer.result !== 0) throw new LabError(`Kea refused "${command}": ${answer.text}`);
  return answer.arguments;
}

/** All of the server's counters by name, their newest values. */
export async function keaStatistics(socket: string): Promise<Record<string, number>> {
  const all = await keaCommand(socket, "statistic-get-all") as Record<string, [number, string][]>;
  return Object.fromEntries(
    Object.entries(all).map(([name, values]) => [name, Number(values[0]?.[0])]),
  );
}
