/**
 * Requests of OTLP on disk that the receiver has not accepted yet.
 *
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import type { Say } from "../../system/command_line.ts";
import { ownFolder } from "../../system/own_folder.ts";
import { Spool } from "../../system/push/spool.ts";

/** A request that waits. */
export interface SpooledRequest {
  /** Compressed with gzip, in base64. */
  readonly body: string;
}

/** Limit on disk, bytes: a day of one server, every 15 s, has 20 to 33 MB. */
const SPOOL_LIMIT = 64 * 2 ** 20;

const schema = z.object({ body: z.base64() });

/**
 * Opens the folder of the requests to an endpoint.
 *
 * @param state the folder that has them.
 * @throws {SpoolError} when another process uses it, or it cannot be used.
 */
export async function openOtlpSpool(
  url: URL,
  say: Say,
  state: string = ownFolder("state"),
): Promise<Spool<SpooledRequest>> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url.href));
  const name = new Uint8Array(digest).toHex().slice(0, 16);
  return await Spool.open<SpooledRequest>(join(state, "otlp", name), {
    limit: SPOOL_LIMIT,
    say,
    noun: "request",
    inUse: "another exporter does: stop it, or set XDG_STATE_HOME to another folder",
    schema,
  });
}
