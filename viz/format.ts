/**
 * Numbers, rows and sentences for people. Pure: values in, text out.
 *
 * @module
 */

import type { Cost, MetricsDocument } from "../metrics/document.ts";

/** Columns of a terminal; only long names make text wider. */
const WIDTH = 80;

/** The server in headings: "Kea DHCPv4 on vm", as far as it is known. */
export function serverHeading({ family, host }: MetricsDocument["server"]): string {
  return `Kea${family === undefined ? "" : ` DHCPv${family}`}` +
    (host === undefined ? "" : ` on ${host}`);
}

/** An instant of a document to the second: "2026-11-23 19:41:40 UTC". */
export function utc(time: string): string {
  return `${time.slice(0, 19).replace("T", " ")} UTC`;
}

/** A time with its unit, three digits. */
export function duration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0 s";
  const units: readonly [number, string][] = [[1e9, "s"], [1e6, "ms"], [1e3, "us"], [1, "ns"]];
  const [size, unit] = units.find(([size]) => nanoseconds >= 0.9995 * size) ?? [1, "ns"];
  return `${threeDigits(nanoseconds / size)} ${unit}`;
}

/** Bytes with a binary prefix, three digits. */
export function size(bytes: number): string {
  const units: readonly [number, string][] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const [unit, name] = units.find(([unit]) => bytes >= unit) ?? [1, "B"];
  return `${unit === 1 ? bytes : threeDigits(bytes / unit)} ${name}`;
}

/** Three digits of a number. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** The mean rate of the whole run, including idle seconds. */
export function perSecond(count: number, seconds: number | null): string {
  return seconds === null ? "?" : threeDigits(count / seconds);
}

/** The stage, or what its thread did, that took most of a packet's time. */
export function longestPart(parts: Readonly<Record<string, number>>): string {
  const [longest] = Object.entries(parts).toSorted(([, a], [, b]) => b - a);
  return longest === undefined ? "" : `${longest[0]} ${duration(longest[1])}`;
}

/** The BPF programs' share of one core; their CPU time if the duration is unknown. */
export function bpfShare({ bpf_seconds }: Cost, seconds: number | null): string {
  return seconds === null || seconds === 0
    ? `${duration(bpf_seconds * 1e9)} of CPU`
    : `${threeDigits(100 * bpf_seconds / seconds)} % of one core`;
}

/** Pads cells to columns: the first and texts to the left, numbers to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => widths[index] = Math.max(widths[index] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, index) =>
      (rows[0]![0] === "" ? index > 0 : /^[<\d]/.test(cell))
        ? cell.padStart(widths[index]!)
        : cell.padEnd(widths[index]!)
    ).join("  ").trimEnd()
  );
}

/** Breaks a sentence into lines that fit, the later ones indented. */
export function wrapped(sentence: string): string[] {
  return wrappedAt(sentence, WIDTH);
}

/** The same for so many columns, of which the text that precedes it takes two. */
export function wrappedAt(sentence: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ")) {
    if (line !== "" && `  ${line} ${word}`.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
