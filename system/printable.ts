/**
 * Text from outside, made safe to show.
 *
 * @module
 */

/** Replaces control characters, and characters that change the direction of text. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, "?");
}

/** The same for text of several lines, each on its own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** JSON with the same characters escaped: they can occur only in its strings. */
export function printableJson(json: string): string {
  return json.replace(
    /[\x7f-\x9f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Escapes text for HTML and SVG, in elements and attributes. */
export function escaped(text: string): string {
  return printable(text).replace(
    /[&<>"']/g,
    (character) => `&#${character.codePointAt(0)};`,
  );
}
