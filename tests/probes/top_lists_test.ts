import assert from "node:assert/strict";
import { Redaction } from "../../probes/redaction.ts";
import { TopLists } from "../../probes/top_lists.ts";

const plain = { family: 4, most: 2, shown: (address: string) => address } as const;

/** A key of the programs: a count that is exact, of a hardware address that ends with a number. */
const key = (end: number) => `0,6,${BigInt(end) << 40n | 2n},0`;
const name = (end: number) => `02:00:00:00:00:0${end}`;

Deno.test("TopLists has the greatest, with what came since they were listed the last time", () => {
  const lists = new TopLists(plain);
  lists.begin({});
  const next = (counts: Record<string, number>) => lists.next({ "@clients": counts })["@clients"];
  assert.deepEqual(next({ [key(1)]: 5, [key(2)]: 3, [key(3)]: 2 }), [
    [name(1), 0, 5],
    [name(2), 0, 3],
  ]);
  // One that comes up brings all that it has sent; of equal ones the known one stays.
  assert.deepEqual(next({ [key(1)]: 5, [key(2)]: 3, [key(3)]: 3 }), undefined);
  assert.deepEqual(next({ [key(1)]: 6, [key(2)]: 4, [key(3)]: 9 }), [
    [name(3), 0, 9],
    [name(1), 0, 1],
  ]);
  assert.deepEqual(next({ [key(1)]: 6, [key(2)]: 12, [key(3)]: 9 }), [[name(2), 0, 9]]);
});

Deno.test("TopLists leaves out what came before the first reading", () => {
  const lists = new TopLists(plain);
  lists.begin({ "@relays": { "0,4,33573130,0": 7 } });
  assert.deepEqual(lists.next({ "@relays": { "0,4,33573130,0": 9 } }), {
    "@relays": [["10.73.0.2", 0, 2]],
  });
});

Deno.test("TopLists counts what came again through a relay", () => {
  const lists = new TopLists(plain);
  const relay = "0,4,33573130,0";
  const value = (requests: bigint, again: bigint) => String(requests + (again << 40n));
  lists.begin({ "@relays": { [relay]: value(7n, 2n) } });
  assert.deepEqual(lists.next({ "@relays": { [relay]: value(9n, 2n) } }), {
    "@relays": [["10.73.0.2", 0, 2]],
  });
  assert.deepEqual(lists.next({ "@relays": { [relay]: value(12n, 5n) } }), {
    "@relays": [["10.73.0.2", 0, 3]],
    "@relays_again": [["10.73.0.2", 0, 3]],
  });
});

Deno.test("TopLists shows DUIDs, IPv6 relays and bounds, as the programs print them", () => {
  const lists = new TopLists({ ...plain, family: 6 });
  // Words with their highest bit set may be printed with a sign.
  assert.deepEqual(
    lists.next({
      "@clients": { "1,4,0,-1": 3 },
      "@relays": { [`0,16,${BigInt("0x0100b80d0120")},${1n << 56n}`]: 3 },
    }),
    {
      "@clients": [["ff:ff:ff:ff", 1, 3]],
      "@relays": [["2001:db8:1::1", 0, 3]],
    },
  );
});

Deno.test("TopLists shows the same hash for an address in each list", () => {
  const redaction = new Redaction();
  const listed = () =>
    new TopLists({ ...plain, shown: (address) => redaction.hashOf(address) })
      .next({ "@clients": { [key(1)]: 1 } })["@clients"]![0]![0];
  assert.match(String(listed()), /^[0-9a-f]{12}$/);
  assert.equal(listed(), listed());
});
