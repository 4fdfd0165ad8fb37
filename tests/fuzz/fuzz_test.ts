import assert from "node:assert/strict";
import { fuzz } from "./fuzzing.ts";
import { PARSERS } from "./parsers.ts";

/** Damaged inputs for each parser: enough for all kinds of damage at all parts of the inputs. */
const INPUTS = 2000;

for (const { name } of PARSERS) {
  Deno.test(`${INPUTS} damaged inputs: ${name} is read or refused, and nothing false is said`, async () => {
    const { inputs, findings } = await fuzz({ seed: 1, inputs: INPUTS, parser: name });
    assert.deepEqual(findings.slice(0, 3), []);
    assert.equal(inputs, INPUTS);
  });
}
