/**
 * Parses the values of Kea's configuration from tokens.
 *
 * @module
 */

import { type Include, type Token, Tokens } from "./tokens.ts";

/** Limit of nesting: more than any configuration has. */
const DEEPEST = 200;

/** Limit of values: a hundred thousand reservations have a million. */
const MOST_VALUES = 4_000_000;

/**
 * Parses a configuration.
 *
 * @param text each byte one character.
 * @returns plain values; strings as Kea's `config-get` gives them, each byte one character.
 * @throws {ConfigurationSyntaxError} when it does not match Kea's grammar, or exceeds a limit.
 */
export function parseConfiguration(text: string, include: Include): unknown {
  const parser = new Parser(new Tokens(text, include));
  return parser.whole();
}

class Parser {
  readonly #tokens: Tokens;
  #values = 0;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  whole(): unknown {
    const value = this.#value(this.#tokens.next(), 0);
    const { kind } = this.#tokens.next();
    return kind === "the end" ? value : this.#unexpected(kind, "the end");
  }

  #value(token: Token, depth: number): unknown {
    if (++this.#values > MOST_VALUES) this.#tokens.refuse(`more than ${MOST_VALUES} values`);
    if (depth > DEEPEST) this.#tokens.refuse(`lists and maps more than ${DEEPEST} deep`);
    switch (token.kind) {
      case "string":
      case "value":
        return token.value;
      case "[":
        return this.#list(depth + 1);
      case "{":
        return this.#map(depth + 1);
      default:
        return this.#unexpected(token.kind, "a value");
    }
  }

  #list(depth: number): unknown[] {
    const values: unknown[] = [];
    this.#items("]", (token) => values.push(this.#value(token, depth)));
    return values;
  }

  #map(depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#items("}", (token) => {
      if (token.kind !== "string") return this.#unexpected(token.kind, "a name");
      if (entries.has(token.value)) this.#tokens.refuse("a name that its map has already");
      const { kind } = this.#tokens.next();
      if (kind !== ":") this.#unexpected(kind, ":");
      entries.set(token.value, this.#value(this.#tokens.next(), depth));
    });
    // A name like __proto__ is an ordinary name.
    return Object.fromEntries(entries);
  }

  /** Takes items up to the closing bracket. After an item, Kea accepts several commas as one. */
  #items(closing: "]" | "}", take: (token: Token) => void): void {
    let token = this.#tokens.next();
    while (token.kind !== closing) {
      take(token);
      token = this.#tokens.next();
      if (token.kind !== closing && token.kind !== ",") {
        this.#unexpected(token.kind, `, or ${closing}`);
      }
      while (token.kind === ",") token = this.#tokens.next();
    }
  }

  #unexpected(found: Token["kind"], expected: string): never {
    this.#tokens.refuse(`expected ${expected}, found ${found === "value" ? "a value" : found}`);
  }
}
