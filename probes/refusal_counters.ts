/**
 * Kea's own counters of refused packets, used if the calls that raise them are not all known.
 *
 * @module
 */

import { controlSocketsOf } from "../discovery/configuration/server_configuration.ts";
import { counterReader } from "../discovery/control_channel.ts";
import type { Server } from "../discovery/types.ts";
import { REFUSAL_COUNTERS } from "../discovery/sites/statistics.ts";

/** The counters of one server, through its control socket. */
export class RefusalCounters {
  readonly #ask: () => Promise<Record<string, number>>;
  #last: Record<string, number>;

  private constructor(
    ask: () => Promise<Record<string, number>>,
    first: Record<string, number>,
  ) {
    this.#ask = ask;
    this.#last = first;
  }

  /** @returns null if the server has no control socket, or does not answer. */
  static async of(
    { pid, family }: Pick<Server, "pid" | "family">,
  ): Promise<RefusalCounters | null> {
    try {
      const [socket] = await controlSocketsOf(pid);
      if (socket === undefined) return null;
      const names = REFUSAL_COUNTERS.filter((name) => name.startsWith(`pkt${family}-`));
      const read = await counterReader(socket, names);
      const ask = async () => {
        const all = await read();
        return Object.fromEntries(
          names.flatMap((name) => all[name] === undefined ? [] : [[name, all[name]]]),
        );
      };
      return new RefusalCounters(ask, await ask());
    } catch {
      return null;
    }
  }

  /** The current counters by name; the previous ones if Kea does not answer. */
  async read(): Promise<Record<string, number>> {
    this.#last = await this.#ask().catch(() => this.#last);
    return this.#last;
  }
}
