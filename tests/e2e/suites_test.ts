/** Newer bpftraces run in their suites as children of ours. Needs root; installs them, once. */

import assert from "node:assert/strict";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";
import { interruptBpftrace } from "./run_script.ts";

for (const name of SUITES) {
  Deno.test(`suiteCommand() runs the bpftrace of ${name}, whose version its package has`, async () => {
    const suite = await ensureSuite(name);
    const { version } = await findBpftrace(suiteCommand(suite, ["bpftrace"]));
    console.log(`${name}: bpftrace ${version}, Kea ${suite.versions.kea}`);
    assert.ok(suite.versions.bpftrace.startsWith(`${version}-`), suite.versions.bpftrace);
  });

  Deno.test(`suiteCommand() probes this machine from ${name}, and a signal ends it clean`, async () => {
    const [program, ...args] = suiteCommand(await ensureSuite(name), [
      ...["bpftrace", "-q", "-e"],
      `tracepoint:syscalls:sys_enter_read /pid == ${Deno.pid}/ { printf("seen\\n"); }
       END { printf("ended\\n"); }`,
    ]);
    const child = new Deno.Command(program!, { args, stdout: "piped", stderr: "null" }).spawn();
    const reads = setInterval(() => Deno.readTextFileSync("/proc/self/stat"), 20);
    let text = "";
    let ended: Promise<Deno.CommandStatus> | undefined;
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (!text.includes("seen") && part.includes("seen")) ended = interruptBpftrace(child);
      text += part;
    }
    clearInterval(reads);
    assert.equal((await ended)?.code, 0);
    assert.match(text, /ended/);
    assert.ok(!(await Deno.readTextFile("/proc/self/mounts")).includes("/kea-ebpf-monitoring/"));
  });
}
