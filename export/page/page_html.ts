/**
 * The page as HTML: complete without its script.
 *
 * @module
 */

import { escaped } from "../../system/printable.ts";
import { momentOf } from "./glance.ts";
import { type Container, CONTAINERS, type Part, partHtml } from "./view.ts";

/** What a page is. */
export interface PageFacts {
  /** Null for the overview. */
  readonly server: string | null;
  readonly host: string;
  /** Of the script and the style. */
  readonly build: string;
  /** When it was made, milliseconds since the epoch. */
  readonly now: number;
}

/** How often a page without script loads again, seconds. */
const REFRESH_SECONDS = 15;

/** Headers of a page: nothing from elsewhere, no script but ours, no frame around it. */
export const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

const ICON = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" ' +
    'fill="#0072b2"/><path d="M2 11l3-4 3 2 5-6" fill="none" stroke="#fff" stroke-width="2"/></svg>',
);

/** The beginning of a page, up to the first container. */
export function pageStart({ server, host, build, now }: PageFacts): string {
  const name = server === null ? `Kea on ${host}` : `${server} on ${host}`;
  const live = server === null ? "live" : `live?server=${encodeURIComponent(server)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(name)}</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="page.css?${build}">
<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}"></noscript>
<script src="live.js?${build}" defer></script>
</head>
<body data-live="${escaped(live)}" data-build="${build}" data-now="${now}">
<a class="skip" href="#main">Skip to the numbers</a>
<header class="bar">
${
    server === null ? `<h1>Kea on ${escaped(host)}</h1>` : `<nav aria-label="Servers"><a href="./">
All servers of ${escaped(host)}</a></nav>`
  }
<p class="clock"><span id="clock">${momentOf(now, now)}</span>
<noscript>, loads again every ${REFRESH_SECONDS} s</noscript></p>
<p id="connection" role="status"></p>
</header>
<main id="main" tabindex="-1">
`;
}

/** The parts of a container. */
export function partsHtml(parts: readonly Part[], container: Container): string {
  return parts.filter((part) => part.container === container).map(partHtml).join("\n");
}

/** The containers with their parts. */
export function containersHtml(
  parts: readonly Part[],
  containers: readonly Container[] = CONTAINERS,
): string {
  return containers.map((container) =>
    `<div id="${container}">${partsHtml(parts, container)}</div>`
  ).join("\n");
}

/** The end of a page. */
export const PAGE_END = `</main>
<footer><p>Times are UTC, and counted in buckets, eight per power of two: a percentile is the middle of its bucket,
at most 6.3 % off. Counts are exact. Processing time does not include the wait in the socket before Kea reads.</p>
</footer>
</body>
</html>
`;
