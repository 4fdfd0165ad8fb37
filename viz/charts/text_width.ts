/**
 * The width of text, and names shortened to a width: there is no canvas that could measure them.
 *
 * @module
 */

/** How much wider bold text is. */
export const BOLD = 1.13;

/** About the width of a text in DejaVu Sans, pixels. */
export function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) units += unitsOf(character);
  return units * fontSize;
}

function unitsOf(character: string): number {
  if (/[A-Z@%]/.test(character)) return 0.7;
  if (/[ .,:;'|!ilj]/.test(character)) return 0.33;
  if (/[mwMW\u2192\u2026]/.test(character)) return 0.95;
  return character.codePointAt(0)! > 0x2e80 ? 1 : 0.62;
}

/**
 * Names short enough for a picture, and still different. Vega would cut the drawn text but reserve room
 * for the full name. Names are cut in the middle, because libraries and C++ types begin alike. The
 * chart's table has the full names.
 *
 * @param width the most that a name may take, pixels.
 */
export function shortNames(
  names: readonly string[],
  width: number,
  fontSize = 11,
): (name: string) => string {
  const short = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names) {
    if (short.has(name)) continue;
    let cut = shortened(name, width, fontSize);
    for (let number = 2; taken.has(cut); number++) {
      const mark = ` (${number})`;
      cut = shortened(name, width - textWidth(mark, fontSize), fontSize) + mark;
    }
    taken.add(cut);
    short.set(name, cut);
  }
  return (name) => short.get(name) ?? name;
}

function shortened(name: string, width: number, fontSize: number): string {
  if (textWidth(name, fontSize) <= width) return name;
  const characters = [...name];
  let [start, end] = ["", ""];
  for (let left = 0, right = characters.length - 1; left < right;) {
    const next = start.length <= end.length ? characters[left]! : characters[right]!;
    if (textWidth(`${start}\u2026${end}${next}`, fontSize) > width) break;
    if (start.length <= end.length) [start, left] = [start + next, left + 1];
    else [end, right] = [next + end, right - 1];
  }
  return `${start}\u2026${end}`;
}
