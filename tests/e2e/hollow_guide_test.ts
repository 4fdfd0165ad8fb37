/** Every command of HOLLOW_INTEGRATION.md works, in its order. Needs root, Kea, Java and Maven. */

import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ROOT, until } from "./run_script.ts";

/** The commands of a guide: those of its sh blocks, lines that go on put together. */
function commandsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
  return blocks.flatMap((block) => {
    const commands: string[] = [];
    let open = "";
    for (const line of block.trimEnd().split("\n")) {
      open += open === "" ? line : `\n${line}`;
      const isQuoted = open.split("'").length % 2 === 0;
      if (isQuoted || open.endsWith("\\")) continue;
      commands.push(open);
      open = "";
    }
    assert.equal(open, "");
    return commands;
  });
}

/** What a command that goes on prints when it works. */
const GOES_ON: readonly [RegExp, RegExp][] = [
  [/ task hollow-producer /, /^http:\/\/\S+\/api\n/],
  [/ task hollow-monitor /, / Pushed \d+ records of /],
];

Deno.test("the commands of HOLLOW_INTEGRATION.md work as they stand", async () => {
  const commands = commandsIn(await Deno.readTextFile(join(ROOT, "HOLLOW_INTEGRATION.md")));
  assert.ok(commands.length >= 18, `${commands.length} commands`);
  const home = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  const env = {
    HOME: home,
    NO_COLOR: "1",
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(homedir(), ".cache", "deno"),
    XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? join(homedir(), ".cache"),
  };
  await using lab = await startLab();
  const traffic = runPerfdhcp(lab, { rate: 20, exchanges: 20 * 120, clients: 100 }).catch(() => {});
  const running: { command: string; child: Deno.ChildProcess; end: Promise<unknown> }[] = [];
  try {
    for (const command of commands) {
      const child = new Deno.Command("bash", {
        args: ["-c", GOES_ON.some(([name]) => name.test(command)) ? `exec ${command}` : command],
        cwd: ROOT,
        env,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const text = { stdout: "", stderr: "" };
      const end = Promise.all(
        (["stdout", "stderr"] as const).map(async (stream) => {
          const decoded = child[stream].pipeThrough(new TextDecoderStream());
          for await (const piece of decoded) text[stream] += piece;
        }),
      );
      const ready = GOES_ON.find(([name]) => name.test(command))?.[1];
      if (ready === undefined) {
        const { code } = await child.status;
        await end;
        assert.equal(code, 0, `${command}\n${text.stdout}${text.stderr}`);
        assert.ok(!/"title":"(?!Not found)/.test(text.stdout), `${command}\n${text.stdout}`);
        if (/FollowRecords|SlowestMessages/.test(command)) {
          assert.match(text.stdout, /packet_processing_time|p99 \d+ us/, command);
        }
      } else {
        running.push({ command, child, end });
        let isOver = false;
        child.status.then(() => isOver = true);
        const works = () => ready.test(text.stdout) || ready.test(text.stderr);
        await until(() => Promise.resolve(isOver || works()), 60, `${command} works`);
        assert.ok(works(), `${command}\n${text.stdout}${text.stderr}`);
      }
    }
  } finally {
    for (const { child, end } of running.toReversed()) {
      try {
        child.kill("SIGINT");
      } catch {
        // It has ended: the test tells why.
      }
      await Promise.all([child.status, end]);
    }
    await lab[Symbol.asyncDispose]();
    await traffic;
    await Deno.remove(home, { recursive: true });
  }
});
