import assert from "node:assert/strict";
import { hookPointsAt } from "../../discovery/hook_points.ts";

/** A node of the tree, as libstdc++ lays it out: addresses of two others, a number and a name. */
interface Node {
  readonly left?: number;
  readonly right?: number;
  readonly number: number;
  readonly name: string;
}

const [POINTER, OBJECT] = [0x1000, 0x2000];

/** Memory that holds a `ServerHooks` with these nodes, the first the root; a Kea's tree is balanced. */
function memoryOf(nodes: Readonly<Record<number, Node>>) {
  const words = new Map<number, bigint>();
  const put = (address: number, value: number) => words.set(address, BigInt(value));
  put(POINTER, OBJECT);
  put(OBJECT + 48 + 16, Number(Object.keys(nodes)[0] ?? 0));
  const texts = new Map<number, Uint8Array>();
  for (const [key, { left = 0, right = 0, number, name }] of Object.entries(nodes)) {
    const at = Number(key);
    // A number has 4 bytes; what follows it is padding.
    const fields = [0, 0, left, right, number + 2 ** 33, at + 0x500, name.length, 0, 0];
    fields.forEach((value, index) => put(at + 8 * index, value));
    texts.set(at + 0x500, new TextEncoder().encode(name));
  }
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    read: (address: bigint, length: number): Uint8Array | null => {
      reads++;
      const at = Number(address);
      const text = texts.get(at);
      if (text !== undefined) return text.slice(0, length);
      const view = new DataView(new ArrayBuffer(length));
      for (let offset = 0; offset < length; offset += 8) {
        const word = words.get(at + offset);
        if (word === undefined) return null;
        view.setBigUint64(offset, word, true);
      }
      return new Uint8Array(view.buffer);
    },
  };
}

const pointsIn = (nodes: Readonly<Record<number, Node>>) =>
  hookPointsAt(BigInt(POINTER), memoryOf(nodes).read);

const [first, second] = [
  { number: 0, name: "context_create" },
  { number: 1, name: "context_destroy" },
] as const;

Deno.test("hookPointsAt() reads the names by number", () => {
  const nodes = {
    0x10000: { ...second, left: 0x20000, right: 0x30000 },
    0x20000: first,
    0x30000: { number: 2, name: "pkt4_receive" },
  };
  assert.deepEqual(pointsIn(nodes), ["context_create", "context_destroy", "pkt4_receive"]);
});

Deno.test("hookPointsAt() takes nothing else for names, and does not go round in circles", () => {
  const root = { ...second, left: 0x20000 };
  const others: readonly (readonly [string, Readonly<Record<number, Node>>])[] = [
    ["no table", {}],
    ["another table", { 0x10000: { number: 0, name: "something" } }],
    ["a node that is its own child", { 0x10000: root, 0x20000: { ...first, left: 0x20000 } }],
    ["a child that is nowhere", { 0x10000: root, 0x20000: { ...first, left: 0x999000 } }],
    ["a name with an escape code", { 0x10000: root, 0x20000: { ...first, name: "\x1b[2Jx" } }],
    ["an empty name", {
      0x10000: { ...root, right: 0x30000 },
      0x20000: first,
      0x30000: { number: 2, name: "" },
    }],
    ["a long name", { 0x10000: root, 0x20000: { number: 0, name: "x".repeat(65) } }],
    ["a gap", {
      0x10000: { ...root, right: 0x30000 },
      0x20000: first,
      0x30000: { number: 9, name: "x" },
    }],
    ["a number twice", {
      0x10000: { ...root, right: 0x30000 },
      0x20000: first,
      0x30000: { number: 1, name: "x" },
    }],
    ["a huge number", {
      0x10000: { ...root, right: 0x30000 },
      0x20000: first,
      0x30000: { number: 2 ** 31, name: "x" },
    }],
  ];
  for (const [what, nodes] of others) assert.equal(pointsIn(nodes), null, what);
});

Deno.test("hookPointsAt() ends in a tree without end", () => {
  let reads = 0;
  const names = hookPointsAt(BigInt(POINTER), (address, length) => {
    reads++;
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    if (length === 72) {
      view.setBigUint64(16, address + 72n, true);
      view.setBigUint64(48, 1n, true);
    } else if (length === 8) view.setBigUint64(0, 0x5000n, true);
    else bytes.fill(97);
    return bytes;
  });
  assert.equal(names, null);
  assert.ok(reads < 2000, String(reads));
});
