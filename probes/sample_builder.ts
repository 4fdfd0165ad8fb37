/**
 * Makes the samples of a capture from readings of the programs' maps, /proc and sock_diag.
 *
 * @module
 */

import { basesOf } from "../discovery/mapped_files.ts";
import type { Server } from "../discovery/types.ts";
import type { Sample } from "../metrics/capture.ts";
import { type Names, NO_NAMES } from "../metrics/counted_maps.ts";
import { Unanswered } from "../metrics/unanswered.ts";
import { CALLOUT_MAPS, CalloutNames } from "./callout_names.ts";
import { demangleTypes } from "./exception_names.ts";
import { readHost } from "./host_sample.ts";
import type { Preparation, Prepared } from "./preparation.ts";
import type { OverheadMeter } from "./overhead_meter.ts";
import type { Maps } from "./probe_run.ts";
import {
  answeredIn,
  ReadingDifferences,
  renamingOf,
  requestsIn,
  statementUsers,
} from "./readings.ts";
import { ServerSampler } from "./server_sample.ts";
import { STATEMENT_MAPS, StatementNames } from "./statement_names.ts";

/** Makes the samples of one segment. */
export class SampleBuilder {
  readonly #server: Server;
  readonly #segment: number;
  readonly #counters: Prepared["counters"];
  readonly #overhead: OverheadMeter;
  readonly #callouts: CalloutNames;
  readonly #statements: StatementNames;
  readonly #differences: ReadingDifferences;
  readonly #unanswered = new Unanswered();
  readonly #sampler: ServerSampler;
  /** The last names, as text. */
  #names = JSON.stringify(NO_NAMES);

  /**
   * @param maps text of the server's /proc/PID/maps.
   * @param functionsOf the functions that a file exports.
   */
  constructor(
    server: Server,
    segment: number,
    { plan, hookPoints, statements, counters }: Prepared,
    overhead: OverheadMeter,
    maps: string,
    functionsOf: Preparation["functionsOf"],
  ) {
    this.#server = server;
    this.#segment = segment;
    this.#counters = counters;
    this.#overhead = overhead;
    this.#sampler = new ServerSampler(server.pid);
    const bases = basesOf(maps);
    const callouts = this.#callouts = new CalloutNames(server, hookPoints, functionsOf);
    const named = this.#statements = new StatementNames({
      pid: server.pid,
      statements,
      users: statementUsers(plan, bases),
      numberAt: Number(factOf(plan, "number") ?? 0),
    });
    this.#differences = new ReadingDifferences({
      ...renamingOf(plan, bases),
      ...renaming(CALLOUT_MAPS, (key) => callouts.renumbered(key)),
      ...renaming(STATEMENT_MAPS, (key) => named.renamed(key)),
    });
  }

  /** The first sample: it counts nothing. */
  async baseline(maps: Maps, nsecs: number, elapsedNs: number): Promise<Sample> {
    this.#unanswered.begin(requestsIn(maps, this.#server.family), answeredIn(maps));
    return { ...await this.next(maps, nsecs, elapsedNs), maps: {} };
  }

  /**
   * The next sample.
   *
   * @param nsecs when the maps were read, by the clock of the programs.
   * @param elapsedNs the same since the start of the capture.
   */
  async next(maps: Maps, nsecs: number, elapsedNs: number): Promise<Sample> {
    await this.#callouts.learn(maps);
    await this.#statements.learn(maps);
    const statistics = this.#counters === null
      ? {}
      : { "@statistics": await this.#counters.read() };
    const requests = this.#unanswered.next(
      nsecs,
      requestsIn(maps, this.#server.family),
      answeredIn(maps),
    );
    return {
      type: "sample",
      segment: this.#segment,
      elapsed_ns: elapsedNs,
      maps: this.#differences.next({ ...maps, ...statistics }),
      requests: {
        unanswered: Object.fromEntries(requests.unanswered),
        late: Object.fromEntries(requests.late),
        pending: Object.fromEntries(requests.pending),
      },
      ...await this.#newNames(maps),
      process: await this.#sampler.process(),
      sockets: this.#sampler.sockets(this.#server.sockets),
      host: await readHost(this.#server.pid),
      cost: await this.#overhead.read(),
    };
  }

  async #newNames(maps: Maps): Promise<{ readonly names?: Names }> {
    const exceptions = await demangleTypes(Object.keys(maps["@exceptions"] ?? {}));
    const names = { exceptions, ...this.#callouts.names };
    const text = JSON.stringify(names);
    if (text === this.#names) return {};
    this.#names = text;
    return { names: structuredClone(names) };
  }
}

function renaming(names: Iterable<string>, rename: (key: string) => string) {
  return Object.fromEntries(Array.from(names, (name) => [name, rename]));
}

/** A fact from the plan's sites. */
function factOf({ sources }: Prepared["plan"], name: string): string | undefined {
  return sources.flatMap(({ sites }) => sites).find(({ facts }) => facts?.[name] !== undefined)
    ?.facts?.[name];
}
