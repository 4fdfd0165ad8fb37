/**
 * Memory of a Kea server as its parsers find it: the tree of hook points, the table of statements.
 *
 * @module
 */

import type { Data } from "../../discovery/code/elf.ts";

/** Where the pointer to the hook points stands; the image begins there. */
export const POINTER = 0x1000;

/** Places in a node of libstdc++'s tree, as `discovery/hook_points.ts` reads them. */
const [NODE_BYTES, NAME_BYTES] = [72, 40];

const NAMES = [
  ...[
    "context_create",
    "context_destroy",
    "dhcp4_srv_configured",
    "cb4_updated",
    "buffer4_receive",
  ],
  ...[
    "pkt4_receive",
    "subnet4_select",
    "lease4_select",
    "lease4_renew",
    "pkt4_send",
    "buffer4_send",
  ],
];

/** An image of a `ServerHooks` with a balanced tree. */
export function hookTable(): Uint8Array<ArrayBuffer> {
  const object = POINTER + 64;
  const nodes = object + 256;
  const texts = nodes + NAMES.length * NODE_BYTES;
  const view = new DataView(new ArrayBuffer(texts + NAMES.length * NAME_BYTES - POINTER));
  const put = (address: number, value: number) =>
    view.setBigUint64(address - POINTER, BigInt(value), true);
  const nodeAt = (index: number) => nodes + index * NODE_BYTES;
  /** Makes a tree of the names in [from, to); returns its root. */
  const tree = (from: number, to: number): number => {
    if (from >= to) return 0;
    const middle = (from + to) >> 1;
    const at = nodeAt(middle);
    put(at + 16, tree(from, middle));
    put(at + 24, tree(middle + 1, to));
    put(at + 32, middle);
    put(at + 40, texts + middle * NAME_BYTES);
    put(at + 48, NAMES[middle]!.length);
    return at;
  };
  put(POINTER, object);
  put(object + 48 + 8 + 8, tree(0, NAMES.length));
  const bytes = new Uint8Array(view.buffer);
  NAMES.forEach((name, index) =>
    bytes.set(new TextEncoder().encode(name), texts + index * NAME_BYTES - POINTER)
  );
  return bytes;
}

const STATEMENTS = [
  "SELECT address, hwaddr FROM lease4 WHERE address = ?",
  "SELECT address FROM lease4 WHERE hwaddr = ? AND subnet_id = ?",
  "INSERT INTO lease4(address, hwaddr) VALUES (?, ?)",
  "UPDATE lease4 SET state = ? WHERE address = ?",
  "DELETE FROM lease4 WHERE state = ? AND expire < ?",
  "SELECT checkLease4Limits(?)",
];

/** Bytes of an entry: a number, a pointer. */
const ENTRY = 16;

/** Statements, numbered, behind the table that points to them: how a library lays them out. */
export const TABLE: Uint8Array = image();

function image(): Uint8Array {
  const texts = STATEMENTS.map((each) => new TextEncoder().encode(`${each}\0`));
  const view = new DataView(
    new ArrayBuffer(texts.reduce((sum, { length }) => sum + length, STATEMENTS.length * ENTRY)),
  );
  const bytes = new Uint8Array(view.buffer);
  let at = STATEMENTS.length * ENTRY;
  texts.forEach((each, index) => {
    view.setUint32(index * ENTRY, index, true);
    view.setUint32(index * ENTRY + 8, at, true);
    bytes.set(each, at);
    at += each.length;
  });
  return bytes;
}

/** What a file with such an image maps, and where the linker writes pointers. */
export function statementImage(
  bytes: Uint8Array,
): { data: readonly Data[]; pointers: ReadonlyMap<number, number> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pointers = new Map<number, number>();
  for (
    let slot = 8;
    slot + 8 <= Math.min(bytes.length, 2 * STATEMENTS.length * ENTRY);
    slot += ENTRY
  ) {
    pointers.set(slot, view.getUint32(slot, true));
  }
  return { data: [{ address: 0, bytes }], pointers };
}
