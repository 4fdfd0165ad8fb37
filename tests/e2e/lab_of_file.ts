import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";

/** One lab for all tests of a file; gives it to them while they run. */
export function labOfFile(options: LabOptions = {}): () => Lab {
  let lab: Lab | undefined;
  Deno.test.beforeAll(async () => {
    lab = await startLab(options);
  });
  Deno.test.afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });
  return () => lab!;
}
