/**
 * Packets that the kernel drops at the sockets of a DHCP client.
 *
 * @module
 */

/** Watches the DHCP sockets of a process's network namespace until it is disposed. */
export class ClientDrops implements Disposable {
  /** Drops by socket, the newest. */
  readonly #drops = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param pid any process of the namespace. */
  constructor(pid: number) {
    const look = () => {
      for (const [inode, drops] of dropsIn(pid)) this.#drops.set(inode, drops);
    };
    look();
    this.#timer = setInterval(look, 50);
  }

  /** Dropped packets so far. */
  get packets(): number {
    return this.#drops.values().reduce((sum, drops) => sum + drops, 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Drops of the UDP sockets on the ports of DHCP, by inode: the last column of the two tables. */
function* dropsIn(pid: number): Generator<[string, number]> {
  for (const [name, ports] of Object.entries(PORTS)) {
    let table = "";
    try {
      table = Deno.readTextFileSync(`/proc/${pid}/net/${name}`);
    } catch {
      // It has ended, and the last counts are kept; or the host has no IPv6.
    }
    for (const line of table.split("\n")) {
      const fields = line.trim().split(/\s+/);
      if (ports.test(fields[1] ?? "")) yield [fields[9]!, Number(fields[12] ?? 0)];
    }
  }
}

/** Ports of servers and clients, by table: 67 and 68, 546 and 547. */
const PORTS = { udp: /:00(43|44)$/, udp6: /:022[23]$/ };
