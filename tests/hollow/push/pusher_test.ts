/** Windows find their way through a producer that stumbles; real sockets on this machine. */

import assert from "node:assert/strict";
import { ProducerClient } from "../../../hollow/push/producer_client.ts";
import { Pusher } from "../../../hollow/push/pusher.ts";
import type { Batch, HollowRecord } from "../../../hollow/push/records.ts";
import { counterAt } from "./hollow_records.ts";

type Answer = (batch: Batch) => Response;

const accepted: Answer = ({ records }) =>
  Response.json({
    version: "20260101000000000",
    accepted: records.length,
    late: 0,
    expired: 0,
    duplicate: false,
  });
const status = (code: number, more: object = {}): Answer => () =>
  Response.json({ title: "No", status: code, detail: "because", ...more }, { status: code });

/** Delivers windows to a server that gives these answers in turn, the last again and again. */
async function delivered(
  answers: readonly Answer[],
  windows: readonly (readonly HollowRecord[])[],
  options: { readonly retryForever?: boolean } = {},
) {
  const batches: Batch[] = [];
  const said: string[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const batch = await request.json();
      batches.push(batch);
      return answers[Math.min(batches.length, answers.length) - 1]!(batch);
    },
  );
  const client = new ProducerClient({
    url: `http://127.0.0.1:${server.addr.port}/api`,
    dataset: "kea",
    token: () => null,
    allowPlainHttp: false,
  });
  const pusher = new Pusher(client, {
    source: "kea-1/dhcp4",
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    retryForever: options.retryForever ?? true,
  });
  const deliveries = [];
  for (const [index, records] of windows.entries()) {
    const sequence = (index + 1) * 2 ** 20;
    deliveries.push(
      await pusher.deliver({ sequence, id: `id-${index}`, window: `window ${index}`, records }),
    );
  }
  return { deliveries, batches, said };
}

const numbersOf = (batches: readonly Batch[]) => batches.map(({ sequence }) => sequence);

Deno.test("Pusher sends a window again, as it was, until it is taken", async () => {
  const { deliveries, batches, said } = await delivered(
    [status(503), status(401), accepted],
    [[counterAt(0)]],
  );
  assert.deepEqual(deliveries, [{ kind: "delivered", expired: 0 }]);
  assert.deepEqual(batches[1], batches[0]);
  assert.deepEqual(batches[2], batches[0]);
  assert.deepEqual(said, [
    "Cannot push: 503: because; retrying",
    "Cannot push: 401: because: give the right token; retrying",
    "The producer accepts batches again",
  ]);
});

Deno.test("Pusher splits what is too large, and sends every record once, in order", async () => {
  const records = Array.from({ length: 11 }, (_, index) => counterAt(index * 1000));
  const atMost3: Answer = (batch) =>
    batch.records.length > 3 ? status(413)(batch) : accepted(batch);
  const { deliveries, batches } = await delivered([atMost3], [records, [counterAt(99_000)]]);
  assert.deepEqual(deliveries, [{ kind: "delivered", expired: 0 }, {
    kind: "delivered",
    expired: 0,
  }]);
  const taken = batches.filter((batch) => batch.records.length <= 3);
  assert.deepEqual(taken.flatMap((batch) => batch.records), [...records, counterAt(99_000)]);
  const numbers = numbersOf(taken);
  assert.ok(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!));
  assert.equal(new Set(taken.map(({ batchId }) => batchId)).size, taken.length);
});

Deno.test("Pusher gives up a record that is too large alone", async () => {
  const { deliveries } = await delivered([status(413)], [[counterAt(0), counterAt(1000)]]);
  assert.deepEqual(deliveries, [{ kind: "refused", why: "413: because" }]);
});

Deno.test("Pusher does not let a refused window stop the next", async () => {
  const { deliveries } = await delivered([status(422), accepted], [
    [counterAt(0)],
    [counterAt(1000)],
  ]);
  assert.deepEqual(deliveries, [
    { kind: "refused", why: "422: because" },
    { kind: "delivered", expired: 0 },
  ]);
});

Deno.test("Pusher numbers batches anew after 409, and those that follow", async () => {
  const last = 2 ** 50;
  const { deliveries, batches } = await delivered(
    [status(409, { lastSequence: last }), status(503), accepted],
    [[counterAt(0)], [counterAt(1000)]],
  );
  assert.deepEqual(deliveries.map(({ kind }) => kind), ["delivered", "delivered"]);
  // Sent again after 503, the number is the same: the first may have been taken.
  assert.deepEqual(numbersOf(batches), [2 ** 20, last + 1, last + 1, last + 2]);
});

Deno.test("Pusher without retryForever returns at once what the user must correct", async () => {
  const { deliveries, batches } = await delivered([status(404)], [[counterAt(0)]], {
    retryForever: false,
  });
  assert.equal(batches.length, 1);
  assert.deepEqual(deliveries, [{
    kind: "stopped",
    why: "404: because: there is no such address, check the URL",
  }]);
});
