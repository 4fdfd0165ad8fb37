/**
 * Windows on disk that the producer has not accepted yet.
 *
 * @module
 */

import { z } from "zod";
import { Spool } from "../../system/push/spool.ts";
import type { HollowRecord } from "./records.ts";

/** A window that waits. */
export interface SpooledWindow {
  /** The same whenever it is sent. */
  readonly id: string;
  /** RFC 3339. */
  readonly window: string;
  readonly records: readonly HollowRecord[];
}

/** Limit on disk, bytes: a day of 5-minute windows has about 60 MB. */
export const SPOOL_LIMIT = 256 * 2 ** 20;

const schema = z.object({
  id: z.string(),
  window: z.string(),
  records: z.array(z.custom<HollowRecord>((value) => typeof value === "object" && value !== null)),
});

/**
 * Opens the folder of the windows of one name, dataset and producer.
 *
 * @throws {SpoolError} when another process uses the folder, or it cannot be used.
 */
export function openSpool(
  folder: string,
  { limit = SPOOL_LIMIT, say }: {
    readonly limit?: number;
    readonly say: (line: string) => void;
  },
): Promise<Spool<SpooledWindow>> {
  return Spool.open<SpooledWindow>(folder, {
    limit,
    say,
    noun: "window",
    inUse: "another hollow-monitor does: stop it, or give another --name or --spool",
    schema,
  });
}

/** What a window leaves in the spool. */
export function spooledWindow(window: string, records: readonly HollowRecord[]): SpooledWindow {
  return { id: crypto.randomUUID(), window, records };
}
