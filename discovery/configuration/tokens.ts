/**
 * The tokens of Kea's configuration: JSON with three kinds of comments, included files, trailing commas and
 * more forms of numbers. The grammar is Kea's own (src/bin/dhcp4/dhcp4_lexer.ll, the same for DHCPv6),
 * of all versions from 2.0 on together.
 *
 * Linear in the length of the text: each place is read only a few times.
 *
 * @module
 */

/** A syntax error. The message says where, and quotes nothing from the file. */
export class ConfigurationSyntaxError extends Error {
  override name = "ConfigurationSyntaxError";
}

/** A token; a value is a string, a number, a boolean or null. */
export type Token =
  | { readonly kind: "{" | "}" | "[" | "]" | "," | ":" | "the end" }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "value"; readonly value: number | boolean | null };

/**
 * Reads an included file, each byte one character.
 *
 * @param path as written in the directive, each byte one character.
 */
export type Include = (path: string) => string;

/** Bytes of the longest path of a file that Linux opens (PATH_MAX, less the byte that ends it). */
const LONGEST_PATH = 4095;

/** Kea's own: "Too many nested include." */
const DEEPEST_INCLUDE = 11;

/** The state of reading one file. */
interface OpenFile {
  /** As named in the directive; null for the main file. */
  readonly name: string | null;
  readonly text: string;
  at: number;
}

const BLANK = /[ \t\r\n]*/y;
const DIRECTIVE = /[ \t\r\n]*include[ \t\r\n]*"([^"\n]+)"/y;
const DIRECTIVE_END = /[ \t\r\n]*\?>/y;
// deno-lint-ignore no-control-regex
const STRING_PART = /[^"\\\x00-\x1f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u00[0-9A-Fa-f]{2})/y;
const NUMBER = /[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?/y;
const WORD = /true|false|null/y;

/** Tokens of a text, including those of included files. */
export class Tokens {
  readonly #include: Include;
  readonly #files: OpenFile[];

  /** @param text each byte one character. */
  constructor(text: string, include: Include) {
    this.#include = include;
    this.#files = [{ name: null, text, at: 0 }];
  }

  /**
   * The next token; at the end of the text, and ever after, "the end".
   *
   * @throws {ConfigurationSyntaxError} when there is no valid token.
   */
  next(): Token {
    for (;;) {
      const file = this.#file;
      this.#take(BLANK);
      const { text, at } = file;
      switch (text[at]) {
        case undefined:
          if (this.#files.length === 1) return { kind: "the end" };
          this.#files.pop();
          this.#endDirective();
          break;
        case "#":
          this.#skipLine();
          break;
        case "/":
          if (text[at + 1] === "/") this.#skipLine();
          else if (text[at + 1] === "*") this.#skipBlock();
          else this.refuse("a character that cannot stand there");
          break;
        case "<":
          if (text[at + 1] !== "?") this.refuse("a character that cannot stand there");
          this.#begin();
          break;
        case "{":
        case "}":
        case "[":
        case "]":
        case ",":
        case ":":
          file.at++;
          return { kind: text[at] as "{" };
        case '"':
          return { kind: "string", value: this.#string() };
        default:
          return this.#word() ?? { kind: "value", value: this.#number() };
      }
    }
  }

  /** @throws {ConfigurationSyntaxError} always, with what was found and its line. */
  refuse(found: string): never {
    const { name, text, at } = this.#file;
    const line = text.slice(0, at).split("\n").length;
    throw new ConfigurationSyntaxError(
      `line ${line}${name === null ? "" : ` of the included "${name}"`}: ${found}`,
    );
  }

  get #file(): OpenFile {
    return this.#files.at(-1)!;
  }

  /** The text that matches a pattern here; null if it does not match. */
  #take(pattern: RegExp): RegExpExecArray | null {
    const file = this.#file;
    pattern.lastIndex = file.at;
    const found = pattern.exec(file.text);
    if (found !== null) file.at = pattern.lastIndex;
    return found;
  }

  #skipLine(): void {
    const file = this.#file;
    const end = file.text.indexOf("\n", file.at);
    file.at = end < 0 ? file.text.length : end;
  }

  #skipBlock(): void {
    const file = this.#file;
    const end = file.text.indexOf("*/", file.at + 2);
    if (end < 0) this.refuse("a comment that does not end");
    file.at = end + 2;
  }

  /** Continues with the file that a directive names. */
  #begin(): void {
    const file = this.#file;
    file.at += "<?".length;
    const found = this.#take(DIRECTIVE);
    if (found === null) this.refuse('a directive that is not <?include "FILE"?>');
    if (this.#files.length > DEEPEST_INCLUDE) {
      this.refuse(`files included more than ${DEEPEST_INCLUDE} deep`);
    }
    const name = found[1]!;
    if (name.length > LONGEST_PATH) this.refuse(`a file name longer than ${LONGEST_PATH} bytes`);
    this.#files.push({ name, text: this.#include(name), at: 0 });
  }

  #endDirective(): void {
    if (this.#take(DIRECTIVE_END) === null) this.refuse("a directive that does not end with ?>");
  }

  #string(): string {
    const file = this.#file;
    const begin = file.at++;
    for (;;) {
      this.#take(STRING_PART);
      if (file.text[file.at] === '"') break;
      if (file.text[file.at] === undefined) this.refuse("a string that does not end");
      if (this.#take(ESCAPE) === null) {
        this.refuse("a string with a character that must be escaped");
      }
    }
    file.at++;
    return JSON.parse(file.text.slice(begin, file.at));
  }

  #word(): Token | null {
    const found = this.#take(WORD);
    return found === null ? null : { kind: "value", value: JSON.parse(found[0]) };
  }

  #number(): number {
    const begin = this.#file.at;
    const [text] = this.#take(NUMBER)!;
    const value = Number(text);
    const isNumber = /[0-9]/.test(text) && Number.isFinite(value);
    if (isNumber && (!/^[-+]?[0-9]+$/.test(text) || isOf64Bits(text))) return value;
    this.#file.at = begin;
    this.refuse(
      text === "" ? "a character that cannot stand there" : "a number that is none, or too large",
    );
  }
}

/** Whether an integer fits in 64 bits with a sign, as Kea reads it. */
function isOf64Bits(text: string): boolean {
  const [, sign, digits] = /^([-+]?)0*([0-9]*)$/.exec(text)!;
  if (digits!.length !== 19) return digits!.length < 19;
  // Digits of the same length sort like the numbers.
  return digits! <= (sign === "-" ? "9223372036854775808" : "9223372036854775807");
}
