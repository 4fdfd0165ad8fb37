/** Commands of a guide, executed as they stand. */

import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { ROOT, until } from "./run_script.ts";

/** The commands of a guide: those of its sh blocks, lines that go on put together. */
export function commandsIn(markdown: string): string[] {
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

/** What a command left. */
export interface Executed {
  readonly command: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Executes commands one after the other, in the checkout, with a home of their own.
 *
 * @param server process id of the server that commands without `--server` mean.
 * @param goesOn commands that do not end by themselves, with what they print when they work; they are
 * ended when all others have.
 * @param check looks at each that ended.
 */
export async function execute(
  commands: readonly string[],
  server: number,
  goesOn: readonly (readonly [name: RegExp, works: RegExp])[],
  check: (executed: Executed) => void,
): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "kea-guide-test-" });
  const env = {
    HOME: home,
    KEA_LAB_PID: String(server),
    NO_COLOR: "1",
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(homedir(), ".cache", "deno"),
    XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? join(homedir(), ".cache"),
  };
  const running: { readonly child: Deno.ChildProcess; readonly end: Promise<unknown> }[] = [];
  try {
    for (const command of commands) {
      const works = goesOn.find(([name]) => name.test(command))?.[1];
      const child = new Deno.Command("bash", {
        args: ["-c", works === undefined ? command : `exec ${command}`],
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
      if (works === undefined) {
        const { code } = await child.status;
        await end;
        check({ command, code, ...text });
        continue;
      }
      running.push({ child, end });
      let isOver = false;
      child.status.then(() => isOver = true);
      const isThere = () => works.test(text.stdout) || works.test(text.stderr);
      await until(() => isOver || isThere(), `${command} works`);
      assert.ok(isThere(), `${command}\n${text.stdout}${text.stderr}`);
    }
  } finally {
    for (const { child, end } of running.toReversed()) {
      try {
        child.kill("SIGINT");
      } catch {
        // It has ended: the test says why.
      }
      await Promise.all([child.status, end]);
    }
    await Deno.remove(home, { recursive: true });
  }
}
