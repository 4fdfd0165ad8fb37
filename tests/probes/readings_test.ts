import assert from "node:assert/strict";
import { parseExact } from "../../metrics/input/exact_json.ts";
import { plan } from "../../probes/plan.ts";
import { basesOf } from "../../discovery/mapped_files.ts";
import {
  answeredIn,
  operationsOf,
  ReadingDifferences,
  renamingOf,
  requestsIn,
} from "../../probes/readings.ts";
import { factsOf, LIBRARY, server, SITES } from "./server_and_sites.ts";

Deno.test("parseExact() keeps integers beyond 2^53 as strings, exactly", () => {
  assert.deepEqual(parseExact('{"a": 17592186079277, "b": 9223372036854775807, "c": -1}'), {
    a: 17592186079277,
    b: "9223372036854775807",
    c: -1,
  });
});

Deno.test("parseExact() reads bytes that bpftrace sign-extends as UTF-8", () => {
  assert.equal(parseExact('"caf\\uffffffc3\\uffffffa9"'), "café");
});

Deno.test("ReadingDifferences turns addresses into operations, adds their sites, drops private maps", () => {
  const deep = plan(factsOf(server(), { sites: SITES, refusals: [] }), "deep");
  assert.equal(operationsOf(deep)[0], "addLease4");
  const differences = new ReadingDifferences(
    renamingOf(deep, new Map([[LIBRARY.path, 0x7f0000000000]])),
  );
  const counted = differences.next({
    "@lease_manager": { [`${0x7f0000001010},80`]: "17592186079277" },
    "@sent": { "1": `${5n * 2n ** 40n + 1500n}` },
    "@slot": { "1": 1 },
  });
  assert.deepEqual(counted, { "@lease_manager": [[0, 80, 1, 34_861]], "@sent": [[1, 5, 1500]] });
});

Deno.test("ReadingDifferences counts what is new alone, and adds the epochs of requests", () => {
  const differences = new ReadingDifferences({});
  const received = (...counts: number[]) => ({
    "@received": Object.fromEntries(
      counts.map((count, epoch) => [`1,3,${epoch}`, `${BigInt(count) * (2n ** 40n + 300n)}`]),
    ),
  });
  assert.deepEqual(differences.next(received(2, 1)), { "@received": [[1, 3, 3, 900]] });
  assert.deepEqual(differences.next(received(2, 1)), {});
  assert.deepEqual(differences.next(received(2, 1, 4)), { "@received": [[1, 3, 4, 1200]] });
});

Deno.test("requestsIn() counts by message and epoch, over all sockets, but not what no server answers", () => {
  const one = `${2n ** 40n + 300n}`;
  assert.deepEqual(
    requestsIn({ "@received": { "1,3,7": one, "2,3,7": one, "2,1,0": one, "2,7,0": one } }, 4),
    new Map([[3, Object.assign([], { 7: 2 })], [1, [1]]]),
  );
  assert.deepEqual(
    answeredIn({ "@answered": { "3,1": 5 } }),
    new Map([[3, Object.assign([], { 1: 5 })]]),
  );
  assert.deepEqual(requestsIn({}, 4), new Map());
});

Deno.test("basesOf() finds where files begin, deleted ones and ones with blanks too", () => {
  const bases = basesOf(
    "7f00-7f10 r--p 00000000 fe:00 12 /usr/lib/a b.so\n" +
      "7f10-7f20 r-xp 00001000 fe:00 12 /usr/lib/a b.so\n" +
      "8f00-8f10 r--p 00000000 fe:00 13 /usr/lib/old.so (deleted)\n" +
      "9f00-9f10 rw-p 00000000 00:00 0 [heap]\n",
  );
  assert.deepEqual([...bases], [["/usr/lib/a b.so", 0x7f00], ["/usr/lib/old.so", 0x8f00]]);
});
