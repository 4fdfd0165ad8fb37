import assert from "node:assert/strict";
import { join } from "node:path";
import { readCapture } from "../../../metrics/capture.ts";
import { overviewOf } from "../../../metrics/overview.ts";
import { chartsOf } from "../../../viz/charts/all.ts";
import { writeReport } from "../../../viz/report/write_report.ts";
import { pathOf } from "../../metrics/fixtures/captures.ts";

const real = await overviewOf(readCapture((await Deno.open(pathOf("v4"))).readable));

const SUBTITLE = />Kea DHCPv4 on vm, from 2026-11-26 23:22:58 UTC<\/text>/;

Deno.test("writeReport() heads each chart's file with what it shows, and of whom and when", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeReport(real, folder, { spec: true });
    for (const { id, title } of chartsOf(real)) {
      const svg = await Deno.readTextFile(join(folder, `${id}.svg`));
      assert.ok(svg.includes(`>${title}</text>`), id);
      assert.match(svg, SUBTITLE);
      const spec = JSON.parse(await Deno.readTextFile(join(folder, `${id}.vl.json`)));
      assert.equal(spec.title.text, title);
    }
    // There, each has its heading already.
    assert.doesNotMatch(await Deno.readTextFile(join(folder, "report.html")), SUBTITLE);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("writeReport() heads a chart with as much of the server as is known", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const capture = { ...real.capture, started: null };
    await writeReport({ ...real, server: {}, capture }, folder);
    assert.match(await Deno.readTextFile(join(folder, "memory.svg")), />Kea<\/text>/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
