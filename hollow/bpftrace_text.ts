/**
 * Reads what `bpftrace` prints as text, of versions 0.17 to 0.27.
 *
 * @module
 */

import {
  BpftraceOutputError,
  GREATEST,
  LEAST,
  type PrintedBucket,
  type PrintedValue,
  type Printing,
} from "./printings.ts";

/** `@name: value` or `@name[key]: value`; a key may hold anything, `]: ` too: the last one ends it. */
const ENTRY = /^(@\w*)(?:\[(.*)\])?: ?(.*)$/s;
/** `[2K, 4K)   12 |@@@   |`, `[0]   1 |@  |`, `(..., 0)`, `[100, ...)`. */
const BAR =
  /^(?:\[(-?\d+)([KMGTPE]?)\]|[[(](\.\.\.|-?\d+[KMGTPE]?), (\.\.\.|-?\d+[KMGTPE]?)\)) +(\d+) \|[@ ]{52}\|$/;
/** What begins like a bar and is none is a damaged one. */
const LIKE_A_BAR = /^[[(](?:\.\.\.|-?\d+[KMGTPE]?)(?:[\]),]|$)/;
const STATS = /^count (\d+), average (-?\d+), total (-?\d+)$/;
/** From 0.24 on. */
const NEW_STATS = /^\{ \.count = (\d+), \.average = (-?\d+), \.total = (-?\d+) \}$/;
const CHATTER = /^Attach(?:ing|ed) \d+ probes?(?:\.\.\.)?$/;
const LOST = /^Lost (\d+) events$/;
const POWERS = ["", "K", "M", "G", "T", "P", "E"];

/** Before 0.20 all values from 2^31 on fell in this bucket. */
const LAST_OF_OLD = 2 ** 31;

/**
 * Reads lines.
 *
 * @throws {BpftraceOutputError} for a line of a histogram that is damaged.
 */
export async function* textPrintings(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Printing> {
  let number = 0;
  let isOld = true;
  /** The histogram whose bars come. */
  let open: { map: string; key: string | null; buckets: PrintedBucket[]; line: number } | null =
    null;
  const seen = new Set<string>();
  const entry = (map: string, key: string | null, value: PrintedValue): Printing => {
    const name = JSON.stringify([map, key]);
    const begins = seen.has(name);
    if (begins) { for (const each of seen) if (JSON.parse(each)[0] === map) seen.delete(each); }
    seen.add(name);
    return { type: "entry", map, key, value, begins };
  };
  const closed = function* (): Generator<Printing> {
    if (open === null) return;
    const { map, key, buckets, line } = open;
    open = null;
    if (buckets.length === 0) {
      yield entry(map, key, { kind: "other", why: `It has no number (line ${line})` });
    } else {
      yield entry(map, key, { kind: "histogram", buckets: isOld ? widened(buckets) : buckets });
    }
  };

  for await (const line of lines) {
    number++;
    const bar = BAR.exec(line);
    if (bar !== null && open !== null) {
      open.buckets.push(bucketOf(bar, open.buckets.at(-1), number));
      continue;
    }
    if (LIKE_A_BAR.test(line) && open !== null) {
      throw new BpftraceOutputError(number, "a line of a histogram is damaged");
    }
    yield* closed();
    if (line === "") continue;
    if (CHATTER.test(line)) {
      isOld &&= !line.startsWith("Attached");
      continue;
    }
    const lost = LOST.exec(line);
    if (lost !== null) {
      yield { type: "complaint", what: `bpftrace lost ${lost[1]} events`, line: number };
      continue;
    }
    const match = ENTRY.exec(line);
    if (match === null) {
      yield { type: "text", text: `${line}\n` };
      continue;
    }
    const [, map, key = null, text] = match;
    if (text === "") open = { map: map!, key, buckets: [], line: number };
    else yield entry(map!, key, valueOf(text!));
  }
  yield* closed();
}

function valueOf(text: string): PrintedValue {
  if (/^-?\d{1,20}$/.test(text)) return { kind: "integer", value: integer(text) };
  const stats = STATS.exec(text) ?? NEW_STATS.exec(text);
  if (stats === null) return { kind: "other", why: "Its value is no number" };
  const [, count, average, total] = stats;
  return {
    kind: "stats",
    count: integer(count!),
    average: Number(average),
    total: integer(total!),
  };
}

function bucketOf(
  bar: RegExpExecArray,
  before: PrintedBucket | undefined,
  line: number,
): PrintedBucket {
  const [, single, unit, from, to, count] = bar;
  const lower = single === undefined ? bound(from!, LEAST) : bound(single + unit!, LEAST);
  const upper = single === undefined ? bound(to!, GREATEST) : lower + 1;
  const isRight = lower < upper && lower >= (before?.upper ?? LEAST) &&
    Number.isSafeInteger(Number(count));
  if (isRight) return { lower, upper, count: Number(count) };
  throw new BpftraceOutputError(line, "a line of a histogram is damaged");
}

function bound(text: string, open: number): number {
  if (text === "...") return open;
  const unit = /[A-Z]$/.exec(text)?.[0] ?? "";
  return parseInt(text, 10) * 1024 ** POWERS.indexOf(unit);
}

/** Versions before 0.20 put all greater values in the bucket from 2^31 on, and do not say so. */
function widened(buckets: readonly PrintedBucket[]): PrintedBucket[] {
  const last = buckets.at(-1)!;
  if (last.lower !== LAST_OF_OLD || last.upper !== 2 * LAST_OF_OLD) return [...buckets];
  return [...buckets.slice(0, -1), { ...last, upper: GREATEST }];
}

function integer(digits: string): number | string {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits).toString();
}
