/** The live view of a real run, in a real terminal. Needs root, Kea and tmux. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { Terminal } from "../../tools/lab/terminal.ts";
import { labOfFile } from "./lab_of_file.ts";
import { ROOT, until } from "./run_script.ts";

const MONITOR = join(ROOT, "tools/kea_monitor_complete.ts");

/** Longest time until the screen shows what it must, seconds. */
const PATIENCE = 120;

const WINDOWS_WERE_SEEN = /0:(0[2-9]|[1-5]\d), \d:\d\d left/;

const lab = labOfFile();

/** A monitor in a terminal, with traffic. */
interface Shown {
  readonly terminal: Terminal;
  /** Its capture so far. */
  capture(): Promise<string>;
  /** The lines of it. */
  windows(): Promise<number>;
  readonly folder: string;
  /** Ends the traffic. */
  quiet(): Promise<void>;
}

/** Shows a monitor of the lab in a terminal of some size, while a test looks at it. */
async function shown(
  [columns, rows]: readonly [number, number],
  args: readonly string[],
  test: (shown: Shown) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kea-live-test-" });
  const monitor = [Deno.execPath(), "run", "-A", "--quiet", MONITOR, "--server", String(lab().pid)];
  const command = ["env", "LANG=C.UTF-8", ...monitor, "-o", folder, "--duration", "500", ...args];
  const capture = () => Deno.readTextFile(join(folder, "capture.ndjson"));
  const over = new AbortController();
  // Longer than any test; it is stopped before.
  const load = { rate: 50, exchanges: 50 * 500, clients: 1000, signal: over.signal };
  const traffic = runPerfdhcp(lab(), load).catch(() => {});
  const quiet = async () => {
    over.abort();
    await traffic;
  };
  const script = `echo "$TMUX" > ${folder}/tmux; ${command.join(" ")}`;
  const terminal = await Terminal.open(script, columns, rows);
  try {
    const windows = async () => (await capture()).split("\n").length;
    await test({ terminal, capture, windows, folder, quiet });
  } finally {
    // A test may have closed it.
    await terminal[Symbol.asyncDispose]().catch(() => {});
    await quiet();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("monitor's live view fits 80x24 and 200x50, follows a resize, and leaves the terminal as it was", async () => {
  const args = ["--profile", "deep", "--slow", "0.1"];
  await shown([80, 24], args, async ({ terminal, windows, quiet }) => {
    await terminal.shows(/0:01, 8:19 left/, PATIENCE);
    const small = await terminal.shows(
      /DHCPREQUEST \u2192 DHCPACK +\d[^]*Slow packets[^]*Database +\/s/,
      PATIENCE,
    );
    for (const part of ["Received", "Losses and errors", "Kea ", "Overhead", "Slow packets"]) {
      assert.ok(small.includes(part), `${part} is missing:\n${small}`);
    }
    assert.doesNotMatch(small, /CPU by thread[^]*Stages/);

    await terminal.resize(200, 50);
    const large = await terminal.shows(/Last 10 s.*Lease allocation[^]*Stages +\/s/, PATIENCE);
    assert.match(large, /CPU by thread/);
    assert.match(
      large,
      /Slow packets, over 100 us +\d+.*\n( +\d\d:\d\d:\d\d DHCP\w+ +[\d.]+ [um]s .*\n){3}/,
    );
    await terminal.press("?");
    await terminal.shows(/pause the display/, PATIENCE);
    await terminal.press("?", "p");
    await terminal.shows(/PAUSED/, PATIENCE);
    const paused = await terminal.screen();
    const before = await windows();
    await until(async () => await windows() > before + 2, "windows go on");
    assert.deepEqual(await terminal.screen(), paused);
    await quiet();

    await terminal.press("q");
    const after = await terminal.shows(/status 0/, PATIENCE);
    assert.match(after, /Verdict: COMPLETE\nFiles: .*\nReport: .*report\.html/);
    assert.ok(!after.includes("q stop"));
    // Keys are shown again, and a line ends as before.
    await terminal.press("-l", "typed");
    await terminal.shows(/typed/, PATIENCE);
  });
});

Deno.test("monitor's live view ends with ^C and keeps the windows", () =>
  shown([80, 24], ["--profile", "light"], async ({ terminal, capture }) => {
    await terminal.shows(WINDOWS_WERE_SEEN, PATIENCE);
    await terminal.press("C-c");
    await terminal.shows(/status 0/, PATIENCE);
    assert.match(await capture(), /"type":"end"[^\n]*\n$/);
  }));

Deno.test("monitor's live view ends with q before the first window", () =>
  shown([80, 24], ["--profile", "light"], async ({ terminal, capture }) => {
    await terminal.shows(/waiting for the first/, PATIENCE);
    await terminal.press("q");
    await terminal.shows(/status \d/, PATIENCE);
    await capture();
  }));

Deno.test("monitor keeps its windows and ends as ever when its terminal goes away", () =>
  shown([80, 24], ["--profile", "light"], async ({ terminal, capture, folder }) => {
    await terminal.shows(WINDOWS_WERE_SEEN, PATIENCE);
    await terminal[Symbol.asyncDispose]();
    const document = () => Deno.readTextFile(join(folder, "metrics.json")).catch(() => "");
    await until(async () => (await document()).endsWith("}\n"), "the document is written");
    assert.equal(JSON.parse(await document()).capture.verdict, "COMPLETE");
    assert.match(await capture(), /"type":"end"[^\n]*\n$/);
  }));

Deno.test("monitor goes on measuring while its terminal takes nothing", () => {
  const args = ["--profile", "light", "--interval", "0.2", "--no-visualization"];
  return shown([200, 50], args, async ({ terminal, windows, folder }) => {
    await terminal.shows(/DHCPREQUEST \u2192 DHCPACK/, PATIENCE);
    // The socket, the process, the session.
    const server = Number((await Deno.readTextFile(`${folder}/tmux`)).split(",")[1]);
    Deno.kill(server, "SIGSTOP");
    try {
      const before = await windows();
      // So many fill what the kernel keeps for a terminal several times.
      await until(async () => await windows() > before + 50, "it goes on");
    } finally {
      Deno.kill(server, "SIGCONT");
    }
    await terminal.press("q");
    await terminal.shows(/Verdict: COMPLETE[^]*status 0/, PATIENCE);
  });
});
