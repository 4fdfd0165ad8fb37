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
      const variables = new Map([["HOLLOW_TOKEN", "of-environment"]]);
      const source = tokenSource(options, () => {}, variables);
      assert.equal(variables.size, 0);
      assert.equal(source(), token);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
