/**
 * The kernel's own type information (BTF), as /sys/kernel/btf/vmlinux has it.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** The type information is damaged, or lacks what is asked for. */
export class KernelTypesError extends Error {
  override name = "KernelTypesError";
}

/** Bytes that follow a type's first 12, by its kind: always, and for each of its members. Others have none. */
const [ALWAYS, EACH]: readonly [
  Readonly<Record<number, number>>,
  Readonly<Record<number, number>>,
] = [
  { 1: 4, 3: 12, 14: 4, 17: 4 },
  { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 },
];

/** The last kind whose length is known: ENUM64, Linux 6.0. */
const LAST_KIND = 19;

/** The kernel's have at most 10 anonymous structures in one another. */
const DEEPEST = 32;

const isStructure = (kind: number) => kind === 4 || kind === 5;

/** Reads it. Its format is that of the kernel's Documentation/bpf/btf.rst. */
export class KernelTypes {
  readonly #bytes: Buffer;
  /** Where the names begin. */
  readonly #names: number;
  /** Where each type begins, from number 1 on; those behind a type of an unknown kind are missing. */
  readonly #starts: number[] = [];
  /** Why the rest is missing; empty if nothing is. */
  #rest = "";

  /** @throws {KernelTypesError} when it is none. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#names = readable(() => {
      if (this.#bytes.readUInt16LE(0) !== 0xeb9f) throw new KernelTypesError("Expected BTF");
      const header = this.#word(4);
      const types = header + this.#word(8);
      const end = types + this.#word(12);
      for (let at = types; at < end && this.#rest === "";) {
        const { kind, members } = this.#infoOf(at);
        if (kind > 0 && kind <= LAST_KIND) this.#starts.push(at);
        else this.#rest = `: it has types of kind ${kind}, known are those up to ${LAST_KIND}`;
        at += 12 + (ALWAYS[kind] ?? 0) + (EACH[kind] ?? 0) * members;
      }
      return header + this.#word(16);
    });
  }

  /**
   * Where a structure keeps a member, bytes from its beginning. Members of anonymous structures and unions in it are
   * its own.
   *
   * @throws {KernelTypesError} when there is no such structure or member, or it is a bit field.
   */
  offsetOf(structure: string, member: string): number {
    return readable(() => {
      const [name, memberName] = [this.#nameAt(structure), this.#nameAt(member)];
      if (name !== null && memberName !== null) {
        for (const at of this.#starts) {
          if (this.#word(at) !== name || !isStructure(this.#infoOf(at).kind)) continue;
          const bits = this.#bitsTo(at, memberName);
          if (bits !== null && bits % 8 === 0) return bits / 8;
        }
      }
      throw new KernelTypesError(
        `Cannot find "${structure}.${member}" in the kernel's type information (BTF)${this.#rest}`,
      );
    });
  }

  /** @returns null if there is none, or it is a bit field. */
  #bitsTo(structure: number, name: number, depth = 0): number | null {
    const { members, hasBitFields } = this.#infoOf(structure);
    for (let at = structure + 12; at < structure + 12 * (members + 1); at += 12) {
      const place = this.#word(at + 8);
      // Then the upper 8 bits are the length of a bit field, 0 for other members.
      const bits = hasBitFields ? place & 0xffffff : place;
      if (this.#word(at) === name) return bits === place ? bits : null;
      const inner = this.#starts[this.#word(at + 4) - 1];
      if (this.#word(at) !== 0 || !inner || !isStructure(this.#infoOf(inner).kind)) continue;
      const innerBits = depth < DEEPEST ? this.#bitsTo(inner, name, depth + 1) : null;
      if (innerBits !== null) return bits + innerBits;
    }
    return null;
  }

  #infoOf(at: number): { kind: number; members: number; hasBitFields: boolean } {
    const info = this.#word(at + 4);
    return { kind: (info >> 24) & 0x7f, members: info & 0xffffff, hasBitFields: info >>> 31 === 1 };
  }

  /** Where a name is among the names; each of them is there once. */
  #nameAt(name: string): number | null {
    const at = this.#bytes.indexOf(`\0${name}\0`, this.#names);
    return at < 0 ? null : at + 1 - this.#names;
  }

  #word(at: number): number {
    return this.#bytes.readUInt32LE(at);
  }
}

/** What lies outside of the bytes is damage. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KernelTypesError(`The kernel's type information (BTF) is damaged: ${error.message}`);
  }
}
