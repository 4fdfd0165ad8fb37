/**
 * The attributes of resources: which server of which host a request is about.
 *
 * @module
 */

import type { ExposedFamily, Labels } from "../prometheus/accumulator.ts";

/** The most servers whose versions are remembered: more than are exposed. */
const MOST = 128;

/** Remembers the version of a server that has stopped: a resource is one through restarts. */
export class Resources {
  readonly #host: string;
  readonly #attributes: Labels;
  readonly #versions = new Map<string, string>();

  /**
   * @param host the name of this host.
   * @param attributes what the user has set; it wins.
   */
  constructor(host: string, attributes: Labels) {
    this.#host = host;
    this.#attributes = attributes;
  }

  /** Takes the versions of the servers that run. */
  update(families: readonly ExposedFamily[]): void {
    const info = families.find(({ family }) => family.name === "server_info");
    for (const { labels: { server, version } } of info?.series ?? []) {
      if (server === undefined || version === undefined) continue;
      this.#versions.delete(server);
      this.#versions.set(server, version);
    }
    // Names come and go without an end; those that run are the newest.
    for (const server of this.#versions.keys().take(Math.max(0, this.#versions.size - MOST))) {
      this.#versions.delete(server);
    }
  }

  /** The attributes of a server by its name; of the exporter itself for null. */
  of(server: string | null): Labels {
    if (server === null) {
      return {
        "service.name": "kea-ebpf-exporter",
        "service.instance.id": this.#host,
        "host.name": this.#host,
        ...this.#attributes,
      };
    }
    const version = this.#versions.get(server);
    return {
      "service.name": `kea-${server.replace(/@.*/s, "")}`,
      "service.instance.id": `${this.#host}/${server}`,
      "host.name": this.#host,
      ...version === undefined ? {} : { "service.version": version },
      ...this.#attributes,
    };
  }
}
