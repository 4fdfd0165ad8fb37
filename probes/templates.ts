/**
 * Handlebars for programs: nothing is escaped, and unknown names are errors.
 *
 * @module
 */

import Handlebars from "handlebars";

/** Fills in parameters and helpers. Throws for an unknown name, also in a condition. */
export type Template = (
  parameters: Readonly<Record<string, unknown>>,
  helpers: Readonly<Record<string, (argument: string) => unknown>>,
) => string;

/**
 * Makes templates from texts that include parts by name: `{{> bucket}}`.
 *
 * @example
 * ```ts
 * const template = templatesWith(new Map([["filter", "/pid == {{pid}}/"]]));
 * template("probe\n{{> filter}}\n")({ pid: 42 }, {}); // "probe\n/pid == 42/\n"
 * ```
 */
export function templatesWith(parts: ReadonlyMap<string, string>): (text: string) => Template {
  const handlebars = Handlebars.create();
  for (const [name, text] of parts) handlebars.registerPartial(name, text);
  for (const name of ["if", "unless"] as const) {
    const original: Handlebars.HelperDelegate = handlebars.helpers[name]!;
    // In strict mode, an unknown name in a condition is false.
    handlebars.registerHelper(name, function (this: unknown, condition: unknown, options) {
      if (condition === undefined) throw new Error(`a condition of "${name}" is not defined`);
      return original.call(this, condition, options);
    });
  }
  return (text) => {
    const compiled = handlebars.compile(text, { noEscape: true, strict: true });
    return (parameters, helpers) => compiled(parameters, { helpers: { ...helpers } });
  };
}
