import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { CaptureHeader } from "../../../metrics/capture.ts";
import { Accumulator } from "../../../export/prometheus/accumulator.ts";
import { ServerStatus } from "../../../export/watching/server_status.ts";
import { ageOf } from "../../../system/proc.ts";
import { seriesOf } from "../exposed.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

const records = (await recordsOf("v4")).filter(({ type }) => type !== "end");
const [header, ...others] = records;

/** The value of a metric of the server. */
const valueOf = (accumulator: Accumulator, name: string) => seriesOf(accumulator, name)[0]?.value;

Deno.test("ServerStatus is complete with the first reading, and not while something is missed", () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  const complete = () => valueOf(accumulator, "watch_complete");
  status.next(header!);
  assert.deepEqual([complete(), status.isReady], [0, false]);
  for (const record of others) status.next(record);
  assert.deepEqual([complete(), status.isReady], [1, true]);
  const lost = {
    type: "note",
    elapsed_ns: 1e9,
    reason: "bpftrace lost 1 of its own events",
  } as const;
  status.next({ ...lost, is_past: true });
  assert.deepEqual([complete(), valueOf(accumulator, "watch_losses_total")], [1, 1]);
  status.next({ type: "note", elapsed_ns: 1e9, reason: "@received is full" });
  assert.deepEqual([complete(), valueOf(accumulator, "watch_losses_total")], [0, 2]);
  for (const record of records) {
    status.next(record);
    // Attached anew, but with a site that was not found.
    if (record === header) {
      status.next({ type: "note", elapsed_ns: 0, reason: "a site was not found" });
    }
  }
  assert.equal(complete(), 0);
  status.gone(false);
  assert.equal(status.isReady, false);
  assert.equal(valueOf(accumulator, "server_up"), 0);
  for (const record of records) status.next(record);
  assert.equal(complete(), 1);
});

Deno.test("ServerStatus counts processes, not how often one was watched", () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  const restarts = () => valueOf(accumulator, "server_restarts_total");
  for (const record of records) status.next(record);
  status.gone(true);
  assert.deepEqual([
    valueOf(accumulator, "server_up"),
    valueOf(accumulator, "watch_complete"),
  ], [1, 0]);
  for (const record of records) status.next(record);
  assert.equal(restarts(), 0);
  status.gone(false);
  const { server } = header as CaptureHeader;
  status.next({ ...header as CaptureHeader, server: { ...server, pid: server.pid + 1 } });
  assert.equal(restarts(), 1);
});

Deno.test("ServerStatus has the start of the server's process, and time that is not watched grows by itself", async () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  const began = Date.now() / 1000 - ageOf(Deno.pid)!;
  const { server } = header as CaptureHeader;
  status.next({ ...header as CaptureHeader, server: { ...server, pid: Deno.pid } });
  const start = valueOf(accumulator, "server_start_time_seconds") as number;
  assert.ok(Math.abs(start - began) < 0.5, `${start} is not ${began}`);
  for (const record of others) status.next(record);
  assert.equal(valueOf(accumulator, "unwatched_seconds_total"), 0);
  status.gone(true);
  const unwatched = () => valueOf(accumulator, "unwatched_seconds_total") as number;
  const first = unwatched();
  while (unwatched() === first) await pause(1);
  assert.ok(unwatched() > first);
});

Deno.test("ServerStatus counts no time backwards when the clock is set back", () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  for (const record of records) status.next(record);
  const { now } = Date;
  try {
    Date.now = () => now() - 3_600_000;
    for (const record of records) status.next(record);
  } finally {
    Date.now = now;
  }
  const seconds = valueOf(accumulator, "unwatched_seconds_total") as number;
  assert.ok(seconds >= 0 && seconds < 60, `${seconds}`);
});

Deno.test("ServerStatus has what waits in the sockets of a kind together", () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  status.next(header!);
  const sample = others.find((record) => record.type === "sample")!;
  const socket = { socket: "raw", drops: 0, queued_bytes: 700 } as const;
  status.next({ ...sample, sockets: [{ ...socket, id: "1" }, { ...socket, id: "2" }] });
  assert.equal(valueOf(accumulator, "socket_queued_bytes"), 1400);
});
