/** Configurations that a process names and that are none: each is one error, soon, with its reason. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  configurationOf,
  configuredOf,
} from "../../../discovery/configuration/server_configuration.ts";
import type { MappedFile } from "../../../discovery/types.ts";

/** A process that was started with a configuration file, and that has no control socket. */
async function withServer(
  files: Readonly<Record<string, string>>,
  name: string,
  look: (pid: number, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kea-configuration-" });
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(directory, file), text);
  }
  const child = new Deno.Command("sh", {
    // The shell takes its own -c; what follows are arguments of the script.
    args: ["-c", "echo up; read -r _", "kea-dhcp4", "-dc", name],
    cwd: directory,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    const output = child.stdout.getReader();
    await output.read();
    await output.cancel();
    await look(child.pid, directory);
  } finally {
    await child.stdin.close();
    await child.status;
    await Deno.remove(directory, { recursive: true });
  }
}

const bomb = Object.fromEntries(
  Array.from({ length: 11 }, (_, index) => [
    `${index}`,
    index === 10 ? "[]" : `[ <?include "${index + 1}"?>, <?include "${index + 1}"?> ]`,
  ]),
);

const WRONG: Readonly<Record<string, readonly [Readonly<Record<string, string>>, string, RegExp]>> =
  {
    "null": [{ "k": '{"Dhcp4":null}' }, "k", /\(Dhcp4: .*expected object, received null\)/],
    "a number for a list": [
      { "k": '{"Dhcp4":{"hosts-databases":5}}' },
      "k",
      /\(Dhcp4\.hosts-databases: .*expected array, received number\)/,
    ],
    "another family": [{ "k": '{"Dhcp6":{}}' }, "k", /\(Dhcp4: /],
    "a file that is none": [{}, "k", /\(there is no such file\)/],
    "a folder": [{}, ".", /\(it is no regular file\)/],
    "a device without an end": [{}, "/dev/zero", /\(it is no regular file\)/],
    "an include that is none": [
      { "k": '{ "Dhcp4": <?include "none"?> }' },
      "k",
      /\(the included \/.*\/none: there is no such file\)/,
    ],
    "an include of a name that no file has": [
      { "k": `<?include "${"n".repeat(5000)}"?>` },
      "k",
      /\(line 1: a file name longer than 4095 bytes\)/,
    ],
    "an include of itself": [{ "k": '[ <?include "k"?>' }, "k", /more than 11 deep/],
    "includes of includes": [{ "k": '<?include "0"?>', ...bomb }, "k", /more than 1000 files/],
  };

for (const [what, [files, name, why]] of Object.entries(WRONG)) {
  Deno.test(`configurationOf() refuses ${what} in one line, with the reason`, async () => {
    await withServer(files, name, async (pid) => {
      const found = await configurationOf(pid, 4).then(() => null, (error) => error);
      assert.equal(found?.name, "DiscoveryError");
      assert.match(found.message, why);
      assert.match(found.message, /; it has no Unix control socket$/);
      assert.ok(!found.message.includes("\n"));
    });
  });
}

Deno.test("configurationOf() does not wait at a pipe", async () => {
  await withServer({}, "pipe", async (pid, directory) => {
    await new Deno.Command("mkfifo", { args: [join(directory, "pipe")] }).output();
    await assert.rejects(configurationOf(pid, 4), /it is no regular file/);
  });
});

Deno.test("configurationOf() reads a file, and what it includes, from the server's working directory", async () => {
  const files = {
    "kea.json": '{ "Dhcp4": { <?include"interfaces"?> "t1-percent": .5, } }',
    interfaces: '"interfaces-config": { "interfaces": [ "eth0" ] }, # ] }\n',
  };
  await withServer(files, "kea.json", async (pid, directory) => {
    const { from, path, dhcp } = await configurationOf(pid, 4);
    assert.deepEqual([from, path], ["file", join(await Deno.realPath(directory), "kea.json")]);
    assert.deepEqual(dhcp, { "interfaces-config": { interfaces: ["eth0"] } });
  });
});

Deno.test("configurationOf() does not ask a server with a large configuration", async () => {
  const files = { "kea.json": `{ "Dhcp4": { } /* ${"-".repeat(300_000)} */ }` };
  await withServer(files, "kea.json", async (pid) => {
    const { from, whyNotServer } = await configurationOf(pid, 4);
    assert.equal(from, "file");
    assert.equal(
      whyNotServer,
      "it was not asked, it would handle no packets while it sends 0.3 MB",
    );
  });
});

const mapped = (...paths: string[]): MappedFile[] =>
  paths.map((path) => ({
    path,
    pinnedPath: path,
    device: "fe:00",
    inode: 1,
    buildId: null,
    replaced: false,
  }));

const LIBRARIES = mapped("/usr/lib/libpq.so.5.15", "/usr/lib/libmariadb.so.3");

Deno.test("configuredOf() takes databases, loggers and threads from the configuration", async () => {
  const files = {
    "kea.json": `{ "Dhcp4": {
      // no [database] of this line counts
      "lease-database": { "type": "mysql", "name": "kea" },
      "hosts-databases": [ { "type": "postgresql" }, ],
      "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 3 },
      "loggers": [ { "name": "kea-dhcp4", "severity": "debug" }, { "name": "kea-dhcp4.leases" } ],
    } }`,
  };
  await withServer(files, "kea.json", async (pid) => {
    const server = { pid, family: 4, libraries: LIBRARIES, leaseFile: null } as const;
    assert.deepEqual(await configuredOf(server), {
      databases: { leases: "mysql", others: ["postgresql"] },
      debugLoggers: ["kea-dhcp4"],
      workerThreads: 3,
    });
  });
});

Deno.test("configuredOf() takes mapped client libraries where nothing can be read, and says why", async () => {
  await withServer({}, "none", async (pid) => {
    const server = {
      pid,
      family: 4,
      leaseFile: null,
      libraries: mapped("/lib/libpq.so.5"),
    } as const;
    const configured = await configuredOf(server);
    assert.equal(configured.debugLoggers, null);
    const { whyAssumed, ...databases } = configured.databases;
    assert.deepEqual(databases, { leases: "postgresql", others: ["postgresql"] });
    assert.match(whyAssumed!, /^Cannot read the configuration .*there is no such file/);
    const withFile = { ...server, leaseFile: { path: "/leases", fd: 3 }, libraries: LIBRARIES };
    assert.deepEqual({ ...(await configuredOf(withFile)).databases, whyAssumed: "" }, {
      leases: null,
      others: ["mysql", "postgresql"],
      whyAssumed: "",
    });
    const none = { ...server, libraries: [] };
    assert.deepEqual((await configuredOf(none)).databases.others, []);
  });
});
