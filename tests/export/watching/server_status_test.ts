import assert from "node:assert/strict";
import { Accumulator } from "../../../export/prometheus/accumulator.ts";
import { ServerNames } from "../../../export/watching/server_names.ts";
import { ServerStatus } from "../../../export/watching/server_status.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

const records = (await recordsOf("v4")).filter(({ type }) => type !== "end");
const [header, ...others] = records;

/** The value of a metric of the server. */
function valueOf(accumulator: Accumulator, name: string) {
  const found = accumulator.families().find(({ family }) => family.name === name);
  return found?.series[0]?.value;
}

Deno.test("ServerStatus is complete with the first reading, and not any more after a note", () => {
  const accumulator = new Accumulator();
  const status = new ServerStatus("dhcp4", accumulator);
  const complete = () => valueOf(accumulator, "watch_complete");
  status.next(header!);
  assert.deepEqual([complete(), status.isReady], [0, false]);
  for (const record of others) status.next(record);
  assert.deepEqual([complete(), status.isReady], [1, true]);
  status.next({ type: "note", elapsed_ns: 1e9, reason: "bpftrace lost 1 of its own events" });
  assert.equal(complete(), 0);
  for (const record of records) {
    status.next(record);
    // Attached anew, but with a site that was not found.
    if (record === header) {
      status.next({ type: "note", elapsed_ns: 0, reason: "a site was not found" });
    }
  }
  assert.equal(complete(), 0);
  status.gone();
  assert.equal(status.isReady, false);
  assert.equal(valueOf(accumulator, "server_up"), 0);
  for (const record of records) status.next(record);
  assert.equal(complete(), 1);
  assert.equal(valueOf(accumulator, "server_restarts_total"), 2);
});

Deno.test("ServerNames gives the name of a server that has ended to the next one", () => {
  const names = new ServerNames();
  const [first, second] = [{ pid: Deno.pid, family: 4 }, { pid: Deno.ppid, family: 4 }] as const;
  const kea = { executable: "/usr/sbin/kea-dhcp4" };
  assert.equal(names.nameOf({ ...first, ...kea }, new Set([first.pid])), "dhcp4");
  const other = names.nameOf({ ...second, ...kea }, new Set([first.pid, second.pid]));
  assert.match(other!, /^dhcp4@./);
  assert.equal(names.nameOf({ ...second, ...kea }, new Set([second.pid])), "dhcp4");
});
