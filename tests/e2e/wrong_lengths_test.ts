/**
 * Packets as they are on the wire: wrong lengths at each layer, options that are hard to find, answers
 * that the kernel refuses. Needs root, Kea and bpftrace.
 */

import assert from "node:assert/strict";
import { keaCounters } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { KEAS } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { endsOf, frame4, frame6 } from "./frames.ts";
import { exchangesIn, total, withoutAnswer } from "../../metrics/totals.ts";
import { must, until } from "./run_script.ts";
import { inClient, watched } from "./watched.ts";
import {
  discover,
  option6,
  relayed,
  type Sent,
  solicit,
  type Taken,
  TYPE,
  wrongLengths4,
  wrongLengths6,
} from "./wrong_lengths.ts";

/** The oldest Kea: the others are given the same packets by hand, and by the malformed-packet tests. */
const VERSIONS = ["2.2"] as const satisfies readonly (keyof typeof KEAS)[];

const BOOTP = "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_bootp.so";

/** Sends frames and waits until the server has counted what it takes and what it answers. */
async function send(
  lab: Lab,
  frames: readonly Uint8Array[],
  { received, sent }: { readonly received: number; readonly sent: number },
): Promise<void> {
  const names = [`pkt${lab.family}-received`, `pkt${lab.family}-sent`] as const;
  const before = await keaCounters(lab.controlSocket, names);
  const lines = frames.map((frame) => frame.toHex()).join("\n");
  await inClient(lab, "send_frames.ts", [lab.clientInterface], lines);
  let raised: number[] = [];
  await until(
    async () => {
      const now = await keaCounters(lab.controlSocket, names);
      raised = names.map((name) => now[name]! - before[name]!);
      return raised[0]! >= received && raised[1]! >= sent;
    },
    `Kea takes ${received} and answers ${sent}`,
  ).catch((error) => {
    throw new Error(`${error.message}: ${raised}`);
  });
  assert.deepEqual(raised, [received, sent]);
}

/** Makes the kernel refuse what the server sends, while something runs. */
async function refusing(
  { serverNetns, serverInterface }: Lab,
  sockets: "raw" | "udp",
  work: () => Promise<void>,
): Promise<void> {
  // Answers of Kea are longer than these requests; no rule of a firewall sees what raw sockets send.
  const mtu = (bytes: number) =>
    must("ip", "-n", serverNetns, "link", "set", "dev", serverInterface, "mtu", String(bytes));
  const nft = (rule: string) => must("ip", "netns", "exec", serverNetns, "nft", rule);
  if (sockets === "raw") {
    await mtu(280);
    await work();
    await mtu(1500);
  } else {
    await nft("add table inet test");
    await nft("add chain inet test out { type filter hook output priority 0; }");
    await nft("add rule inet test out udp sport { 67, 547 } drop");
    await work();
    await nft("delete table inet test");
  }
}

const isDhcp = (taken: Taken) => typeof taken === "number";

/** Sends frames, then some of which all but the last are answered in vain. */
async function sendAll<Socket extends "raw" | "udp">(
  lab: Lab,
  sockets: Socket,
  all: readonly ({ readonly frame: Uint8Array } & Readonly<Record<Socket, Taken>>)[],
  short: readonly { readonly frame: Uint8Array }[],
): Promise<void> {
  const received = all.filter((each) => each[sockets] !== null).length;
  const sent = all.filter((each) => isDhcp(each[sockets])).length;
  await send(lab, all.map(({ frame }) => frame), { received, sent });
  const frames = short.map(({ frame }) => frame);
  await refusing(lab, sockets, () => send(lab, frames.slice(1), { received: REFUSED, sent: 0 }));
  // The server does one thing after the other: it counted those, and tried to answer, before it said so.
  await send(lab, frames.slice(0, 1), { received: 1, sent: 1 });
}

/** Holds a document against what the server's sockets took of some frames, and of its answers. */
function assertTaken(
  document: MetricsDocument,
  socket: "raw" | "udp",
  taken: readonly Taken[],
  refused: string,
): void {
  const received = (unit: string) =>
    total(document, "network_traffic", { direction: "received", socket }, unit);
  const dhcp = taken.filter(isDhcp);
  assert.equal(received("packets"), dhcp.length);
  assert.equal(received("bytes"), dhcp.reduce((sum, bytes) => sum + Number(bytes), 0));
  const others = taken.filter((each) => each === "other").length;
  assert.equal(total(document, "error_rate", { kind: "not_dhcp" }), others);
  assert.equal(withoutAnswer(document), 0);
  for (const kind of ["unmatched_answer", "kernel_drop"]) {
    assert.equal(total(document, "error_rate", { kind }), 0, kind);
  }
  assert.equal(total(document, "error_rate", { kind: "send_refused", id: refused }), REFUSED);
  assert.equal(total(document, "error_rate", { kind: "send_refused" }), REFUSED);
  const sent = total(document, "network_traffic", { direction: "sent", socket }, "packets");
  assert.equal(sent, dhcp.length - REFUSED);
  const { answered, refused: unanswered, received: read } = document.ledger!;
  assert.equal(Object.values(answered).reduce((sum, count) => sum + count, 0), sent);
  assert.deepEqual(unanswered, { send_refused: REFUSED, not_dhcp: others });
  assert.equal(read, sent + REFUSED + others);
}

const FRAMES = 30 * 15;

/** So many answers are refused by the kernel, before one that is not. */
const REFUSED = 7;

/** DISCOVERs of which the type is hard to find, or is none: options, and the exchange that they make. */
const WALKS4: readonly (readonly [string, readonly number[]])[] = [
  ["DHCPDISCOVER -> DHCPOFFER", [...new Array<number>(30).fill(0), 53, 1, 1, 255]],
  ["DHCPDISCOVER -> DHCPOFFER", [...new Array<number>(240).fill(0), 53, 1, 1, 255]],
  ["DHCPDISCOVER -> DHCPOFFER", [...many4(39), 53, 1, 1, 255]],
  ["DHCPDISCOVER -> DHCPOFFER", [...many4(10), 53, 2, 1, 1, 255]],
  ["unknown -> DHCPOFFER", [...many4(40), 53, 1, 1, 255]],
  ["BOOTP -> BOOTP", [255]],
  ["BOOTP -> BOOTP", [...many4(39), 255]],
  ["BOOTP -> BOOTP", [...many4(2), 0, 0, 0]],
];

function many4(count: number): number[] {
  return Array.from({ length: count }, (_, index) => [224 + index % 24, 1, index]).flat();
}

const countsOf = (names: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

for (const kea of VERSIONS) {
  for (const sockets of ["raw", "udp"] as const) {
    Deno.test(`wrong lengths and options that are hard to find are counted as Kea takes them, ${sockets} sockets, Kea ${kea}`, async () => {
      await using lab = await startLab({ kea, sockets, threads: 0, hooks: [{ path: BOOTP }] });
      const ends = await endsOf(lab);
      const walks: Sent[] = WALKS4.map(([, options], index) => {
        const payload = discover(5000 + index, options);
        // What Kea does not look at: it answers a DISCOVER that says it is a reply.
        if (index % 2 === 1 && !WALKS4[index]![0].startsWith("BOOTP")) payload[0] = 2;
        const frame = frame4(payload, ends);
        return { frame, raw: payload.length, udp: payload.length };
      });
      const short = Array.from({ length: REFUSED + 1 }, (_, index) => {
        const payload = discover(6000 + index, TYPE, 244);
        return { frame: frame4(payload, ends), raw: payload.length, udp: payload.length };
      });
      const all = [...wrongLengths4(FRAMES, ends), ...walks];
      const document = await watched(lab, kea, "light", () => sendAll(lab, sockets, all, short));
      const taken = [...all, ...short].map((each) => each[sockets]);
      const dhcp = taken.filter(isDhcp).length;
      assertTaken(document, sockets, taken, "DHCPOFFER");
      assert.deepEqual(
        exchangesIn(document),
        countsOf([
          ...new Array<string>(dhcp - walks.length).fill("DHCPDISCOVER -> DHCPOFFER"),
          ...WALKS4.map(([exchange]) => exchange),
        ]),
      );
    });
  }

  Deno.test(`wrong lengths, relays and options in numbers are counted as Kea takes them, DHCPv6, Kea ${kea}`, async () => {
    await using lab = await startLab({ kea, family: 6, threads: 0 });
    const ends = await endsOf(lab);
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => option6(200 + index, [])).flat();
    const nested = (message: number[], hops: number) => {
      let inside = message;
      for (let hop = 0; hop < hops; hop++) inside = relayed(inside);
      return inside;
    };
    let client = 5000;
    const known = [
      ...[0, 11, 14, 38].map((before) => relayed(solicit(client++, many(before)))),
      ...[7, 30, 38].map((before) => relayed(solicit(client++), many(before))),
      ...[2, 5, 8, 31].map((hops) => nested(solicit(client++), hops)),
      relayed(relayed(relayed(solicit(client++, many(14)), many(7)), many(7)), many(7)),
      // Behind as many as the walk takes: known by its transaction id.
      relayed(solicit(client++, many(200))),
    ];
    const unknown = [
      relayed(solicit(client++), many(40)),
      relayed(relayed(solicit(client++), many(20)), many(20)),
    ];
    const walks = [...known, ...unknown].map((message) => {
      const payload = Uint8Array.from(message);
      return { frame: frame6(payload, ends), udp: payload.length };
    });
    const short = Array.from({ length: REFUSED + 1 }, (_, index) => {
      const payload = Uint8Array.from(relayed(relayed(solicit(6000 + index))));
      return { frame: frame6(payload, ends), udp: payload.length };
    });
    const all = [...wrongLengths6(FRAMES, ends), ...walks];
    const document = await watched(lab, kea, "light", () => sendAll(lab, "udp", all, short));
    const taken = [...all, ...short].map(({ udp }) => udp);
    const dhcp = taken.filter(isDhcp).length;
    assertTaken(document, "udp", taken, "ADVERTISE");
    assert.deepEqual(exchangesIn(document), {
      "SOLICIT -> ADVERTISE": dhcp - unknown.length,
      "unknown -> ADVERTISE": unknown.length,
    });
  });
}
