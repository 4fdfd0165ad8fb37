import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { coresOf, throttledSecondsOf } from "../../system/cpu_limit.ts";

/** What is asked of a folder that stands for a host, with these files. */
async function on<T>(
  files: Readonly<Record<string, string>>,
  ask: (root: string) => Promise<T>,
): Promise<T> {
  const root = await Deno.makeTempDir({ prefix: "kea-cpu-limit-test-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(root, path)), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    return await ask(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Limit and throttling of process 7 there. */
const limits = (files: Readonly<Record<string, string>>) =>
  on(files, async (root) => [await coresOf(7, root), await throttledSecondsOf(7, root)]);

// Lines of Ubuntu 20.04's 5.4 (hybrid) and Debian 12's 6.1.
const HYBRID = `30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
`;
const UNIFIED = "26 23 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

const V1_STAT = "nr_periods 44\nnr_throttled 38\nthrottled_time 2974351117\n";

Deno.test("coresOf() and throttledSecondsOf() read a group of version 1 beside version 2", async () => {
  const group = "sys/fs/cgroup/cpu,cpuacct/system.slice/kea.service";
  assert.deepEqual(
    await limits({
      "proc/self/mountinfo": HYBRID,
      "proc/7/cgroup":
        "5:cpu,cpuacct:/system.slice/kea.service\n1:name=systemd:/system.slice/kea.service\n" +
        "0::/system.slice/kea.service\n",
      [`${group}/cpu.cfs_quota_us`]: "20000\n",
      [`${group}/cpu.cfs_period_us`]: "100000\n",
      [`${group}/cpu.stat`]: V1_STAT,
    }),
    [0.2, 2.974351117],
  );
});

Deno.test("coresOf() takes the least of a group of version 2 and those above it", async () => {
  assert.deepEqual(
    await limits({
      "proc/self/mountinfo": UNIFIED,
      "proc/7/cgroup": "0::/pods/pod1/kea\n",
      "sys/fs/cgroup/pods/cpu.max": "max 100000\n",
      "sys/fs/cgroup/pods/pod1/cpu.max": "150000 100000\n",
      "sys/fs/cgroup/pods/pod1/kea/cpu.max": "400000 100000\n",
      "sys/fs/cgroup/pods/pod1/kea/cpu.stat":
        "usage_usec 5129\nnr_throttled 3\nthrottled_usec 1250000\n",
    }),
    [1.5, 1.25],
  );
});

Deno.test("coresOf() finds a group where only a container's part is mounted", async () => {
  assert.deepEqual(
    await limits({
      "proc/self/mountinfo":
        "35 30 0:31 /docker/4f2a /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n",
      "proc/7/cgroup": "5:cpuacct,cpu:/docker/4f2a\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu/cpu.stat": V1_STAT,
    }),
    [Infinity, 2.974351117],
  );
});

Deno.test("coresOf() says null of a group that is not seen, and does not guess", async () => {
  for (
    const cgroup of ["0::/../kea\n", "0::/gone\n", "5:cpu:/gone\n0::/\n", "3:memory:/kea\n", ""]
  ) {
    const files = { "proc/self/mountinfo": HYBRID + UNIFIED, "proc/7/cgroup": cgroup };
    assert.deepEqual(await limits(files), [null, null], cgroup);
  }
});
