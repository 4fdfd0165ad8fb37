/**
 * Parsers of metrics: bpftrace's output, captures, documents.
 *
 * @module
 */

import { parseDocument } from "../../metrics/document.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { convert } from "../../metrics/input/convert.ts";
import { parseExact } from "../../metrics/input/exact_json.ts";
import { readInput } from "../../metrics/input/read_input.ts";
import { summary } from "../../viz/summary.ts";
import { FalseClaim } from "./false_claim.ts";
import type { Mutant } from "./mutation.ts";
import type { FuzzedParser } from "./fuzzed_parser.ts";
import { pathOf } from "../metrics/fixtures/captures.ts";

const TESTS = new URL("../", import.meta.url);
const CAPTURE = pathOf("v4");

/** Samples of the real capture that are kept: each has all maps. */
const SAMPLES = 2;

async function outputs(suffix: string): Promise<Uint8Array[]> {
  const folder = new URL("metrics/input/fixtures/", TESTS);
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  const chosen = names.filter((name) => name.endsWith(suffix));
  return await Promise.all(chosen.map((name) => Deno.readFile(new URL(name, folder))));
}

async function capture(): Promise<Uint8Array[]> {
  const lines = (await Deno.readTextFile(CAPTURE)).trimEnd().split("\n");
  let samples = 0;
  const kept = lines.filter((line) => !line.startsWith('{"type":"sample"') || samples++ < SAMPLES);
  return [new TextEncoder().encode(`${kept.join("\n")}\n`)];
}

async function converted(bytes: Uint8Array): Promise<MetricsDocument> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of convert([bytes], false)) {
    text += decoder.decode(piece, { stream: true });
  }
  return parseDocument(JSON.parse(text));
}

const documents = new WeakMap<Uint8Array, Promise<MetricsDocument>>();

/** Fails where a document calls itself complete although a part of its input is gone. */
async function checked(
  { bytes, isCut, isWithinLine }: Mutant,
  original: Uint8Array,
): Promise<void> {
  const document = await converted(bytes);
  if (document.capture.verdict !== "COMPLETE") return;
  if (isCut) throw new FalseClaim("COMPLETE, but the input was cut off");
  if (!isWithinLine) return;
  let whole = documents.get(original);
  if (whole === undefined) documents.set(original, whole = converted(original));
  const before = await whole;
  const remarks = ({ capture }: MetricsDocument) => JSON.stringify(capture.not_available);
  const isLess = document.totals.length < before.totals.length;
  if (isLess && remarks(document) === remarks(before)) {
    throw new FalseClaim(
      `COMPLETE, but of ${before.totals.length} series ${document.totals.length} are left`,
    );
  }
}

let folder: string | undefined;

/** A file in memory that holds an input. */
export async function fileOf(bytes: Uint8Array): Promise<string> {
  folder ??= await Deno.makeTempDir({ dir: "/dev/shm", prefix: "kea-fuzz-" });
  const path = `${folder}/input`;
  await Deno.writeFile(path, bytes);
  return path;
}

/** Removes what {@linkcode fileOf} made. */
export async function removeFiles(): Promise<void> {
  if (folder !== undefined) await Deno.remove(folder, { recursive: true });
  folder = undefined;
}

const errors = ["InputError", "BpftraceOutputError", "CaptureError"];

/** The parsers. */
export const CONVERTED: readonly FuzzedParser[] = [
  { name: "text of bpftrace", inputs: () => outputs(".txt"), parse: checked, errors },
  { name: "JSON of bpftrace", inputs: () => outputs(".ndjson"), parse: checked, errors },
  { name: "a line of our bpftrace", inputs: () => outputs(".ndjson"), parse: linewise, errors: [] },
  { name: "capture", inputs: capture, parse: checked, errors },
  {
    name: "document",
    inputs: async () => [
      new TextEncoder().encode(JSON.stringify(await converted((await capture())[0]!))),
    ],
    parse: async ({ bytes }) => {
      summary(await readInput(await fileOf(bytes)), { colour: false });
    },
    errors: ["InputError", "DocumentError", "CaptureError"],
  },
];

function linewise({ bytes }: Mutant): void {
  for (const line of new TextDecoder().decode(bytes).split("\n")) {
    try {
      parseExact(line);
    } catch (error) {
      // It documents this one.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
}
