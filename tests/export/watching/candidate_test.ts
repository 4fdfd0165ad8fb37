import assert from "node:assert/strict";
import {
  candidateOf,
  isStartedByRoot,
  placed,
  type Rank,
  rankOf,
} from "../../../export/watching/candidate.ts";
import { parseControlGroup } from "../../../export/watching/control_group.ts";

Deno.test("rankOf() puts those that the user named first, and then what root alone can have started", () => {
  const standing = { isNamed: false, isOfRoot: true, isRootsProgram: true };
  assert.equal(rankOf(standing), 1);
  assert.equal(rankOf({ ...standing, isOfRoot: false }), 2);
  assert.equal(rankOf({ ...standing, isRootsProgram: false }), 2);
  assert.equal(rankOf({ isNamed: true, isOfRoot: false, isRootsProgram: false }), 0);
});

Deno.test("placed() goes by rank and then by order, and takes few of those that may be an attack", () => {
  const list = (ranks: string) =>
    [...ranks].map((rank, at) => ({ rank: Number(rank) as Rank, name: `${rank}${at}` }));
  const names = (ranks: string, most: number, mostDoubtful: number) =>
    placed(list(ranks), { most, mostDoubtful }).map(({ name }) => name).join(" ");
  assert.equal(names("2222", 32, 4), "20 21 22 23");
  assert.equal(names("22221", 32, 2), "14 20 21");
  assert.equal(names("2120", 2, 4), "03 11");
  assert.equal(names("111", 2, 4), "10 11");
});

Deno.test("candidateOf() doubts a program that others than root can change", async () => {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/kea-dhcp4`;
  try {
    await Deno.copyFile("/bin/sleep", program);
    await Deno.chmod(program, 0o755);
    await using child = new Deno.Command(program, { args: ["60"] }).spawn();
    const kea = { pid: child.pid, family: 4, executable: program } as const;
    const rank = async () => (await candidateOf(kea, () => false))!.rank;
    const expected = Deno.uid() === 0 ? 1 : 2;
    try {
      // In /tmp, no one can replace what is another's.
      assert.equal(await rank(), expected);
      await Deno.chmod(program, 0o777);
      assert.equal(await rank(), 2);
      await Deno.chmod(program, 0o755);
      await Deno.chmod(folder, 0o777);
      assert.equal(await rank(), 2);
      assert.equal((await candidateOf(kea, () => true))!.rank, 0);
    } finally {
      child.kill("SIGKILL");
    }
    await child.status;
    assert.equal(await candidateOf(kea, () => true), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "isStartedByRoot() doubts what a login of a user has started in a service, such as cron",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const groupOf = (path: string) => parseControlGroup(`0::/system.slice/${path}`);
    for (const login of ["1000", "0"]) {
      const script = 'echo "$0" > /proc/self/loginuid && exec setpriv --reuid 65534 sleep 60';
      await using child = new Deno.Command("sh", { args: ["-c", script, login] }).spawn();
      try {
        const status = () => Deno.readTextFileSync(`/proc/${child.pid}/status`);
        while (!/^Uid:\s+65534\s/m.test(status())) await new Promise((done) => setTimeout(done, 5));
        assert.equal(isStartedByRoot(child.pid, groupOf("cron.service")), login === "0");
        assert.equal(isStartedByRoot(child.pid, groupOf("docker-12ab.scope")), true);
        assert.equal(isStartedByRoot(child.pid, parseControlGroup("0::/")), false);
      } finally {
        child.kill("SIGKILL");
      }
      await child.status;
    }
  },
});
