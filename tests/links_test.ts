/** Every relative link and anchor of the README and the pages leads somewhere. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname!, "..");

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^```.*?^```$/gms, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("every relative link and anchor of the pages leads somewhere", async () => {
  const pages = ["README.md", "HOLLOW_INTEGRATION.md"];
  for await (const { name } of Deno.readDir(join(ROOT, "docs"))) {
    if (name.endsWith(".md")) pages.push(`docs/${name}`);
  }
  const broken: string[] = [];
  for (const page of pages) {
    const markdown = await Deno.readTextFile(join(ROOT, page));
    for (const [, link] of markdown.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
      const [path, anchor] = link!.split("#") as [string, string?];
      const file = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      try {
        await Deno.stat(file);
        if (anchor === undefined) continue;
        if (anchorsOf(await Deno.readTextFile(file)).includes(anchor)) continue;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      broken.push(`${page}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});
