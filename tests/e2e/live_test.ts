/** The live view of a real run, in a real terminal. Needs root, Kea and tmux. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { Terminal } from "../../tools/lab/terminal.ts";

const MONITOR = join(import.meta.dirname!, "../../tools/kea_monitor_complete.ts");

function monitorCommand(pid: number, folder: string, ...more: readonly string[]): string {
  const monitor = [Deno.execPath(), "run", "-A", MONITOR, "--server", String(pid), "-o", folder];
  return ["env", "LANG=C.UTF-8", ...monitor, ...more].join(" ");
}

Deno.test("monitor's live view fits 80x24 and 200x50, follows a resize, and leaves the terminal as it was", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-live-test-" });
  try {
    const slow = ["--slow", "0.1"];
    const command = monitorCommand(
      ...[lab.pid, folder, "--duration", "60", "--profile", "deep"] as const,
      ...slow,
    );
    await using terminal = await Terminal.open(command, 80, 24);
    await terminal.shows(/0:01, 0:59 left/, 30);
    const traffic = runPerfdhcp(lab, { rate: 100, exchanges: 1500 });
    // A failure of the test ends the lab, and this with it.
    traffic.catch(() => {});
    const small = await terminal.shows(/DHCPREQUEST \u2192 DHCPACK +\d[^]*Database +\/s/, 20);
    for (const part of ["Received", "Losses and errors", "Kea ", "Overhead", "Slow packets"]) {
      assert.ok(small.includes(part), `${part} is missing:\n${small}`);
    }
    assert.doesNotMatch(small, /CPU by thread[^]*Stages/);

    await terminal.resize(200, 50);
    const large = await terminal.shows(/Last 10 s.*Lease allocation[^]*Stages +\/s/, 10);
    assert.match(large, /CPU by thread/);
    assert.match(
      large,
      /Slow packets, over 100 us +\d+.*\n( +\d\d:\d\d:\d\d DHCP\w+ +[\d.]+ [um]s .*\n){3}/,
    );
    await terminal.press("?");
    await terminal.shows(/pause the display/, 5);
    await terminal.press("?", "p");
    await terminal.shows(/PAUSED/, 5);
    const paused = await terminal.screen();
    await sleep(2500);
    assert.deepEqual(await terminal.screen(), paused);
    await traffic;

    await terminal.press("q");
    const after = await terminal.shows(/status 0/, 30);
    assert.match(after, /Verdict: COMPLETE\nFiles: .*\nReport: .*report\.html/);
    assert.ok(!after.includes("q stop"));
    // Keys are shown again, and a line ends as before.
    await terminal.press("-l", "typed");
    await terminal.shows(/typed/, 5);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const [what, keys] of [["^C", ["C-c"]], ["q before the first window", ["q"]]] as const) {
  Deno.test(`monitor's live view ends with ${what} and keeps the windows`, async () => {
    await using lab = await startLab();
    const folder = await Deno.makeTempDir({ prefix: "kea-live-test-" });
    try {
      const command = monitorCommand(lab.pid, folder, "--duration", "60", "--profile", "light");
      await using terminal = await Terminal.open(command, 80, 24);
      await terminal.shows(
        what === "^C" ? /0:(0[2-9]|[1-4]\d), 0:\d\d left/ : /waiting for the first/,
        30,
      );
      await terminal.press(...keys);
      await terminal.shows(what === "^C" ? /status 0/ : /status \d/, 30);
      const capture = await captureIn(folder);
      if (what === "^C") assert.match(capture, /"type":"end"[^\n]*\n$/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("monitor keeps its windows and ends as ever when its terminal goes away", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-live-test-" });
  try {
    {
      const command = monitorCommand(lab.pid, folder, "--duration", "60", "--profile", "light");
      await using terminal = await Terminal.open(command, 80, 24);
      await terminal.shows(/0:(0[2-9]|[1-4]\d), 0:\d\d left/, 30);
    }
    const limit = Date.now() + 20_000;
    const isThere = () => Deno.stat(join(folder, "metrics.json")).then(() => true, () => false);
    while (!await isThere() && Date.now() < limit) await sleep(100);
    const { capture } = JSON.parse(await Deno.readTextFile(join(folder, "metrics.json")));
    assert.equal(capture.verdict, "COMPLETE");
    assert.match(await captureIn(folder), /"type":"end"[^\n]*\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monitor goes on measuring while its terminal takes nothing", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-live-test-" });
  const windows = async () => (await captureIn(folder)).split("\n").length;
  try {
    const options = ["--duration", "60", "--profile", "light", "--interval", "0.2"];
    const monitor = monitorCommand(lab.pid, folder, ...options, "--no-visualization");
    const command = `echo "$TMUX" > ${folder}/tmux; ${monitor}`;
    await using terminal = await Terminal.open(command, 200, 50);
    const traffic = runPerfdhcp(lab, { rate: 20, exchanges: 300 });
    await terminal.shows(/DHCPREQUEST \u2192 DHCPACK/, 30);
    // The socket, the process, the session.
    const server = Number((await Deno.readTextFile(`${folder}/tmux`)).split(",")[1]);
    Deno.kill(server, "SIGSTOP");
    let during: number;
    try {
      const before = await windows();
      await sleep(12_000);
      during = await windows() - before;
    } finally {
      Deno.kill(server, "SIGCONT");
    }
    // So many fill what the kernel keeps for a terminal several times.
    assert.ok(during > 50, `${during} windows of 0.2 s in 12 s`);
    await traffic;
    await terminal.press("q");
    await terminal.shows(/Verdict: COMPLETE[^]*status 0/, 30);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function captureIn(folder: string): Promise<string> {
  return Deno.readTextFile(join(folder, "capture.ndjson"));
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
