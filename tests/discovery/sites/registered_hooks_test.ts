import assert from "node:assert/strict";
import { indexCode } from "../../../discovery/code/call_sites.ts";
import { parseDisassembly } from "../../../discovery/code/disassembly.ts";
import { parseRelocations } from "../../../discovery/code/elf.ts";
import { registeredHooks } from "../../../discovery/sites/registered_hooks.ts";

const fixture = (name: string) =>
  Deno.readTextFileSync(
    new URL(`../fixtures/register_hook-kea-3.0.4.${name}.txt`, import.meta.url),
  );

/** Of Debian's kea-dhcp4 3.0.4: a name built from constants, then three that a function copies. */
const text = fixture("objdump");
const slots = parseRelocations(fixture("relocations"));
const functions = [{ start: 0x56b10, end: 0x56b76, frameless: [] }, {
  start: 0x56f60,
  end: 0x57100,
  frameless: [],
}];

/** Constants at the addresses that the code names, as they are in the file. */
const bytes = (constants: string) => new TextEncoder().encode(constants);
const data = [
  { address: 0x11765e, bytes: bytes("buffer4_receive\0pkt4_receive\0subnet4_select\0") },
  { address: 0x126670, bytes: bytes("dhcp4_srv_config") },
];

const hooksIn = (code: string) =>
  registeredHooks(indexCode(parseDisassembly(code), slots, functions), data);

Deno.test("registeredHooks() finds each name and the variable with its number", () => {
  assert.deepEqual(hooksIn(text), [
    { name: "dhcp4_srv_configured", variable: 0x162f88 },
    { name: "buffer4_receive", variable: 0x163360 },
    { name: "pkt4_receive", variable: 0x163364 },
    { name: "subnet4_select", variable: 0x163368 },
  ]);
});

Deno.test("registeredHooks() says where a name or a variable is not clear", () => {
  const lines = text.split("\n");
  const unknown = lines.filter((line) => !/# (11766e|163364) /.test(line)).join("\n");
  assert.deepEqual(hooksIn(unknown)[2], { name: null, variable: null });
});
