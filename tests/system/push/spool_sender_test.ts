import assert from "node:assert/strict";
import { z } from "zod";
import { Spool } from "../../../system/push/spool.ts";
import { type Sent, SpoolSender } from "../../../system/push/spool_sender.ts";

interface Letter {
  readonly text: string;
}

/** A spool with three letters, which are sent with these outcomes; a fourth is not known yet. */
async function sending(outcomes: readonly Sent[]) {
  const folder = await Deno.makeTempDir({ prefix: "kea-sender-test-" });
  const spool = await Spool.open<Letter>(folder, {
    ...{ limit: 2 ** 20, say: () => {}, noun: "letter", inUse: "stop it" },
    schema: z.object({ text: z.string() }),
  });
  for (const text of ["a", "b", "c"]) await spool.add({ text });
  const giveUp = new AbortController();
  const came: string[] = [];
  const hanging = Promise.withResolvers<void>();
  const sender = new SpoolSender({
    ...{ spool, giveUp },
    send: async ({ text }): Promise<Sent> => {
      const outcome = outcomes[came.push(text) - 1];
      if (outcome !== undefined) return outcome;
      hanging.resolve();
      await new Promise((resolve) => giveUp.signal.addEventListener("abort", resolve));
      return { kind: "stopped" };
    },
  });
  return {
    ...{ spool, sender, came, hanging: hanging.promise },
    async [Symbol.asyncDispose]() {
      spool[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("SpoolSender sends all in their order before it ends, and one that is refused is out of the way", async () => {
  const delivered = { kind: "delivered" } as const;
  await using test = await sending([delivered, { kind: "refused", why: "no" }, delivered]);
  await test.sender.end(60_000);
  assert.deepEqual([test.came, test.spool.waiting], [["a", "b", "c"], 0]);
});

Deno.test("SpoolSender gives up after the limit, and what was not delivered waits", async () => {
  await using test = await sending([{ kind: "delivered" }]);
  await test.hanging;
  await test.sender.end(1);
  assert.deepEqual([test.came, (await test.spool.first())!.text], [["a", "b"], "b"]);
  assert.equal(test.spool.waiting, 2);
});
