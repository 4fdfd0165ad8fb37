/**
 * Reads messages of Protocol Buffers that come from outside.
 *
 * @module
 */

/** A field: a number for the wire types of numbers, bytes for strings, bytes and messages. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Bytes are not a message. */
export class MessageError extends Error {
  override name = "MessageError";
}

/**
 * The fields of a message, in their order.
 *
 * @throws {MessageError} where the bytes are not a message.
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const ahead = (length: number) => {
    if (length > bytes.length - at) throw new MessageError("A message ends too early");
    at += length;
    return at - length;
  };
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[ahead(1)]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MessageError("A number of a message is too long");
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: view.getBigUint64(ahead(8), true) };
        break;
      case 2: {
        const length = Number(varint());
        const start = ahead(length);
        yield { number, value: bytes.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { number, value: BigInt(view.getUint32(ahead(4), true)) };
        break;
      default:
        throw new MessageError(`A message has the unknown wire type ${tag % 8}`);
    }
  }
}
