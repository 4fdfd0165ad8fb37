/**
 * Every parser of the toolkit that reads what it has not written itself, with real inputs and what it
 * may do with a damaged one.
 *
 * @module
 */

import { CONVERTED } from "./converted.ts";
import { DISCOVERED } from "./discovered.ts";
import type { FuzzedParser } from "./fuzzed_parser.ts";

/** All of them. */
export const PARSERS: readonly FuzzedParser[] = [...CONVERTED, ...DISCOVERED];
