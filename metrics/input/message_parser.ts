/**
 * Parses the JSON of `bpftrace -f json` without the losses of `JSON.parse`: members with the same name,
 * integers beyond 2^53, bytes beyond ASCII, counts in hexadecimal.
 *
 * @module
 */

import { bytesAsText } from "./exact_json.ts";

/** A value of a message; numbers are kept as printed, {@linkcode Digits}. */
export type MessageValue =
  | string
  | boolean
  | null
  | Digits
  | MessageValue[]
  | Members;

/** An object: its members in order, also several with the same name. */
export class Members {
  readonly list: readonly (readonly [string, MessageValue])[];

  constructor(list: readonly (readonly [string, MessageValue])[]) {
    this.list = list;
  }

  /** The member with that name; undefined for none. */
  get(name: string): MessageValue | undefined {
    return this.list.find(([each]) => each === name)?.[1];
  }
}

/** A number as it was printed. */
export class Digits {
  readonly text: string;
  /** Whether it follows a string with an escaped byte: then it may be hexadecimal. */
  readonly isBehindEscape: boolean;

  constructor(text: string, isBehindEscape: boolean) {
    this.text = text;
    this.isBehindEscape = isBehindEscape;
  }
}

/** Deepest nesting of a message; bpftrace's tuples and structs have a few levels. */
const DEEPEST = 64;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A bucket's count may be hexadecimal; a map may have a key with that name. */
const COUNT = /-?[0-9a-f]+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const [QUOTE, BACKSLASH, LOWER_U] = [34, 92, 117];

/** Parses one text after the other. */
export class MessageParser {
  #text = "";
  #at = 0;
  #isBehindEscape = false;

  /**
   * Parses consecutive values: one per line, or several in an array with its brackets and commas, in this text
   * or in several.
   *
   * @throws {SyntaxError} when it is not JSON.
   */
  *values(text: string): Generator<MessageValue> {
    this.#text = text;
    this.#at = 0;
    for (this.#pass(/[\s,[\]]*/y); this.#at < text.length; this.#pass(/[\s,[\]]*/y)) {
      yield this.#value(0, "");
    }
  }

  #value(depth: number, name: string): MessageValue {
    if (depth > DEEPEST) throw new SyntaxError("Nested too deep");
    switch (this.#text[this.#at]) {
      case "{":
        return this.#members(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      default: {
        const word = this.#tokenOf(WORD);
        if (word !== undefined) return JSON.parse(word);
        const digits = this.#tokenOf(name === "count" ? COUNT : NUMBER);
        if (digits === undefined) throw new SyntaxError("A value is expected");
        return new Digits(digits, this.#isBehindEscape);
      }
    }
  }

  #members(depth: number): Members {
    const list: [string, MessageValue][] = [];
    this.#at++;
    this.#space();
    while (this.#text[this.#at] !== "}") {
      if (list.length > 0) this.#expect(",");
      if (this.#text[this.#at] !== '"') throw new SyntaxError("A name is expected");
      const name = this.#string();
      this.#space();
      this.#expect(":");
      list.push([name, this.#value(depth + 1, name)]);
      this.#space();
    }
    this.#at++;
    return new Members(list);
  }

  #array(depth: number): MessageValue[] {
    const values: MessageValue[] = [];
    this.#at++;
    this.#space();
    while (this.#text[this.#at] !== "]") {
      if (values.length > 0) this.#expect(",");
      values.push(this.#value(depth + 1, ""));
      this.#space();
    }
    this.#at++;
    return values;
  }

  #string(): string {
    const [text, start] = [this.#text, this.#at];
    let isPlain = true;
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        if (isPlain) return text.slice(start + 1, at);
        return bytesAsText(JSON.parse(text.slice(start, at + 1)));
      }
      if (code === BACKSLASH) {
        if (text.charCodeAt(++at) === LOWER_U) this.#isBehindEscape = true;
        isPlain = false;
      } else if (code < 32) throw new SyntaxError("A string holds a control character");
      else if (code === 0xffff) {
        // jq writes an escaped byte like this.
        this.#isBehindEscape = true;
        isPlain = false;
      }
    }
    throw new SyntaxError("A string has no end");
  }

  #tokenOf(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const token = pattern.exec(this.#text)?.[0];
    this.#at += token?.length ?? 0;
    return token;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw new SyntaxError(`"${character}" is expected`);
    this.#at++;
    this.#space();
  }

  #space(): void {
    this.#pass(/[ \t\r\n]*/y);
  }

  #pass(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)![0].length;
  }
}
