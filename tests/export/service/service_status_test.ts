import assert from "node:assert/strict";
import { ServiceStatus } from "../../../export/service/service_status.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

const records = await recordsOf("v4");
const header = records.find((record) => record.type === "capture")!;
const sample = records.find((record) => record.type === "sample")!;
const note = { type: "note", elapsed_ns: 1e9, reason: "bpftrace lost 1 of its events" } as const;
const { pid } = header.server;

Deno.test("ServiceStatus names the servers, and says which are not watched yet", () => {
  const status = new ServiceStatus();
  assert.equal(status.text(0), "Waiting for a Kea DHCP server");
  assert.equal(status.text(2), "2 not yet watched");
  status.next("dhcp4", header);
  assert.equal(status.text(2), `Watching dhcp4 (pid ${pid}, attaching); 1 not yet watched`);
  status.next("dhcp4", sample);
  const programs = header.plan.files.length;
  assert.equal(status.text(1), `Watching dhcp4 (pid ${pid}, ${programs} programs)`);
  status.next("dhcp4", note);
  assert.equal(status.text(1), `Watching dhcp4 (pid ${pid}, ${programs} programs, incomplete)`);
  status.gone("dhcp4");
  assert.equal(status.text(0), "Waiting for a Kea DHCP server");
});

Deno.test("ServiceStatus names no more than eight servers", () => {
  const status = new ServiceStatus();
  for (let server = 0; server < 10; server++) status.next(`dhcp4@${server}`, header);
  const text = status.text(10);
  assert.equal(text.match(/dhcp4@/g)?.length, 8);
  assert.match(text, /, 2 more$/);
});

Deno.test("ServiceStatus has started when each server was read, or could not be watched", () => {
  assert.ok(new ServiceStatus().isSettled(0), "no server is no error");
  const status = new ServiceStatus();
  assert.ok(!status.isSettled(2));
  status.next("dhcp4", header);
  assert.ok(!status.isSettled(1), "attached, not read");
  status.next("dhcp4", sample);
  assert.ok(!status.isSettled(2));
  status.gone("dhcp6");
  assert.ok(status.isSettled(2));
});

Deno.test("ServiceStatus knows which watched server has been silent for too long", () => {
  let now = 0;
  const status = new ServiceStatus(() => now);
  status.next("dhcp4", header);
  status.next("dhcp6", header);
  now = 900;
  status.next("dhcp4", sample);
  assert.equal(status.silent(1000), null);
  now = 1100;
  assert.equal(status.silent(1000), "dhcp6");
  status.gone("dhcp6");
  assert.equal(status.silent(1000), null);
});

Deno.test("ServiceStatus does not call a server incomplete for what is over, as watch_complete does not", () => {
  const status = new ServiceStatus();
  const past = { ...note, is_past: true } as const;
  for (const record of [header, sample, past]) status.next("dhcp4", record);
  assert.doesNotMatch(status.text(1), /incomplete/);
});
