import assert from "node:assert/strict";
import fc from "fast-check";
import type { Server } from "../../discovery/types.ts";
import { mergeCounts } from "../../probes/merged_counts.ts";
import { GROUPINGS } from "../../probes/packet_counting.ts";
import { plan } from "../../probes/plan.ts";
import { programTexts } from "../../probes/program_texts.ts";
import { PROFILES } from "../../probes/programs.ts";
import { render } from "../../probes/render.ts";
import { EXECUTABLE, factsOf, KERNEL, LIBRARY, server, site, SITES } from "./server_and_sites.ts";

const texts = await programTexts();

/** Every site that any program asks for. */
const ALL_SITES = [
  ...SITES,
  ...["callouts.start", "callouts.end.0", "callouts.done"].map((id) =>
    site(id, { facts: { entry: "bx", handle: "bp", hook: "0x8c", status: "0x90" } })
  ),
  ...["postgresql.start", "postgresql.end"].map((id) =>
    site(id, { file: LIBRARY, facts: { rows: "0x0", outcome: "0x28" } })
  ),
  ...["mariadb.start.leases.0", "mariadb.end.leases.0"].map((id) =>
    site(id, { file: EXECUTABLE, facts: { number: "0x10" } })
  ),
  site("allocation.parked"),
];
const attachPoints = new Map(ALL_SITES.map(({ id }) => [id, `"/proc/4242/exe":${id}`]));

/** Servers, profiles and options. */
const OPTIONS = fc.record({
  profile: fc.constantFrom(...PROFILES),
  family: fc.constantFrom(4, 6),
  socket: fc.constantFrom("raw", "udp"),
  leases: fc.constantFrom(null, "postgresql", "mysql"),
  hookLibraries: fc.subarray(["/usr/lib/kea/hooks/libdhcp_ha.so"]),
  reportsSockets: fc.boolean(),
  registers: fc.constantFrom(0, 16_216),
  slowNs: fc.constantFrom(0, 1_000_000),
  wallClock: fc.constantFrom(0n, 1_795_858_601_725_877_438n),
  hostPid: fc.constantFrom(null, 31_415),
  top: fc.boolean(),
  by: fc.constantFrom(null, ...GROUPINGS),
});

type Options = typeof OPTIONS extends fc.Arbitrary<infer Value> ? Value : never;

const PLAIN = {
  ...{ profile: "standard", family: 4, socket: "raw", leases: null, hookLibraries: [] },
  ...{ reportsSockets: true, registers: 16_216, slowNs: 0, wallClock: 0n, hostPid: null },
  ...{ top: false, by: null },
} as const satisfies Options;

function rendered(options: Options) {
  const { profile, family, socket, leases, hookLibraries, reportsSockets, ...context } = options;
  const watched: Server = {
    ...server({ hookLibraries, databases: { leases, others: [] } }),
    family,
    sockets: [family === 6 ? "udp" : socket],
    ...leases === null ? {} : { leaseFile: null },
  };
  const facts = factsOf(watched, { sites: ALL_SITES, refusals: [] }, {
    kernel: { hasRegisters: context.registers > 0, reportsSockets },
  });
  const made = plan(facts, profile, new Map(), context);
  return render(made, texts, attachPoints, 1000, { ...context, kernel: KERNEL });
}

/** Statements that count by keys: their maps and keys. */
function countingIn(program: string): { readonly map: string; readonly keys: string[] }[] {
  return program.matchAll(/(@\w+)\[([^\]]*)\] = (?:count|sum)\(/g)
    .map(([, map, keys]) => ({ map: map!, keys: keys!.split(",") })).toArray();
}

const mapsIn = (program: string) => [...new Set(countingIn(program).map(({ map }) => map))].sort();

Deno.test("mergeCounts() makes one map of maps with numbers for keys, and split() takes it apart", () => {
  const { program, split } = mergeCounts(
    "// A comment about @sent = count();\n" +
      "{\n  @sent[1] = sum((uint64)(1 << 40) + $bytes);\n" +
      '  if ($x > 0) { @steps[$hook, reg("ip"), ($now >> 30) & 31] = count(); }\n' +
      "  @failed = count();\n  @slot[$place] = 0;\n}\n" +
      "interval:ms:1 {\n  print(@sent);\n  print(@steps);\n  print(@failed);\n}\n",
  );
  assert.equal(
    program,
    "// A comment about @sent = count();\n" +
      "{\n  @counts[(int64)(0), (int64)(1), (int64)(0), (int64)(0)] = " +
      "sum((uint64)((uint64)(1 << 40) + $bytes));\n" +
      '  if ($x > 0) { @counts[(int64)(1), (int64)($hook), (int64)(reg("ip")), ' +
      "(int64)(($now >> 30) & 31)] = sum((uint64)(1)); }\n" +
      "  @failed = count();\n  @slot[$place] = 0;\n}\n" +
      "interval:ms:1 {\n  print(@counts);\n  print(@failed);\n}\n",
  );
  const printed = {
    "@counts": { "1,4,139637976793104,31": 3, "0,2,0,0": "9223372036854775808", "1,-1,0,0": 1 },
    "@failed": 7,
  };
  assert.deepEqual(split(printed), {
    "@sent": { "2": "9223372036854775808" },
    "@steps": { "4,139637976793104,31": 3, "-1,0,0": 1 },
    "@failed": 7,
  });
  assert.deepEqual(split({ "@failed": 7 }), { "@failed": 7 });
});

Deno.test("mergeCounts() leaves maps with texts alone, and those that are read later or may be large", () => {
  const program =
    "@log[3, str(arg2)] = count(); $name = str(arg1); @sql[$name, $bucket] = sum($x);\n" +
    "@writes[comm] = count(); @received[1, $message] = sum($bytes); @clients[$a, $b] = sum($one);\n" +
    ["@log", "@sql", "@writes", "@received", "@clients"].map((map) => `print(${map});`).join("\n");
  assert.equal(mergeCounts(program).program, program);
});

Deno.test("titleOf() names the maps that share one", () => {
  const { titleOf } = mergeCounts("@a[1] = count(); @b[2] = count(); print(@a); print(@b);");
  assert.equal(titleOf("@counts"), "The map of @a, @b");
  assert.equal(titleOf("@exceptions"), "@exceptions");
});

Deno.test("mergeCounts() refuses what it does not understand", () => {
  for (
    const statements of [
      // Read, deleted, not printed, printed twice, assigned.
      "@a[1] = count(); $x = @a[1]; print(@a);",
      "@a[1] = count(); delete(@a[1]); print(@a);",
      "@a[1] = count();",
      "@a[1] = count(); print(@a); print(@a);",
      "@a[1] = count(); @a[2] = 3; print(@a);",
      // Keys of two lengths, without a key, of a text beside numbers.
      "@a[1] = count(); @a[1, 2] = count(); print(@a);",
      "@a[1] = count(); @a = count(); print(@a);",
      "@a[1] = count(); @a[str(arg0)] = count(); print(@a);",
      // Keys that may be anything.
      "@a[kstack] = count(); print(@a);",
      "@a[@b[tid]] = count(); print(@a);",
      // Other spellings.
      "@a[1]=count(); print(@a);",
      "@a[1] = sum ($x); print(@a);",
      "@a[1] = count(); print(@a, 5);",
      // A map of that name.
      "@a[1] = count(); print(@a); @counts[1] = 2;",
    ]
  ) {
    assert.throws(() => mergeCounts(statements), SyntaxError, statements);
  }
});

Deno.test("split() refuses a key of no map", () => {
  const { split } = mergeCounts("@a[1] = count(); print(@a);");
  assert.throws(() => split({ "@counts": { "1,1": 1 } }), RangeError);
});

Deno.test("every profile keeps a few maps of counts with keys", () => {
  const kept = (options: Partial<Options>) =>
    mapsIn(mergeCounts(rendered({ ...PLAIN, ...options }).program).program);
  const light = ["@counts", "@exceptions", "@received"];
  assert.deepEqual(kept({ profile: "light" }), light);
  for (const family of [4, 6] as const) {
    assert.deepEqual(kept({ family }), ["@counts", "@exceptions", "@log", "@received"]);
    assert.deepEqual(
      kept({ profile: "deep", family, socket: "udp" }),
      ["@counts", "@exceptions", "@log", "@received", "@stage", "@statistics", "@wait"],
    );
  }
  assert.deepEqual(kept({ profile: "light", top: true, by: "relay" }), [
    ...["@clients", "@counts", "@exceptions", "@received", "@relay_time", "@relays"],
  ]);
});

Deno.test("every program counts what it counted, and answers are read before requests", () => {
  fc.assert(
    fc.property(OPTIONS, fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (
      options,
      numbers,
    ) => {
      const { program, maps } = rendered(options);
      const merged = mergeCounts(program);
      const after = countingIn(merged.program);
      for (const [index, { map, keys }] of countingIn(program).entries()) {
        const now = after[index]!;
        if (now.map === map) {
          assert.deepEqual(now.keys, keys);
          continue;
        }
        assert.equal(now.map, "@counts");
        const ours = now.keys.map((key) => key.trim().replace(/^\(int64\)\((.*)\)$/, "$1"));
        assert.deepEqual(ours.slice(1, 1 + keys.length), keys.map((key) => key.trim()));
        const printed = keys.map((_, place) => numbers[place] ?? 0n);
        const padding = ours.slice(1 + keys.length);
        assert.deepEqual(
          merged.split({ "@counts": { [[ours[0], ...printed, ...padding].join()]: 5 } }),
          { [map]: { [printed.join()]: 5 } },
        );
      }
      const prints = merged.program.matchAll(/print\((@\w+)\)/g).map(([, map]) => map!).toArray();
      assert.deepEqual(prints, [...new Set(prints)]);
      assert.ok(prints.indexOf("@counts") < prints.indexOf("@received"), prints.join());
      const alone = prints.filter((map) => map !== "@counts");
      assert.deepEqual(alone, maps.filter((map) => alone.includes(map)));
    }),
    { numRuns: 50 },
  );
});
