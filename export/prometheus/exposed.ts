/**
 * A metrics document as text for Prometheus.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { InputError } from "../../metrics/input/input_lines.ts";
import { Accumulator } from "./accumulator.ts";
import { textOf, type TextOptions } from "./text.ts";

/** Options of {@linkcode exposed}. */
export interface ExposedOptions extends TextOptions {
  /** The label `server`; the server's kind without it. */
  readonly name?: string;
}

/**
 * The totals of a document, in text.
 *
 * @throws {InputError} for a document without a server, or with no series that Prometheus gets.
 */
export function exposed(document: MetricsDocument, options: ExposedOptions): string {
  const { family } = document.server;
  const name = options.name ?? (family === undefined ? undefined : `dhcp${family}`);
  if (name === undefined) {
    throw new InputError("Cannot name the server, the document does not: give --name");
  }
  const accumulator = new Accumulator();
  accumulator.add(name, { series: document.totals });
  const families = accumulator.families();
  if (families.length === 0) {
    throw new InputError("Cannot find a metric for Prometheus: give the document of a run");
  }
  return textOf(families, options);
}
