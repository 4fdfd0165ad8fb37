/**
 * Every parser of the toolkit that reads what it has not written itself, with real inputs and what it
 * may do with a damaged one.
 *
 * @module
 */

import { CONVERTED } from "./converted.ts";
import { DISCOVERED } from "./discovered.ts";
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

/** All of them. */
export const PARSERS: readonly FuzzedParser[] = [...CONVERTED, ...DISCOVERED];
