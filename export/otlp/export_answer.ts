/**
 * The answers of OTLP receivers: `ExportMetricsServiceResponse`, and `google.rpc.Status` of a failure.
 *
 * @module
 */

import { fieldsOf } from "../protobuf/message_reader.ts";

/** What a receiver did not take of a request that it accepted. */
export interface PartialSuccess {
  /** Data points that it rejected. */
  readonly rejected: bigint;
  /** Why, or a warning; empty without one. */
  readonly message: string;
}

/**
 * Reads an `ExportMetricsServiceResponse`.
 *
 * @throws {MessageError} when it is none.
 */
export function partialSuccessOf(body: Uint8Array): PartialSuccess {
  let [rejected, message] = [0n, ""];
  for (const field of fieldsOf(body)) {
    if (field.number !== 1 || typeof field.value === "bigint") continue;
    for (const { number, value } of fieldsOf(field.value)) {
      if (number === 1 && typeof value === "bigint") rejected = BigInt.asIntN(64, value);
      if (number === 2 && typeof value !== "bigint") message = textOf(value);
    }
  }
  return { rejected: rejected < 0n ? 0n : rejected, message };
}

/**
 * The message of a `google.rpc.Status`; empty without one.
 *
 * @throws {MessageError} when it is none.
 */
export function statusMessageOf(body: Uint8Array): string {
  let message = "";
  for (const { number, value } of fieldsOf(body)) {
    if (number === 2 && typeof value !== "bigint") message = textOf(value);
  }
  return message;
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
