/** The processing time against the wire, packet by packet. Needs root, Kea and tcpdump. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { histogramsOf } from "../../metrics/totals.ts";
import { startMonitor } from "./monitored.ts";
import { until } from "./run_script.ts";

const EXCHANGES = 41;

/** A DHCP packet on the wire. */
interface Seen {
  readonly nanoseconds: bigint;
  readonly transaction: number;
  readonly message: number;
}

/** Reads a pcap file of nanosecond time stamps, little-endian, Ethernet: DHCP with option 53 first. */
function parsePcap(bytes: Uint8Array): Seen[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.equal(view.getUint32(0, true), 0xa1b23c4d, "expected a pcap file with nanoseconds");
  const seen: Seen[] = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = view.getUint32(at + 8, true);
    const frame = at + 16;
    seen.push({
      nanoseconds: BigInt(view.getUint32(at, true)) * 1_000_000_000n +
        BigInt(view.getUint32(at + 4, true)),
      transaction: view.getUint32(frame + 46),
      message: bytes[frame + 284]!,
    });
    at = frame + length;
  }
  return seen;
}

/** Times from each request of a kind to its answer on the wire, in the order of requests. */
function wireTimes(seen: readonly Seen[], request: number, answer: number): number[] {
  return seen.filter(({ message }) => message === request).map(({ nanoseconds, transaction }) => {
    const found = seen.find((other) =>
      other.message === answer && other.transaction === transaction
    );
    assert.ok(found, `no answer to ${transaction} on the wire`);
    return Number(found.nanoseconds - nanoseconds);
  });
}

/** Watches single exchanges, and what of them tcpdump sees meanwhile. */
async function watched(kea: "2.2" | "2.6"): Promise<{ document: MetricsDocument; seen: Seen[] }> {
  await using lab = await startLab({ kea });
  const pcap = join(lab.directory, "wire.pcap");
  const tcpdump = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.serverNetns, "tcpdump", "-U", "--immediate-mode"],
      ...["--time-stamp-precision=nano", "-i", lab.serverInterface, "-w", pcap, "udp port 67"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(async () => (await Deno.stat(pcap).catch(() => null)) !== null, "tcpdump runs");

  // Four exchanges per second and five windows: a window holds one packet of a kind, mostly.
  await using monitored = await startMonitor(lab.pid, ["--interval", "0.2"]);
  await runPerfdhcp(lab, { rate: 4, exchanges: EXCHANGES });
  const { document } = await monitored.stop();
  tcpdump.kill("SIGINT");
  await tcpdump.status;
  return { document, seen: parsePcap(await Deno.readFile(pcap)) };
}

/** Counts and sums of a metric by message, window after window, where there were any. */
const byWindow = ({ windows }: MetricsDocument, metric: string, message: string) =>
  windows.flatMap(({ series }) => histogramsOf({ totals: series }, metric, { message }));

/** Packets that are compared together. */
interface Group {
  readonly count: number;
  /** Processing and wait of all of them, nanoseconds. */
  readonly time: number;
  readonly wait: number;
}

/**
 * Pairs times with waits of the same packets. On a busy machine a window may hold two packets of a kind,
 * and a packet its wait in one window and its time in the next: then several windows are one group.
 */
function together(
  times: readonly HistogramSeries[],
  waits: readonly HistogramSeries[],
): readonly Group[] {
  const groups: Group[] = [];
  let [count, time, wait, waited, next] = [0, 0, 0, 0, 0];
  for (const window of times) {
    count += window.count;
    time += Number(window.sum);
    for (; waited < count && next < waits.length; next++) {
      waited += waits[next]!.count;
      wait += Number(waits[next]!.sum);
    }
    if (waits.length > 0 && waited !== count) continue;
    groups.push({ count, time, wait });
    [count, time, wait, waited] = [0, 0, 0, 0];
  }
  return groups;
}

/**
 * Kea 2.2 does not know how long a packet lay in its socket, which is most of its time on a busy
 * machine: then the packets that it read soonest count.
 */
for (
  const { kea, parts, of, least } of [
    { kea: "2.2", parts: "packet_processing_time", of: 0.1, least: 0.3 },
    { kea: "2.6", parts: "packet_processing_time and packet_socket_wait", of: 1, least: 0.6 },
  ] as const
) {
  Deno.test(`${parts} of single exchanges are within their time on the wire (Kea ${kea})`, async () => {
    const { document, seen } = await watched(kea);
    for (
      const [message, request, answer] of [["DHCPDISCOVER", 1, 2], ["DHCPREQUEST", 3, 5]] as const
    ) {
      const wire = wireTimes(seen, request, answer);
      const ours = byWindow(document, "packet_processing_time", message);
      const waits = byWindow(document, "packet_socket_wait", message);
      const count = (series: readonly HistogramSeries[]) =>
        series.reduce((sum, { count }) => sum + count, 0);
      assert.ok(wire.length >= EXCHANGES, `${wire.length} exchanges`);
      assert.equal(count(ours), wire.length);
      assert.equal(count(waits), kea === "2.2" ? 0 : wire.length);
      let next = 0;
      const shares = together(ours, waits).map(({ count, time, wait }) => {
        const onTheWire = wire.slice(next, next += count).reduce((total, time) => total + time, 0);
        // The kernel's time stamps are in whole microseconds.
        return (time + Math.max(0, wait - 1000 * count)) / onTheWire;
      });
      assert.ok(shares.length >= 0.3 * EXCHANGES, `only ${shares.length} packets or groups`);
      const above = shares.filter((share) => share > 1);
      assert.deepEqual(above, [], `${message}: more than on the wire`);
      const meanOf = (some: readonly number[]) =>
        some.reduce((total, share) => total + share, 0) / some.length;
      console.log(`${message}: on average ${meanOf(shares).toFixed(2)} of the time on the wire`);
      const largest = shares.toSorted((a, b) => b - a).slice(0, Math.ceil(of * shares.length));
      assert.ok(meanOf(largest) >= least, `${message}: ${meanOf(largest).toFixed(2)} of it`);
    }
  });
}
