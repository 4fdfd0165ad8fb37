/**
 * Text from outside, made safe to show.
 *
 * @module
 */

/** Replaces control characters and marks that change the direction of text. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, "?");
}

/** The same for text of several lines, each on its own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** JSON, with the same characters written as escapes: they can stand nowhere but in its strings. */
export function printableJson(json: string): string {
  return json.replace(
    /[\x7f-\x9f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Text as HTML and SVG take it, in elements and in attributes. */
export function escaped(text: string): string {
  return printable(text).replace(
    /[&<>"']/g,
    (character) => `&#${character.codePointAt(0)};`,
  );
}
