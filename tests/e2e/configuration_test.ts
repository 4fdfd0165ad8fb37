/** Kea's configuration, read here and by Kea itself. Needs root and the three Keas. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import fc from "fast-check";
import { asLogged, bytesIn, readByKea } from "../../tools/lab/kea_reading.ts";
import { parseConfiguration } from "../../discovery/configuration/parse.ts";
import {
  configurationOf,
  controlSocketsOf,
} from "../../discovery/configuration/server_configuration.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import { KEAS } from "../../tools/lab/kea_builds.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { ensureSuite, suiteCommand } from "../../tools/lab/debian_suites.ts";
import { editFile, reconfigure } from "./reconfigure.ts";
import { layout, values } from "../discovery/configuration/random_layout.ts";

for (const [kea, suite] of Object.entries(KEAS)) {
  Deno.test(`parseConfiguration() reads what the packages of Kea ${kea} ship as that Kea does`, async () => {
    const root = suite === null ? "" : (await ensureSuite(suite)).root;
    for (const program of ["kea-dhcp4", "kea-dhcp6"]) {
      const command = suite === null
        ? [program]
        : suiteCommand(await ensureSuite(suite), [program]);
      const read = await readByKea(command, `/etc/kea/${program}.conf`, "/");
      assert.ok("values" in read, JSON.stringify(read));
      const here = parseConfiguration(bytesIn(`${root}/etc/kea/${program}.conf`), bytesIn);
      assert.deepEqual(asLogged(here), asLogged(read.values));
    }
  });
}

Deno.test("parseConfiguration() reads random layouts as Kea does, from its working directory", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kea-layouts-" });
  const write = (name: string, text: string) =>
    Deno.writeFile(join(directory, name), Buffer.from(text, "latin1"));
  try {
    // In a user-context, Kea takes any values.
    await write(
      "whole.json",
      '{ "Dhcp4": { "user-context": { "value": <?include "random.json"?> } } }',
    );
    await fc.assert(
      fc.asyncProperty(values, fc.infiniteStream(fc.nat()), async (value, random) => {
        const { text, files } = layout(value, () => random.next().value);
        await write("random.json", text);
        for (const [name, content] of Object.entries(files)) await write(name, content);
        const read = await readByKea(["kea-dhcp4"], "whole.json", directory);
        assert.deepEqual(read, { values: { Dhcp4: { "user-context": { value } } } }, text);
        const open = (name: string) => bytesIn(join(directory, name));
        assert.deepEqual(parseConfiguration(open("whole.json"), open), read.values);
      }),
      { numRuns: 40, seed: 14, endOnFailure: true },
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("config-get is the same for a file and for the values that are read in it here", async () => {
  await using lab = await startLab();
  const path = join(lab.directory, "kea.json");
  await editFile(lab, (dhcp) => dhcp["user-context"] = { "here": 1 });
  const plain = await Deno.readTextFile(path);
  await Deno.writeTextFile(join(lab.directory, "times"), '"t1-percent": .5, "t2-percent": 8e-1,,');
  const text = plain.replaceAll("}", '/* ] */ // <?include "none"?>\n}')
    .replaceAll(",", ", # ] } /*\n")
    .replace(
      '"valid-lifetime":4000',
      `"valid-lifetime": 04000, <?include"${lab.directory}/times"?>`,
    );
  assert.match(text, /04000/);
  await Deno.writeTextFile(path, text);
  Deno.kill(lab.pid, "SIGKILL");
  await lab.restart();
  const ofFile = await keaCommand(lab.controlSocket, "config-get");
  const values = parseConfiguration(bytesIn(path), bytesIn) as Record<string, unknown>;
  await keaCommand(lab.controlSocket, "config-set", values);
  assert.deepEqual(await keaCommand(lab.controlSocket, "config-get"), ofFile);
});

Deno.test("configurationOf() is the server's own, and the file's where the server cannot be asked", async () => {
  await using lab = await startLab();
  const [{ from, path, dhcp }, file] = [
    await configurationOf(lab.pid, 4),
    JSON.parse(await Deno.readTextFile(join(lab.directory, "kea.json"))).Dhcp4,
  ];
  assert.deepEqual([from, path], ["server", join(lab.directory, "kea.json")]);
  assert.deepEqual(dhcp["interfaces-config"]!.interfaces, file["interfaces-config"].interfaces);
  assert.deepEqual(dhcp.subnet4![0]!.pools, file.subnet4[0].pools);

  // The server runs with other interfaces than its file names.
  await reconfigure(lab, (dhcp) => dhcp["interfaces-config"].interfaces = []);
  const changed = await configurationOf(lab.pid, 4);
  assert.deepEqual(changed.dhcp["interfaces-config"]!.interfaces, []);

  await Deno.remove(lab.controlSocket);
  const fallen = await configurationOf(lab.pid, 4);
  assert.equal(fallen.from, "file");
  assert.match(fallen.whyNotServer!, /^its control socket \/.*\/control gives none \(/);
  assert.deepEqual(
    fallen.dhcp["interfaces-config"]!.interfaces,
    file["interfaces-config"].interfaces,
  );

  await Deno.writeTextFile(path, '{ "Dhcp4": { "interfaces-config"');
  await assert.rejects(configurationOf(lab.pid, 4), {
    name: "DiscoveryError",
    message: /\(line 1: expected :, found the end\); its control socket .* gives none/,
  });
});

Deno.test("configurationOf() finds a control socket that the configuration names without its folder", async () => {
  await using lab = await startLab({ kea: "newest" });
  await editFile(lab, (dhcp) => dhcp["control-sockets"][0]["socket-name"] = "relative.sock");
  Deno.kill(lab.pid, "SIGKILL");
  const pid = await lab.restart();
  assert.deepEqual(await controlSocketsOf(pid), [
    `/proc/${pid}/root${join(lab.directory, "relative.sock")}`,
  ]);
  assert.equal((await configurationOf(pid, 4)).from, "server");
});
