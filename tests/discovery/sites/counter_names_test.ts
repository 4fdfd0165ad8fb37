import assert from "node:assert/strict";
import { indexCode } from "../../../discovery/code/call_sites.ts";
import { counterCalls } from "../../../discovery/sites/counter_names.ts";
import { parseDisassembly } from "../../../discovery/code/disassembly.ts";
import { parseRelocations } from "../../../discovery/code/elf.ts";

const fixture = (name: string) =>
  Deno.readTextFileSync(new URL(`../fixtures/counter_names-gcc-12.2.${name}.txt`, import.meta.url));

/** A function that raises six counters with names of 13 to 21 characters, as gcc 12.2 -O2 makes it. */
const text = fixture("objdump");
const slots = parseRelocations(fixture("relocations"));
const functions = [{ start: 0x1220, end: 0x1600, frameless: [] }];
const ADD_VALUE = slots.values().find((name) => name.includes("addValue"))!;

/** Constants at the addresses that the code names. */
const data = [{
  address: 0x2010,
  bytes: new TextEncoder().encode("pkt4-rfc-violatipkt4-service-dispkt4-receive-dro"),
}];

const namesIn = (code: string, constants = data) =>
  counterCalls(indexCode(parseDisassembly(code), slots, functions), constants, ADD_VALUE)
    .map(({ name }) => name);

Deno.test("counterCalls() reads names from constants, immediates and both, with all their bytes", () => {
  assert.deepEqual(namesIn(text), [
    "pkt4-rfc-violation",
    "pkt4-service-disabled",
    "pkt4-queue-full",
    "pkt4-receive-drop",
    "pkt4-received",
    "pkt4-duplicate",
  ]);
});

const PLT = text.split("\n").filter((line) => line.includes("jmp    *")).join("\n");
const [, ENTRY] = text.match(/call +([0-9a-f]+) <_ZN1S8addValue/)!;

/** A call of addValue behind some code. */
const calling = (...lines: string[]) =>
  [PLT, ...lines, `    1300:\te8 00 00 00 00 \tcall   ${ENTRY} <x@plt>`].join("\n");

Deno.test("counterCalls() reads a name that is loaded by its end", () => {
  const code = calling(
    "    1240:\t48 8d 15 db 0d 00 00 \tlea    0xddb(%rip),%rdx        # 2022 <x>",
    "    1247:\t48 8d 72 ee          \tlea    -0x12(%rdx),%rsi",
  );
  const constants = [{
    address: 0x2010,
    bytes: new TextEncoder().encode("pkt4-rfc-violation\0pkt4-received\0"),
  }];
  assert.deepEqual(namesIn(code, constants), ["pkt4-rfc-violation"]);
});

Deno.test("counterCalls() takes a name for a subnet's where its maker makes those", () => {
  const subnet = [
    "    1240:\t48 8d 35 c9 0d 00 00 \tlea    0xdc9(%rip),%rsi        # 2010 <x>",
    "    1247:\te8 00 00 00 00       \tcall   1500 <generateName>",
    `    124c:\te8 00 00 00 00       \tcall   ${ENTRY} <x@plt>`,
    "    1251:\t48 8b b5 28 fc ff ff \tmov    -0x3d8(%rbp),%rsi",
    "    1258:\te8 00 00 00 00       \tcall   1500 <generateName>",
  ];
  const constants = [{ address: 0x2010, bytes: new TextEncoder().encode("subnet\0") }];
  assert.deepEqual(namesIn(calling(...subnet), constants), ["subnet", "subnet"]);
});

Deno.test("counterCalls() says which name is unknown", () => {
  assert.deepEqual(namesIn(calling("    1240:\t48 8b 75 28 \tmov    0x28(%rbp),%rsi")), [null]);
});
