/**
 * Text from outside, made safe to show.
 *
 * @module
 */

/** Replaces control characters and marks that change the direction of text. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, "?");
}

/** Text as HTML and SVG take it, in elements and in attributes. */
export function escaped(text: string): string {
  return printable(text).replace(
    /[&<>"']/g,
    (character) => `&#${character.codePointAt(0)};`,
  );
}
