import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { PasswordCheck } from "../../../export/web/password_check.ts";

const basic = (pair: string) => `Basic ${btoa(pair)}`;

Deno.test("PasswordCheck accepts the right pair alone, and remembers it", async () => {
  const passwords = new PasswordCheck(new Map([["prom", await bcrypt.hash("a:secret", 4)]]));
  const check = (authorization?: string) => passwords.check(authorization);
  assert.equal(await check(basic("prom:a:secret")), "right");
  assert.equal(await check(basic("prom:a:secret")), "right");
  for (
    const wrong of [
      ...[
        undefined,
        "",
        "Basic",
        "Basic ???",
        "Bearer x",
        basic("prom"),
        basic("prom:"),
        basic(":"),
      ],
      ...[basic("prom:a"), basic("other:a:secret"), basic("PROM:a:secret"), basic("__proto__:a")],
    ]
  ) {
    assert.equal(await check(wrong), "wrong", wrong);
  }
});

Deno.test("PasswordCheck takes as long for an unknown user as for a known one", async () => {
  const passwords = new PasswordCheck(new Map([["prom", await bcrypt.hash("secret", 9)]]));
  const time = async (pair: string) => {
    const begun = performance.now();
    assert.equal(await passwords.check(basic(pair)), "wrong");
    return performance.now() - begun;
  };
  const known = await time("prom:wrong");
  // Its time includes the rest after the first check.
  assert.ok(await time("other:wrong") > known / 2);
});

Deno.test("PasswordCheck refuses at once what would wait behind too many others", async () => {
  const passwords = new PasswordCheck(new Map([["prom", await bcrypt.hash("secret", 4)]]));
  const right = Array.from({ length: 50 }, () => passwords.check(basic("prom:secret")));
  const wrong = Array.from({ length: 50 }, (_, at) => passwords.check(basic(`prom:${at}`)));
  assert.deepEqual(new Set(await Promise.all(right)), new Set(["right"]));
  const verdicts = await Promise.all(wrong);
  assert.deepEqual(verdicts.filter((each) => each === "wrong").length, 3);
  assert.deepEqual(verdicts.filter((each) => each === "busy").length, 47);
  assert.equal(await passwords.check(basic("prom:secret")), "right");
});
