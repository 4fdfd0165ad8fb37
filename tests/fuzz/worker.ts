/**
 * The side of fuzzing that runs the parsers, see `fuzzing.ts`.
 *
 * @module
 */

import { removeFiles } from "./converted.ts";
import { mutant } from "./mutation.ts";
import type { FuzzedParser } from "./fuzzed_parser.ts";
import { PARSERS } from "./parsers.ts";

/** What the worker is asked for. */
export interface Work {
  readonly seed: number;
  /** Damaged inputs for each parser. */
  readonly inputs: number;
  /** The only parser to test; default: all. */
  readonly parser?: string;
}

/** An input that a parser must not take like that. */
export interface Finding {
  readonly parser: string;
  /** What makes the input again, with the parser's name. */
  readonly seed: number;
  readonly what: string;
}

/** What the worker answers. */
export type Progress =
  | { readonly type: "at"; readonly parser: string; readonly seed: number; readonly inputs: number }
  | { readonly type: "finding"; readonly finding: Finding }
  | { readonly type: "done" };

/** Inputs between two signs of life. */
const BETWEEN = 20;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Work>) => void;
  postMessage: (progress: Progress) => void;
};

scope.onmessage = async ({ data }) => {
  let count = 0;
  for (const parser of PARSERS) {
    if (data.parser !== undefined && data.parser !== parser.name) continue;
    const inputs = await parser.inputs();
    for (let index = 0; index < data.inputs; index++) {
      const seed = data.seed + index;
      if (index % BETWEEN === 0) {
        scope.postMessage({ type: "at", parser: parser.name, seed, inputs: count });
      }
      const what = await complaintOf(parser, inputs, seed);
      count++;
      if (what !== null) {
        scope.postMessage({ type: "finding", finding: { parser: parser.name, seed, what } });
      }
    }
    scope.postMessage({ type: "at", parser: parser.name, seed: data.seed, inputs: count });
  }
  await removeFiles();
  scope.postMessage({ type: "done" });
};

/** What is wrong with what a parser did; null for nothing. */
async function complaintOf(
  { parse, errors }: FuzzedParser,
  inputs: readonly Uint8Array[],
  seed: number,
): Promise<string | null> {
  const original = inputs[seed % inputs.length]!;
  try {
    await parse(mutant(original, inputs, seed), original);
    return null;
  } catch (error) {
    if (!(error instanceof Error)) return `it threw ${error}`;
    if (!errors.includes(error.name)) return (error.stack ?? error.message).slice(0, 1000);
    return error.message.includes("\n") ? `an error of several lines: ${error.message}` : null;
  }
}
