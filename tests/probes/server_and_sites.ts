/** A server and sites as discovery finds them on Debian 12 (Kea 2.2.0), for tests of pure code. */

import type { MappedFile, Server } from "../../discovery/types.ts";
import type { Site, SiteSearch } from "../../discovery/sites/types.ts";
import type { KernelOffsets } from "../../probes/kernel_offsets.ts";
import type { Facts } from "../../probes/plan.ts";

export const EXECUTABLE: MappedFile = {
  path: "/usr/sbin/kea-dhcp4",
  pinnedPath: "/proc/4242/exe",
  device: "fe:00",
  inode: 1001,
  buildId: "7d1c0ffee0",
  replaced: false,
};

export const LIBRARY: MappedFile = {
  path: "/usr/lib/x86_64-linux-gnu/libkea-log.so.35.0.0",
  pinnedPath: "/proc/4242/map_files/7f0000000000-7f0000010000",
  device: "fe:00",
  inode: 1002,
  buildId: "10c0ffee01",
  replaced: false,
};

/** Linux 6.18, x86-64. */
export const KERNEL: KernelOffsets = {
  task_struct: { stack: 32, real_parent: 1280, tgid: 1268, exit_code: 1164, files: 1824 },
  files_struct: { fdt: 32 },
  fdtable: { fd: 8 },
  file: { f_inode: 32 },
  inode: { i_mode: 0 },
  sk_buff: { sk: 24 },
  sock_common: { skc_family: 16 },
  sock: { sk_protocol: 532 },
};

export function server(changes: Partial<Server> = {}): Server {
  return {
    pid: 4242,
    family: 4,
    version: "2.2.0",
    executable: EXECUTABLE,
    libraries: [LIBRARY],
    host: "dhcp-1",
    startTicks: 100,
    sockets: ["raw"],
    leaseFile: { path: "/var/lib/kea/kea-leases4.csv", fd: 15 },
    threads: 7,
    cpus: 2,
    workerThreads: 4,
    debugLoggers: [],
    hookLibraries: [],
    databases: { leases: null, others: [] },
    ...changes,
  };
}

export function site(id: string, changes: Partial<Site> = {}): Site {
  const file = changes.file ?? EXECUTABLE;
  const address = changes.address ?? 0x7927d;
  return {
    id,
    file,
    address,
    symbol: null,
    entrySymbol: null,
    class: "emulated",
    hitsPerPacket: 0,
    proof: {
      buildId: file.buildId!,
      device: file.device,
      inode: file.inode,
      function: { start: address - 0x10, end: address + 0x10, from: "eh_frame" },
      bytes: "e82e74fbff",
      instruction: "call 306b0",
      target: null,
    },
    ...changes,
  };
}

/** Every site that the profiles ask for. */
export const SITES: readonly Site[] = [
  site("exceptions.throw", { file: LIBRARY, symbol: "__cxa_throw" }),
  site("allocation.start.0", { hitsPerPacket: 1 }),
  site("allocation.end.0", { address: 0x7928d, hitsPerPacket: 1 }),
  site("lease_file.start.add", { file: LIBRARY, address: 0x2000, hitsPerPacket: 0.5 }),
  site("lease_file.end.add", { file: LIBRARY, address: 0x2010, hitsPerPacket: 0.5 }),
  site("lease_file.throw", { file: LIBRARY, symbol: "__cxa_throw" }),
  site("log.warn", { file: LIBRARY, symbol: "warn" }),
  site("log.error", { file: LIBRARY, symbol: "error" }),
  site("log.fatal", { file: LIBRARY, symbol: "fatal" }),
  site("log.info", { file: LIBRARY, symbol: "info", hitsPerPacket: 1.5 }),
  ...["process", "parsed", "committed", "packed"].map((edge, index) =>
    site(`stages.${edge}.0`, { address: 0x70000 + 0x100 * index, hitsPerPacket: 1 })
  ),
  site("statistics.drop.0", { address: 0x3add6 }),
  ...[
    "addLease4",
    "updateLease4",
    "deleteLease4",
    "getLease4_address",
    "getLease4_hwaddr",
    "getLease4_client_id",
  ].flatMap((operation, index) => [
    site(`lease_manager.${operation}.start.0`, { file: LIBRARY, address: 0x1000 + 0x100 * index }),
    site(`lease_manager.${operation}.end.0`, { file: LIBRARY, address: 0x1010 + 0x100 * index }),
  ]),
];

/** Facts for a plan of a server that is known in all else. */
export function factsOf(
  server: Server,
  search: SiteSearch,
  changes: Partial<Facts> = {},
): Facts {
  return {
    server,
    search,
    receiveCall: { known: "read" },
    hookPoints: { known: [] },
    // Before Linux 6.3.
    kernel: { hasRegisters: true, reportsSockets: false },
    hasCounters: false,
    ...changes,
  };
}
