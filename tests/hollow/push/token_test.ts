import assert from "node:assert/strict";
import { join } from "node:path";
import { tokenSource } from "../../../hollow/push/token.ts";

Deno.test("tokenSource() leaves no token in the environment, wherever it takes it from", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tokenFile = join(folder, "token");
    await Deno.writeTextFile(tokenFile, "of-the-file\n");
    for (
      const [options, token] of [[{}, "of-environment"], [{ tokenFile }, "of-the-file"]] as const
    ) {
      Deno.env.set("HOLLOW_TOKEN", "of-environment");
      const source = tokenSource(options, () => {});
      assert.equal(Deno.env.get("HOLLOW_TOKEN"), undefined);
      assert.equal(source(), token);
    }
  } finally {
    Deno.env.delete("HOLLOW_TOKEN");
    await Deno.remove(folder, { recursive: true });
  }
});
