import assert from "node:assert/strict";
import { join } from "node:path";

const MODULE = join(import.meta.dirname!, "../../../tools/lab/caught_signals.ts");

/** Keeps one thing that is made, and one that is not yet, and works without end. */
const SCRIPT = `
import { CaughtSignals } from ${JSON.stringify(MODULE)};
import { setTimeout as pause } from "node:timers/promises";
const thing = (name) => ({ [Symbol.asyncDispose]: async () => console.log(name + " is removed") });
using signals = new CaughtSignals();
try {
  await signals.during(async (keep) => {
    await keep(Promise.resolve(thing("the first")));
    const second = keep(pause(300, thing("the second")));
    console.log("working");
    await second;
    await new Promise(() => {});
  });
} catch (error) {
  console.log(error.message);
}
`;

Deno.test("CaughtSignals.during() removes what the work keeps when a signal comes", async () => {
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", Deno.execPath(), "eval", "--no-check", SCRIPT],
    stdout: "piped",
  }).spawn();
  const said: string[] = [];
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (said.length === 0) child.kill("SIGTERM");
    said.push(text);
  }
  await child.status;
  assert.deepEqual(said.join("").trim().split("\n"), [
    "working",
    "the second is removed",
    "the first is removed",
    "Stopped by SIGTERM",
  ]);
});
