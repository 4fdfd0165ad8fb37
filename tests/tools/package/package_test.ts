import assert from "node:assert/strict";
import { join } from "node:path";
import { manual } from "../../../tools/package/manual.ts";
import { shippedCommands } from "../../../tools/package/shipped_commands.ts";
import { shippedFiles } from "../../../tools/package/shipped_files.ts";
import { wrapper } from "../../../tools/package/wrapper.ts";

const ROOT = join(import.meta.dirname!, "../../..");
const commands = shippedCommands();

Deno.test("the package has the commands of operators, and none that needs the checkout", () => {
  const names = commands.map(({ name }) => name);
  for (const name of ["exporter", "monitor", "troubleshoot", "viz", "to-json", "hollow-monitor"]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["test", "lab", "install", "package", "bench:overhead", "page-picture"]) {
    assert.ok(!names.includes(name), name);
  }
});

Deno.test("the package has what its commands import, start and read, and no test", () => {
  const files = shippedFiles(ROOT, commands.map(({ script }) => script));
  for (
    const file of ["probes/prepare_child.ts", "probes/programs/packets_raw.bt", "deno.json"]
  ) assert.ok(files.includes(file), file);
  assert.deepEqual(
    files.filter((file) => /^(tests|bench|docs)\/|^tools\/package\//.test(file)),
    [],
  );
});

Deno.test("wrapper() is a shell script that refuses an unknown command with 2", async () => {
  const script = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(script, wrapper(commands, "1.2.3"));
    const start = async (...args: string[]) => {
      const child = new Deno.Command("sh", { args: [script, ...args], stdin: "null" });
      const { code, stdout, stderr } = await child.output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    };
    assert.deepEqual(await start("--version"), {
      ...{ code: 0, stdout: "kea-ebpf-monitoring 1.2.3\n", stderr: "" },
    });
    const unknown = await start("no-such-command");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /there is no command "no-such-command"/);
    const help = await start("--help");
    for (const { name } of commands) assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("manual() takes nothing of a help text for a request of roff", () => {
  const help = "Usage: monitor\n.so /etc/passwd\n'x --all \\n";
  const page = manual([[commands[0]!, help]], { version: "1.2.3", date: "2026-01-02" });
  assert.match(page, /^Usage: monitor\n\\&\.so \/etc\/passwd\n\\&'x \\-\\-all \\en$/m);
});

Deno.test("shippedCommands() refuses a task that it cannot read, and leaves out those of the checkout", () => {
  const description = "x";
  assert.deepEqual(shippedCommands({ lab: { description, command: "anything" } }), []);
  for (const command of ["deno run -A a.ts && b", "deno test -A", "deno run a.ts"]) {
    assert.throws(() => shippedCommands({ monitor: { description, command } }), {
      name: "PackageError",
      message:
        `Cannot package the task "monitor", "${command}": expected "deno run FLAGS SCRIPT.ts"`,
    });
  }
});
