/** The report of a real run, opened in a real browser. Needs root, Kea and Chromium. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { chartsOf } from "../../viz/charts/all.ts";
import { type Look, lookAt } from "./browser.ts";
import { total } from "../../metrics/totals.ts";
import { secondsOf, trafficOf } from "../../viz/series.ts";
import { startMonitor } from "./monitored.ts";
import { inClient } from "./watched.ts";

const LOOKS: readonly Look[] = [1280, 390].flatMap((width) =>
  (["light", "dark"] as const).map((scheme) => ({ width, scheme }))
);

/** Rates before and after the change, exchanges per second, and how long each lasts, seconds. */
const [BEFORE, AFTER, SECONDS] = [50, 200, 14];

/** Packets per second in some windows. */
function meanRate(windows: readonly { packets: number; seconds: number }[]): number {
  const sum = (key: "packets" | "seconds") => windows.reduce((sum, window) => sum + window[key], 0);
  return sum("packets") / sum("seconds");
}

Deno.test("monitor's report shows a change of rate and 200 malformed packets, and nothing is cut off", async () => {
  await using lab = await startLab();
  const before = await keaStatistics(lab.controlSocket);
  await using monitored = await startMonitor(lab.pid, ["--profile", "deep"], { report: true });
  await runPerfdhcp(lab, { rate: BEFORE, exchanges: SECONDS * BEFORE });
  await runPerfdhcp(lab, { rate: AFTER, exchanges: SECONDS * AFTER, base: "00:0c:01:00:00:00" });
  await inClient(lab, "send_malformed.ts", [lab.serverAddress, "200"]);
  const { document, stderr } = await monitored.stop();
  const after = await keaStatistics(lab.controlSocket);
  assert.match(stderr, /^Report: .*\/report\.html$/m);

  const pictures = Deno.env.get("KEA_SCREENSHOTS") ?? monitored.folder;
  await Deno.mkdir(pictures, { recursive: true });
  const { seen, read: tables } = await lookAt(
    join(monitored.folder, "report.html"),
    LOOKS,
    ({ width, scheme }) => join(pictures, `report-${width}-${scheme}.png`),
    async (page) => {
      const text = (id: string) =>
        page.locator(`#${id} tbody tr`).evaluateAll((rows) =>
          rows.map((row) => [...row.children].map((cell) => cell.textContent ?? ""))
        );
      return { traffic: await text("traffic"), errors: await text("errors") };
    },
  );
  const charts = chartsOf(document).map(({ id }) => id);
  for (const { complaints, drawings, faults } of seen) {
    assert.deepEqual({ complaints, faults }, { complaints: [], faults: [] });
    assert.equal(drawings, charts.length);
  }
  const expected = ["cpu", "database", "distribution", "errors", "latency-heat-map"];
  expected.push("lease-allocation", "memory", "processing-time", "stages", "traffic", "waits");
  assert.deepEqual(charts.toSorted(), expected);

  // How fast perfdhcp sends is the machine's: the windows have counted what came.
  const shown = tables.traffic.slice(0, -1).map(([, received]) => Number(received));
  const counted = document.windows.map((window) => ({
    packets: trafficOf(window.series, "packets", "received"),
    seconds: secondsOf(window),
  }));
  assert.equal(shown.length, counted.length);
  for (const [index, { packets, seconds }] of counted.entries()) {
    const rate = packets / seconds;
    assert.ok(Math.abs(shown[index]! - rate) <= 0.005 * rate, `${shown[index]}, counted ${rate}`);
  }
  const busy = counted.slice(
    counted.findIndex(({ packets }) => packets > 0),
    counted.findLastIndex(({ packets }) => packets > 0) + 1,
  );
  assert.ok(busy.length >= 1.5 * SECONDS, `${busy.length} windows have packets`);
  // Two packets of an exchange are received. perfdhcp is never ahead of its rate, and stops 20 s after its time.
  let received = 0;
  const change = busy.findIndex(({ packets }) => (received += packets) > 2 * SECONDS * BEFORE);
  const [slower, faster] = [busy.slice(0, change), busy.slice(change)].map(meanRate) as [
    number,
    number,
  ];
  assert.ok(slower < 2.5 * BEFORE && faster > 1.5 * slower, `${slower}/s, then ${faster}/s`);

  const dropped = after["pkt4-receive-drop"]! - before["pkt4-receive-drop"]!;
  assert.ok(dropped > 50, `Kea dropped ${dropped}`);
  assert.equal(total(document, "error_rate", { id: "pkt4-receive-drop" }), dropped);
  assert.deepEqual(
    tables.errors.find(([kind]) => kind === "statistic pkt4-receive-drop"),
    ["statistic pkt4-receive-drop", String(dropped)],
  );
});
