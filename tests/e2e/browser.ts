/** A real Chromium that opens a page, from disk without a network or from a server of ours. */

import { type Browser, chromium, type Page } from "playwright-core";

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly scheme: "light" | "dark";
}

/** What is wrong with how a page looks, in words. */
export interface Seen {
  /** Messages on the console, and requests beyond the disk. */
  readonly complaints: readonly string[];
  /** Drawings that are seen at this width. */
  readonly drawings: number;
  readonly faults: readonly string[];
}

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ARGUMENTS,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

/** What is cut off in a page, or cannot be seen, and how many drawings are seen. */
export async function faultsOf(page: Page): Promise<Pick<Seen, "drawings" | "faults">> {
  return await page.evaluate(FAULTS) as Pick<Seen, "drawings" | "faults">;
}

/** Opens a file for each look, takes a picture of the whole page, and calls `read` with the first. */
export async function lookAt<T>(
  file: string,
  looks: readonly Look[],
  pictureOf: (look: Look) => string,
  read: (page: Page) => Promise<T>,
): Promise<{ readonly seen: readonly Seen[]; readonly read: T }> {
  const browser = await openBrowser();
  try {
    const seen: Seen[] = [];
    let result: T | undefined;
    for (const look of looks) {
      const context = await browser.newContext({
        viewport: { width: look.width, height: 900 },
        colorScheme: look.scheme,
        offline: true,
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (!request.url().startsWith("file://")) complaints.push(request.url());
      });
      await page.goto(`file://${file}`);
      await page.screenshot({ path: pictureOf(look), fullPage: true });
      const found = await faultsOf(page);
      seen.push({ complaints, ...found });
      result ??= await read(page);
      await context.close();
    }
    return { seen, read: result! };
  } finally {
    await browser.close();
  }
}

/** Runs in the page: what is cut off, or cannot be seen. */
const FAULTS = `(() => {
  const faults = [];
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) faults.push("the page is wider than the screen");
  let drawings = 0;
  for (const figure of document.querySelectorAll("figure")) {
    const shown = [...figure.querySelectorAll("svg")].filter((svg) => svg.getClientRects().length > 0);
    if (shown.length !== 1) faults.push(figure.id + ": " + shown.length + " drawings are shown");
    for (const svg of shown) {
      drawings++;
      const box = svg.getBoundingClientRect();
      if (box.width < 100 || box.height < 50) faults.push(figure.id + ": too small");
      if (box.left < 0 || box.right > wide + 0.5) faults.push(figure.id + ": off the screen");
      if (!svg.getAttribute("aria-label")) faults.push(figure.id + ": no words for the blind");
      for (const text of svg.querySelectorAll("text")) {
        const inner = text.getBoundingClientRect();
        if (inner.width === 0) continue;
        const isInside = inner.left >= box.left - 2 && inner.right <= box.right + 2 &&
          inner.top >= box.top - 2 && inner.bottom <= box.bottom + 2;
        if (!isInside) faults.push(figure.id + ": cut off: " + text.textContent);
        if (parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width < 9) {
          faults.push(figure.id + ": too small to read: " + text.textContent);
        }
      }
    }
    for (const part of ["h2", "p", "table"]) {
      if (figure.querySelector(part) === null) faults.push(figure.id + ": no " + part);
    }
  }
  return { faults, drawings };
})()`;
