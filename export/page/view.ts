/**
 * What a page shows at a moment: parts in containers, so that only what changes is sent.
 *
 * @module
 */

/** The containers of a page, in their order. */
export const CONTAINERS = ["top", "left", "right"] as const;

/** A container of a page. */
export type Container = typeof CONTAINERS[number];

/** A part of a page: HTML of ours, foreign text in it is escaped. */
export interface Part {
  readonly id: string;
  readonly container: Container;
  readonly html: string;
}

/** Parts as the script of the page takes them. */
export interface Changes {
  /** The ids of all parts by container, in their order. */
  readonly order: Readonly<Record<Container, readonly string[]>>;
  /** The HTML of those that have changed. */
  readonly parts: Readonly<Record<string, string>>;
}

/** What has changed since other parts were sent; null if nothing has. */
export function changesOf(
  parts: readonly Part[],
  sent: ReadonlyMap<string, string> | null,
): Changes | null {
  const changed = parts.filter(({ id, html }) => sent?.get(id) !== html);
  const isSame = sent !== null && changed.length === 0 &&
    [...sent.keys()].join() === parts.map(({ id }) => id).join();
  if (isSame) return null;
  const ids = (container: Container) =>
    parts.filter((part) => part.container === container).map(({ id }) => id);
  return {
    order: { top: ids("top"), left: ids("left"), right: ids("right") },
    parts: Object.fromEntries(changed.map(({ id, html }) => [id, html])),
  };
}

/** A part as HTML. */
export function partHtml({ id, html }: Part): string {
  return `<div class="part" id="${id}">${html}</div>`;
}
