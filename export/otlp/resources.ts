/**
 * The attributes of resources: which server of which host a request is about.
 *
 * @module
 */

import type { ExposedFamily, Labels } from "../prometheus/accumulator.ts";

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
      if (server !== undefined && version !== undefined) this.#versions.set(server, version);
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
