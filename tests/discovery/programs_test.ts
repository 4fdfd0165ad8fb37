import assert from "node:assert/strict";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { installedProgram } from "../../discovery/programs.ts";
import { chooseServer, describeServer, onlyServer } from "../../discovery/servers.ts";

const fails = (work: () => Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof DiscoveryError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });

Deno.test("installedProgram() says that a file is missing, or no ELF file", async () => {
  await fails(() => installedProgram("/nonexistent/kea-dhcp4"), /there is no such file/);
  await fails(() => installedProgram("/"), /expected an ELF executable/);
  const file = await Deno.makeTempFile();
  try {
    await fails(() => installedProgram(file), /expected an ELF executable/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("chooseServer() says what a selector must be", async () => {
  await fails(() => chooseServer("dhcp5"), /expected a process id, dhcp4 or dhcp6/);
});

Deno.test("chooseServer() means the server of the lab in which it runs", async () => {
  const servers = import.meta.resolve("../../discovery/servers.ts");
  const said = async (selector: string) => {
    const code = `import { chooseServer } from "${servers}";
      await chooseServer(${selector}).catch(({ message }) => console.log(message));`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      env: { KEA_LAB_PID: String(Deno.pid) },
    }).output();
    return new TextDecoder().decode(stdout);
  };
  // Not a Kea, and named by its number, so it was examined.
  assert.match(await said(""), new RegExp(`^Cannot watch process ${Deno.pid}: `));
  assert.match(await said('"4194305"'), /^Cannot find process 4194305: /);
});

Deno.test("onlyServer() offers the options that distinguish the servers", () => {
  const [four, other, six] = [
    { pid: 41, family: 4, executable: "/usr/sbin/kea-dhcp4" },
    { pid: 42, family: 4, executable: "/usr/sbin/kea-dhcp4" },
    { pid: 61, family: 6, executable: "/usr/sbin/kea-dhcp6" },
  ] as const;
  assert.equal(onlyServer([four, six], "dhcp6"), six);
  assert.equal(onlyServer([six]), six);
  const says = (servers: Parameters<typeof onlyServer>[0], ways: string, selector?: string) =>
    assert.throws(() => onlyServer(servers, selector), ({ message }: Error) => {
      const start = /^Cannot choose among \d servers, give one with (.*?): 41 \(/.exec(message);
      assert.equal(start?.[1], ways, message);
      return true;
    });
  says([four, six], "--server PID or --server dhcp4 or --server dhcp6");
  says([four, other, six], "--server PID or --server dhcp6");
  says([four, other, six], "--server PID", "dhcp4");
});

Deno.test("describeServer() refuses a process that is not Kea, and one that is not there", async () => {
  await fails(() => describeServer(Deno.pid), /expected kea-dhcp4 or kea-dhcp6, it runs/);
  // One above the largest that Linux gives.
  await fails(() => describeServer(4194305), /does not run/);
});
