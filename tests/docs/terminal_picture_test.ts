import assert from "node:assert/strict";
import { terminalPicture } from "../../docs/terminal_picture.ts";

/** As tmux 3.3a writes it: a style with a colour that is the default one. */
const TMUX = ["\x1b[0;2m\x1b[39m\x1b[49mdim", "", "\x1b[0;1m\x1b[39m\x1b[49mbold\x1b[0m  plain"];

Deno.test("terminalPicture() keeps the styles that tmux prints", () => {
  const picture = terminalPicture(TMUX, 20);
  assert.match(picture, /class="dim">dim</);
  assert.match(picture, /class="bold">bold</);
});

Deno.test("terminalPicture() keeps spaces in renderers that do not know the style for them", () => {
  const texts = terminalPicture(TMUX, 20).match(/<text [^>]*>/g)!;
  assert.ok(texts.every((text) => text.includes('xml:space="preserve"')));
  assert.ok(terminalPicture(TMUX, 20).includes(">  plain<"));
});

Deno.test("terminalPicture() places each part at its own column", () => {
  assert.match(
    terminalPicture(["ab\x1b[1mcd"], 4),
    /x="30.86" textLength="16.86" class="bold">cd</,
  );
});

Deno.test("terminalPicture() escapes what stands on the screen", () => {
  assert.doesNotMatch(terminalPicture(["<script>&\u202e"], 20), /<script|&(?!#)|\u202e/);
});
