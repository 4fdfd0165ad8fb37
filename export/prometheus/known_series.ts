/**
 * What is exposed at 0 before its first event: a series that appears with an event loses it in `rate()`.
 *
 * @module
 */

import type { CaptureHeader } from "../../metrics/capture.ts";
import type { Accumulator, Labels } from "./accumulator.ts";
import { SOURCES } from "./families.ts";

/** Requests of clients, each with its usual answers. */
const EXCHANGES: Readonly<Record<4 | 6, Readonly<Record<string, readonly string[]>>>> = {
  4: {
    DHCPDISCOVER: ["DHCPOFFER"],
    DHCPREQUEST: ["DHCPACK", "DHCPNAK"],
    DHCPINFORM: ["DHCPACK"],
    unknown: [],
  },
  6: {
    SOLICIT: ["ADVERTISE"],
    REQUEST: ["REPLY"],
    CONFIRM: ["REPLY"],
    RENEW: ["REPLY"],
    REBIND: ["REPLY"],
    RELEASE: ["REPLY"],
    DECLINE: ["REPLY"],
    INFORMATION_REQUEST: ["REPLY"],
  },
};

/** Requests for which Kea allocates a lease. */
const ALLOCATING: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ["DHCPDISCOVER", "DHCPREQUEST"],
  6: ["SOLICIT", "REQUEST"],
};

type Known = readonly [family: string, labels: Labels];

/** What each program counts that is known without an event. */
const BY_PROGRAM: Readonly<Record<string, (family: 4 | 6) => readonly Known[]>> = {
  "packets_raw.bt": () => socket("raw"),
  "packets_udp.bt": () => socket("udp"),
  "packets_v6.bt": () => socket("udp"),
  // Types come with the first exception; the family is there from the start.
  "exceptions.bt": () => [["exceptions_total", { exception: "other" }]],
  "lease_file.bt": () => [
    ["lease_file_failures_total", { operation: "lease_file_write_failed", status: "write" }],
    ["database_query_seconds", { backend: "memfile", statement: "lease_file_write" }],
  ],
  "allocation.bt": allocations,
  "allocation_v6.bt": allocations,
  "partner.bt": () =>
    ["sent", "received"].flatMap((direction) =>
      ["lease_update", "heartbeat"].map((command): Known => [
        "partner_request_seconds",
        { direction, command },
      ])
    ),
  "callouts.bt": (family) => [
    ["callouts_unfinished_total", {}],
    ["packet_parked_seconds", { hook_point: `leases${family}_committed` }],
    ["packets_parked", { hook_point: `leases${family}_committed` }],
  ],
};

/** Exposes what is known of a server that is watched from now on. */
export function exposeKnown(
  accumulator: Accumulator,
  server: string,
  { server: { family }, plan, slow_ns }: Pick<CaptureHeader, "server" | "plan" | "slow_ns">,
): void {
  const known: readonly Known[] = [
    ...packets(family),
    ...slow_ns === undefined ? [] : [["slow_packets_omitted_total", {}]] satisfies Known[],
    ...plan.files.flatMap((file) => BY_PROGRAM[file]?.(family) ?? []),
  ];
  for (const [name, labels] of known) expose(accumulator, name, { server, ...labels });
}

/** Exposes the kernel's drops at a socket of a server. */
export function exposeSocket(accumulator: Accumulator, server: string, socket: string): void {
  expose(accumulator, "kernel_dropped_packets_total", { server, socket });
}

function expose(accumulator: Accumulator, name: string, labels: Labels): void {
  accumulator.expose(SOURCES.find((source) => source.name === name)!, labels);
}

function packets(family: 4 | 6): Known[] {
  const exchanges = Object.entries(EXCHANGES[family]);
  const answers = new Set(exchanges.flatMap(([, answers]) => answers));
  return [
    ...exchanges.flatMap(([message, answers]): Known[] => [
      ["requests_unanswered_total", { message }],
      ["requests_answered_late_total", { message }],
      ["requests_pending", { message }],
      ["retransmissions_total", { message }],
      ["client_waiting_seconds", { message }],
      ...answers.map((answer): Known => ["packet_processing_seconds", { message, answer }]),
    ]),
    ...[...answers].flatMap((answer): Known[] => [
      ["unmatched_answers_total", { answer }],
      ["sends_refused_total", { answer }],
    ]),
  ];
}

function socket(name: string): Known[] {
  return [
    ...["packets_received_total", "received_bytes_total", "packets_sent_total", "sent_bytes_total"],
    "not_dhcp_packets_total",
  ].map((family) => [family, { socket: name }]);
}

function allocations(family: 4 | 6): Known[] {
  return [
    ["allocations_unfinished_total", {}],
    ...ALLOCATING[family].map((message): Known => ["lease_allocation_seconds", { message }]),
  ];
}
