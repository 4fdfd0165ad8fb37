/**
 * What the fuzzing is given of a parser.
 *
 * @module
 */

import type { Mutant } from "./mutation.ts";

/** A parser under test. */
export interface FuzzedParser {
  readonly name: string;
  /** Real inputs. */
  readonly inputs: () => Promise<readonly Uint8Array[]>;
  /**
   * Reads a damaged input.
   *
   * @param original what the damaged input was made of.
   * @throws only what the parser documents, see `errors`; any other error is a finding.
   */
  readonly parse: (mutant: Mutant, original: Uint8Array) => Promise<void> | void;
  /** Names of the errors that it documents. */
  readonly errors: readonly string[];
}
