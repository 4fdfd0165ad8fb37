/** The exporter's page in a real Chromium, beside perfdhcp's own counts. Needs root, Kea, bpftrace and Chromium. */

import assert from "node:assert/strict";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { parseDocument } from "../../metrics/document.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { trafficOf } from "../../viz/series.ts";
import { faultsOf, openBrowser } from "./browser.ts";
import { LiveExporter } from "./live_exporter.ts";
import { childrenOf, runs, until } from "./run_script.ts";

const LOOKS = [1280, 390].flatMap((width) =>
  (["light", "dark"] as const).map((scheme) => ({ width, scheme }))
);

/** Where pictures of the page are kept, if anywhere. */
const PICTURES = Deno.env.get("KEA_SCREENSHOTS");

/** A busy machine takes its time. */
const PATIENCE_MS = 120_000;

/** Sends exchanges; returns how many packets that were. */
async function send(lab: Lab, exchanges: number): Promise<number> {
  const report = await runPerfdhcp(lab, { rate: 50, exchanges });
  return Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
}

/** A page of the exporter, and everything that was wrong with it. */
async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const { origin } = new URL(url);
  // While the exporter is gone, the browser says that it cannot connect.
  page.on("console", (message) => {
    if (!/Failed to load resource|ERR_/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin && !request.url().startsWith("data:")) {
      complaints.push(request.url());
    }
  });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  return { page, complaints };
}

/** The text of the first tile: "Received", its rate and its count. */
const receivedOn = (page: Page) => page.locator(".tile").first().textContent();

const showsReceived = (page: Page, packets: number) =>
  until(
    async () => (await receivedOn(page) ?? "").includes(`/s${packets} in 1 h`),
    `the page shows ${packets} packets`,
  );

/** Accessibility faults that axe-core finds. */
async function violationsOn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run(document)") as axe.AxeResults;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const chartsDrawn = (page: Page) => page.locator("#memory svg:visible").first().waitFor();

Deno.test("the page shows each packet of perfdhcp as it comes, through restarts of Kea and of the exporter", async () => {
  await using lab = await startLab();
  const browser = await openBrowser();
  try {
    const chosen = new Set<number>();
    let exporter = await LiveExporter.start({ chosen, profile: "light" });
    const { port, origin } = exporter;
    try {
      const { page, complaints } = await open(browser, origin);
      await page.getByText("Waiting for a Kea DHCP server").waitFor();
      await page.getByText("Live", { exact: true }).waitFor();
      await page.evaluate("globalThis.isTheSame = true");
      chosen.add(lab.pid);
      await page.locator(".server .badge", { hasText: "COMPLETE" }).waitFor();
      let packets = await send(lab, 101);
      await showsReceived(page, packets);

      Deno.kill(lab.pid, "SIGTERM");
      await page.locator(".server .badge", { hasText: "GONE" }).waitFor();
      chosen.add(await lab.restart());
      await page.getByText("restarted once").waitFor();
      await page.locator(".server .badge", { hasText: "PARTIAL" }).waitFor();
      packets += await send(lab, 53);
      await showsReceived(page, packets);

      await exporter[Symbol.asyncDispose]();
      await page.getByText("Connection lost").waitFor();
      exporter = await LiveExporter.start({ chosen, profile: "light", port });
      await page.getByText("Live", { exact: true }).waitFor();
      await page.locator(".server .badge", { hasText: "COMPLETE" }).waitFor();
      await showsReceived(page, await send(lab, 31));

      assert.equal(await page.evaluate("globalThis.isTheSame"), true, "it was loaded again");
      assert.deepEqual(complaints, []);
      assert.deepEqual(await violationsOn(page), []);
    } finally {
      await exporter[Symbol.asyncDispose]();
    }
  } finally {
    await browser.close();
  }
});

Deno.test("a server in depth: every width and colour scheme, with and without script, kept up to date", async () => {
  await using lab = await startLab();
  const browser = await openBrowser();
  try {
    await using exporter = await LiveExporter.start({
      chosen: new Set([lab.pid]),
      profile: "deep",
    });
    const { history, origin } = exporter;
    const url = `${origin}/?server=dhcp4`;
    await until(() => history.get("dhcp4")?.state === "watched", "the server is watched");
    let packets = await send(lab, 101);
    await until(
      async () => {
        const { servers } = await (await fetch(`${origin}/api/v1/servers`)).json();
        return servers[0].received === packets;
      },
      `${packets} packets are counted`,
    );

    const answer = await fetch(`${origin}/api/v1/document?server=dhcp4&minutes=10`);
    const document = parseDocument(await answer.json());
    assert.equal(trafficOf(document.totals, "packets", "received"), packets);
    assert.deepEqual(document.capture.reasons, []);
    assert.ok(document.slow!.packets.length > 0);

    let drawings = 0;
    for (const { width, scheme } of LOOKS) {
      const options = { viewport: { width, height: 900 }, colorScheme: scheme };
      const { page, complaints } = await open(browser, url, options);
      await chartsDrawn(page);
      const seen = await faultsOf(page);
      drawings ||= seen.drawings;
      assert.deepEqual({ ...seen, complaints }, { faults: [], drawings, complaints: [] });
      assert.ok(drawings >= 9, `${drawings} drawings`);
      assert.deepEqual(await violationsOn(page), [], `${width} ${scheme}`);
      if (PICTURES !== undefined) {
        const path = join(PICTURES, `live-page-${width}-${scheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }
      await page.context().close();
    }

    const quiet = await open(browser, url, { javaScriptEnabled: false });
    await chartsDrawn(quiet.page);
    await showsReceived(quiet.page, packets);
    assert.deepEqual(await quiet.page.locator("figure").count(), drawings);

    const { page, complaints } = await open(browser, url);
    await chartsDrawn(page);
    const summary = page.locator("#traffic summary");
    await summary.click();
    await summary.focus();
    const scroll = await page.evaluate("scrollY");
    const killed = await drawingProcess();
    Deno.kill(killed, "SIGKILL");
    packets += await send(lab, 53);
    await showsReceived(page, packets);
    // The drawing process stands behind others: on a busy machine it takes its time to start again.
    const all = page.locator("#traffic tbody tr", { hasText: `all${packets},` });
    await all.waitFor({ state: "attached", timeout: 300_000 });
    await until(async () => !await runs(killed), "the drawing process has ended");
    assert.notEqual(await drawingProcess(), killed);
    assert.equal(await page.locator("#traffic details").getAttribute("open"), "");
    assert.ok(await summary.evaluate((element) => element === element.ownerDocument.activeElement));
    assert.equal(await page.evaluate("scrollY"), scroll);
    assert.deepEqual(complaints, []);

    // It loads again by itself.
    await showsReceived(quiet.page, packets);
    assert.deepEqual(quiet.complaints, []);
  } finally {
    await browser.close();
  }
  assert.deepEqual((await childrenOf(Deno.pid)).filter(isDrawing), []);
});

async function drawingProcess(): Promise<number> {
  let found: number | undefined;
  await until(async () => {
    found = (await childrenOf(Deno.pid)).find(isDrawing);
    return found !== undefined;
  }, "the drawing process runs");
  return found!;
}

function isDrawing(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("drawing/draw.ts");
  } catch {
    return false;
  }
}
