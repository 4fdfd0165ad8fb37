import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..");

interface Task {
  readonly description?: string;
  readonly command?: string;
}

const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  tasks: Record<string, Task>;
};
const scripts = Object.entries(tasks).flatMap(([name, { command = "" }]) => {
  const script = /^deno run -A (?:--v8-flags=\S+ )?(\S+\.ts)$/.exec(command)?.[1];
  return script === undefined ? [] : [{ name, script }];
});

Deno.test("every task says what it does", () => {
  for (const [name, { description }] of Object.entries(tasks)) assert.ok(description, name);
});

Deno.test.each(scripts)(
  "a script's --help shows two examples and a wrong option ends with 2",
  async ({ name, script }) => {
    const run = (...args: string[]) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", join(ROOT, script), ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
    const help = await run("--help");
    const text = new TextDecoder().decode(help.stdout);
    assert.equal(help.code, 0, `${name}: ${new TextDecoder().decode(help.stderr)}`);
    const examples = /Examples:\n([\s\S]*)/.exec(text)?.[1] ?? "";
    const shown = examples.match(/^ {2}(?:sudo )?(?:\.\/denow|deno) /gm) ?? [];
    assert.ok(shown.length >= 2, `${name}: ${examples}`);
    assert.equal((await run("--no-such-option")).code, 2, name);
  },
);

Deno.test("deno.lock names no registry and one version of each package", () => {
  const lock = Deno.readTextFileSync(join(ROOT, "deno.lock"));
  assert.doesNotMatch(lock, /:\/\/|"tarball"/);
  const { specifiers } = JSON.parse(lock) as { specifiers: Record<string, string> };
  const names = Object.keys(specifiers).map((specifier) => specifier.replace(/@[^@]+$/, ""));
  assert.equal(new Set(names).size, names.length);
});
