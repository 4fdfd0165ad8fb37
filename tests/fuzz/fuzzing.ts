/**
 * Gives damaged inputs to parsers, in a worker, so that a parser that hangs is found, too.
 *
 * @module
 */

import type { Finding, Progress, Work } from "./worker.ts";

/** Longest time without a sign of life, ms: 20 inputs take some ms, on a crowded machine some thousand. */
const SILENCE_MS = 300_000;

/** What came of a round. */
export interface Round {
  readonly inputs: number;
  readonly findings: readonly Finding[];
}

/**
 * Runs parsers over damaged inputs.
 *
 * @param work which of them, how many inputs each, from which seed on.
 * @returns what was found; a parser that hangs ends the round.
 */
export async function fuzz(work: Work): Promise<Round> {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
  const findings: Finding[] = [];
  let inputs = 0;
  let at: { parser: string; seed: number } = { parser: "none", seed: 0 };
  let limit: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const isAlive = () => {
        clearTimeout(limit);
        limit = setTimeout(() => {
          findings.push({ ...at, what: `no sign of life for ${SILENCE_MS / 1000} s` });
          resolve();
        }, SILENCE_MS);
      };
      isAlive();
      worker.onmessage = ({ data }: MessageEvent<Progress>) => {
        isAlive();
        if (data.type === "done") resolve();
        else if (data.type === "finding") findings.push(data.finding);
        else {
          at = data;
          inputs = data.inputs;
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The worker failed at ${at.parser}, ${at.seed}: ${event.message}`));
      };
      worker.postMessage(work);
    });
  } finally {
    clearTimeout(limit);
    worker.terminate();
  }
  return { inputs, findings };
}
