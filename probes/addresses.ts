/**
 * Addresses of clients and relays, from the words that the programs read.
 *
 * @module
 */

/** The bytes of 64-bit words, as in memory. */
export function bytesOf(...words: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * words.length));
  words.forEach((word, index) => view.setBigUint64(8 * index, BigInt.asUintN(64, word), true));
  return new Uint8Array(view.buffer);
}

/** The client of a packet: its hardware address, of DHCPv6 the last bytes of its DUID. */
export function clientAddress(family: 4 | 6, bytes: Uint8Array, length: number): string {
  return family === 4 ? hardwareAddress(bytes, length) : duid(bytes, length);
}

/** An IP address from its bytes, the first of them; "none" if all are 0. */
export function relayAddress(family: 4 | 6, bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return "none";
  if (family === 4) return bytes.subarray(0, 4).join(".");
  const groups = bytes.toHex().match(/..../g)!.join(":");
  // In its shortest form.
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

function hardwareAddress(bytes: Uint8Array, length: number): string {
  return colons(bytes.subarray(0, Math.min(length, bytes.length)));
}

/** The last bytes of a DUID; a longer one has dots before them. */
function duid(bytes: Uint8Array, length: number): string {
  const text = colons(bytes.subarray(Math.max(0, bytes.length - length)));
  return length > bytes.length ? `..${text}` : text;
}

function colons(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/..(?!$)/g, "$&:");
}
