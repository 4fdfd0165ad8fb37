/** Servers that are well have no finding, with few packets and with many. Needs root, Kea, PostgreSQL. */

import assert from "node:assert/strict";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { explained, realTime } from "./explained.ts";

/** Where Debian has Kea's own hook libraries. */
const LIBRARIES = "/usr/lib/x86_64-linux-gnu/kea/hooks";

const KINDS: readonly { readonly options: LabOptions; readonly rate: number }[] = [
  { options: {}, rate: 1000 },
  { options: { threads: 0 }, rate: 1000 },
  { options: { family: 6 }, rate: 500 },
  // With more, a busy machine makes the packets wait for its database.
  { options: { backend: "postgresql" }, rate: 40 },
  {
    options: {
      hooks: [
        { path: await delayingHooks(), parameters: {} },
        { path: `${LIBRARIES}/libdhcp_lease_cmds.so` },
      ],
    },
    rate: 500,
  },
];

const nameOf = ({ hooks, ...options }: LabOptions) =>
  JSON.stringify({ ...options, ...hooks && { hooks: hooks.length } });

for (const { options, rate } of KINDS) {
  for (const each of [20, rate]) {
    Deno.test(`a healthy server has no finding, ${nameOf(options)}, ${each}/s`, async () => {
      await using lab = await startLab(options);
      await realTime(lab);
      const { findings, not_seen } = await explained(lab, {
        rate: each,
        exchanges: Math.max(101, 3 * each),
      });
      assert.deepEqual(findings, []);
      assert.deepEqual(not_seen, []);
    });
  }
}
