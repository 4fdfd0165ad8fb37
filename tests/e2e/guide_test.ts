/** Every command of the guides works, in its order. Needs root, Kea, bpftrace, Java and Maven. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { commandsIn, execute } from "./guide_commands.ts";
import { ROOT } from "./run_script.ts";

/** What a function takes behind its first two parameters. */
type Rest<F> = F extends (commands: readonly string[], server: number, ...rest: infer R) => unknown
  ? R
  : never;

const textOf = (name: string) => Deno.readTextFile(join(ROOT, name));

/** Executes a guide beside a Kea with traffic. */
async function executeBesideKea(
  commands: readonly string[],
  ...how: Rest<typeof execute>
): Promise<void> {
  await using lab = await startLab();
  const traffic = runPerfdhcp(lab, { rate: 20, exchanges: 20 * 300, clients: 100 }).catch(() => {});
  try {
    await execute(commands, lab.pid, ...how);
  } finally {
    await lab[Symbol.asyncDispose]();
    await traffic;
  }
}

Deno.test("the commands of docs/hollow.md work as they stand", async () => {
  const commands = commandsIn(await textOf("docs/hollow.md"));
  assert.ok(commands.length >= 18, `${commands.length} commands`);
  await executeBesideKea(
    commands,
    [
      [/ task hollow-producer /, /^http:\/\/\S+\/api\n/],
      [/ task hollow-monitor /, / Pushed \d+ records of /],
    ],
    ({ command, code, stdout, stderr }) => {
      assert.equal(code, 0, `${command}\n${stdout}${stderr}`);
      assert.ok(!/"title":"(?!Not found)/.test(stdout), `${command}\n${stdout}`);
      if (/FollowRecords|SlowestMessages/.test(command)) {
        assert.match(stdout, /packet_processing_time|p99 \d+ us/, command);
      }
    },
  );
});

Deno.test("the commands of the other pages work as they stand", async () => {
  const pages = ["README.md"];
  for (const { name } of Deno.readDirSync(join(ROOT, "docs"))) {
    if (name.endsWith(".md") && name !== "hollow.md") pages.push(`docs/${name}`);
  }
  const texts = await Promise.all(pages.sort().map(textOf));
  const commands = texts.flatMap(commandsIn);
  assert.ok(commands.length >= 12, `${commands.length} commands`);
  await executeBesideKea(commands, [], ({ command, code, stdout, stderr }) => {
    const text = `${command}\n${stdout}${stderr}`;
    assert.equal(code, 0, text);
    if (/ task (monitor --duration|run|lab)/.test(command)) assert.match(text, /Healthy|COMPLETE/);
  });
});
