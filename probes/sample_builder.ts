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
import { GroupNames } from "./group_names.ts";
import type { Maps } from "./printed_maps.ts";
import {
  answeredIn,
  ReadingDifferences,
  renamingOf,
  requestsIn,
  statementUsers,
} from "./readings.ts";
import { ServerSampler } from "./server_sample.ts";
import { STATEMENT_MAPS, StatementNames } from "./statement_names.ts";
import { TopLists } from "./top_lists.ts";

/** What a {@linkcode SampleBuilder} rests on. */
export interface SampleSources {
  readonly server: Server;
  /** The number of the segment. */
  readonly segment: number;
  readonly prepared: Prepared;
  readonly overhead: OverheadMeter;
  /** Text of the server's /proc/PID/maps. */
  readonly mapped: string;
  /** The functions that a file exports. */
  readonly functionsOf: Preparation["functionsOf"];
  /** How many clients and relays are listed. */
  readonly top: number;
  /** How the address of a client or relay is shown. */
  readonly shown: (address: string) => string;
}

/** Makes the samples of one segment. */
export class SampleBuilder {
  readonly #server: Server;
  readonly #segment: number;
  readonly #counters: Prepared["counters"];
  readonly #overhead: OverheadMeter;
  readonly #callouts: CalloutNames;
  readonly #statements: StatementNames;
  readonly #top: TopLists;
  readonly #groups: GroupNames;
  readonly #differences: ReadingDifferences;
  readonly #unanswered = new Unanswered();
  readonly #sampler: ServerSampler;
  /** The last names, as text. */
  #names = JSON.stringify(NO_NAMES);

  constructor(sources: SampleSources) {
    const { server, segment, prepared, overhead, mapped, functionsOf, top, shown } = sources;
    const { plan, hookPoints, statements, counters } = prepared;
    const { pid, family } = server;
    this.#server = server;
    this.#segment = segment;
    this.#counters = counters;
    this.#overhead = overhead;
    this.#sampler = new ServerSampler(pid);
    this.#top = new TopLists({ family, most: top, shown });
    const groups = this.#groups = new GroupNames({ pid, family, shown });
    const bases = basesOf(mapped);
    const callouts = this.#callouts = new CalloutNames(server, hookPoints, functionsOf);
    const named = this.#statements = new StatementNames({
      pid,
      statements,
      users: statementUsers(plan, bases),
      numberAt: Number(factOf(plan, "number") ?? 0),
    });
    this.#differences = new ReadingDifferences({
      ...renamingOf(plan, bases),
      ...groups.renaming,
      ...renaming(CALLOUT_MAPS, (key) => callouts.renumbered(key)),
      ...renaming(STATEMENT_MAPS, (key) => named.renamed(key)),
    });
  }

  /** The first sample: it counts nothing. */
  async baseline(maps: Maps, nsecs: number, elapsedNs: number): Promise<Sample> {
    this.#top.begin(maps);
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
    await this.#groups.learn(maps);
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
      maps: { ...this.#differences.next({ ...maps, ...statistics }), ...this.#top.next(maps) },
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
