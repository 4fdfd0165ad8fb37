import assert from "node:assert/strict";
import { COUNTED_MAPS, STAGE_NUMBERS } from "../../metrics/counted_maps.ts";
import { programTexts } from "../../probes/program_texts.ts";
import { PROGRAMS } from "../../probes/programs.ts";
import { CAUSES } from "../../metrics/waits.ts";
import { WAITING_CALLS } from "../../probes/waiting_calls.ts";
import { PRINTED_STAGES } from "../../probes/slow_packets.ts";

const { parts, programs } = await programTexts();

/** Words of the programs' variables that are not those of the stages. */
const VARIABLES: Readonly<Record<string, string>> = { allocated: "allocate" };
const stageOf = (variable: string) => VARIABLES[variable] ?? variable;

Deno.test("what the programs give to a capture is known there, and nothing else is", () => {
  const given = new Set(PROGRAMS.flatMap(({ maps }) => maps));
  // With @received, it becomes what got no answer.
  assert.ok(given.delete("@answered"));
  given.add("@slow_left_out");
  // Of the values of @relays.
  given.add("@relays_again");
  assert.deepEqual([...given].sort(), COUNTED_MAPS.toSorted());
});

Deno.test("the programs number the stages as a capture reads them", () => {
  const numbered = parts.get("count_stages")!
    .matchAll(/time="\$(\w+)" as="@stage\[\$message, (\d+),/g)
    .map(([, variable, number]) => [stageOf(variable!), Number(number)] as const).toArray();
  assert.ok(numbered.length >= 6, `${numbered.length} stages`);
  for (const [stage, number] of numbered) assert.equal(STAGE_NUMBERS[number], stage);
});

Deno.test("the programs print the stages of a slow packet as they are read", () => {
  const [, values] = /printf\("slow [^"]*",([^;]*)\);/.exec(parts.get("slow_packet")!)!;
  const [stages] = values!.split("{{#if waits}}");
  const variables = stages!.matchAll(/\$(\w+)/g).map(([, name]) => stageOf(name!)).toArray();
  assert.deepEqual(variables.slice(-PRINTED_STAGES.length), [...PRINTED_STAGES]);
});

Deno.test("the programs number what packets wait for as a capture reads it", () => {
  const text = programs.get("waits.bt")!;
  const described = text.matchAll(/^ \* {3}(\d) (\w+) {2}/gm).map(([, number, name]) =>
    [Number(number), name!] as const
  ).toArray();
  assert.deepEqual(described, CAUSES.map((cause, number) => [number, cause]));
  for (const [cause, number] of Object.entries({ memory: 5, lock: 2, network: 4, disk: 3 })) {
    assert.ok(text.includes(`{{waits_for.${cause}}}) { $cause = (uint64)${number}; }`), cause);
    assert.equal(CAUSES[number], cause);
  }
});

Deno.test("no system call is waited in for two causes", () => {
  const numbers = Object.values(WAITING_CALLS).flatMap((calls) => Object.values(calls));
  assert.equal(new Set(numbers).size, numbers.length);
});
