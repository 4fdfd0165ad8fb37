/**
 * Attackers beside a server: processes that call themselves kea-dhcp4, of an unprivileged user and of a
 * container. Needs root and g++.
 *
 * @module
 */

import { join } from "node:path";
import { childrenOf, must, until } from "./run_script.ts";

/** The user of all that is not in the container. */
export const USER = 65534;

/** Capabilities that Docker leaves to root of a container. */
const DOCKER =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw," +
  "sys_chroot,mknod,audit_write,setfcap";

/** Attackers, until they are disposed. */
export class HostileProcesses implements AsyncDisposable {
  /** A folder that every user may write. */
  readonly folder: string;
  /** There once a program of theirs was run by another user. */
  readonly ran: string;
  readonly #children: Deno.ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.ran = join(folder, "ran");
  }

  /** Builds their program. */
  static async build(): Promise<HostileProcesses> {
    const folder = await Deno.makeTempDir({ prefix: "kea-hostile-" });
    await Deno.chmod(folder, 0o777);
    const made = new HostileProcesses(folder);
    await must("g++", "-O1", `-DRAN="${made.ran}"`, "-o", made.#program, SOURCE);
    return made;
  }

  get #program(): string {
    return join(this.folder, "program");
  }

  /**
   * Starts one of the user's.
   *
   * @param around a command that runs it: `ip netns exec NAME`.
   * @returns its process id.
   */
  async start(args: readonly string[], around: readonly string[] = []): Promise<number> {
    const program = await this.#copy(join(this.folder, `user-${this.#children.length}`));
    return await this.#startWith([
      ...around,
      ...["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--"],
      ...[program, ...args],
    ]);
  }

  /** Starts one of the user's in a folder whose name is no UTF-8. */
  async startAtOddPath(): Promise<void> {
    const program = await this.#copy(join(this.folder, "odd"));
    const script = `cd "$1" && odd=$(printf 'b\\344d') && mkdir "$odd" && mv kea-dhcp4 "$odd/" &&
      exec setpriv --reuid=${USER} --regid=${USER} --clear-groups -- "$1/$odd/kea-dhcp4"`;
    await this.#startWith(["sh", "-c", script, "sh", join(program, "..")]);
  }

  /** Starts one as root of a container: mounts, processes and network of its own, Docker's rights. */
  async startInContainer(args: readonly string[]): Promise<{ pid: number; program: string }> {
    const program = await this.#copy(join(this.folder, "container"));
    const outer = await this.#startWith([
      ...["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child=KILL", "--"],
      ...[
        "setpriv",
        "--inh-caps=-all",
        `--bounding-set=-all,+${DOCKER.replaceAll(",", ",+")}`,
        "--",
      ],
      ...[program, ...args],
    ], "unshare");
    let pid: number | undefined;
    await until(async () => {
      [pid] = await childrenOf(outer);
      return pid !== undefined && await nameOf(pid) === "kea-dhcp4";
    }, "the container runs");
    return { pid: pid!, program };
  }

  async #copy(folder: string): Promise<string> {
    await Deno.mkdir(folder);
    const copy = join(folder, "kea-dhcp4");
    await Deno.copyFile(this.#program, copy);
    for (const path of [folder, copy]) await Deno.chown(path, USER, USER);
    return copy;
  }

  async #startWith(command: readonly string[], expected = "kea-dhcp4"): Promise<number> {
    const child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "KILL", "--", ...command],
      cwd: this.folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#children.push(child);
    await until(async () => await nameOf(child.pid) === expected, `${command.join(" ")} runs`);
    return child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    }
    // Deno does not remove names that are no UTF-8.
    await must("rm", "-rf", this.folder);
  }
}

const SOURCE = join(import.meta.dirname!, "hostile_program.cc");

async function nameOf(pid: number): Promise<string> {
  return (await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "")).trim();
}

/**
 * An ELF file of 3.4 MB whose list of symbols has 100 GB: each of its 100,000 symbols has the same name,
 * which is 1 MB long.
 */
export function endlessLibrary(): Uint8Array<ArrayBuffer> {
  const [count, length] = [100_000, 1_000_000];
  const [symbols, names, texts] = [64, 64 + 24 * (count + 1), 64 + 24 * (count + 1) + length + 2];
  const sections = texts + 32;
  const bytes = new Uint8Array(sections + 5 * 64);
  const view = new DataView(bytes.buffer);
  const put = (at: number, ...values: readonly (readonly [bits: number, value: number])[]) => {
    for (const [bits, value] of values) {
      if (bits === 16) view.setUint16(at, value, true);
      else if (bits === 32) view.setUint32(at, value, true);
      else view.setBigUint64(at, BigInt(value), true);
      at += bits / 8;
    }
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  put(16, [16, 3], [16, 62], [32, 1], [64, 0], [64, 0], [64, sections], [32, 0], [16, 64]);
  put(54, [16, 56], [16, 0], [16, 64], [16, 5], [16, 4]);
  for (let index = 1; index <= count; index++) {
    // A function that all may use, in the first section.
    put(symbols + 24 * index, [32, 1], [32, 0x00010012], [64, 16 * index], [64, 16]);
  }
  bytes.fill(97, names + 1, names + 1 + length);
  bytes.set(new TextEncoder().encode("\0.text\0.dynsym\0.dynstr\0.names\0"), texts);
  const section = (index: number, ...values: number[]) => {
    const widths = [32, 32, 64, 64, 64, 64, 32, 32, 64, 64];
    put(sections + 64 * index, ...values.map((value, field) => [widths[field]!, value] as const));
  };
  // name, type, flags, address, offset, size, link, info, alignment, size of an entry
  section(1, 1, 1, 6, 0, 0, 64, 0, 0, 16, 0);
  section(2, 7, 11, 2, 0, symbols, 24 * (count + 1), 3, 1, 8, 24);
  section(3, 15, 3, 2, 0, names, length + 2, 0, 0, 1, 0);
  section(4, 23, 3, 0, 0, texts, 32, 0, 0, 1, 0);
  return bytes;
}
