/**
 * Which programs are started on this machine, by the kernel's own word. Needs root and bpftrace.
 *
 * @module
 */

import { interruptBpftrace, until } from "./run_script.ts";

/** The file that a program is in. */
interface File {
  readonly dev: number;
  readonly ino: number | null;
}

/** Prints inode, device and process of each program that is started. */
const PROGRAM = `tracepoint:sched:sched_process_exec {
  $inode = (struct inode *)((struct task_struct *)curtask)->mm->exe_file->f_inode;
  $disk = (struct super_block *)$inode->i_sb;
  printf("%llu %u %d\\n", $inode->i_ino, $disk->s_dev, pid);
}`;

/** Notes every program that is started, until it is disposed. */
export class StartedPrograms implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #files: string[] = [];

  private constructor(child: Deno.ChildProcess, attached: () => void) {
    this.#child = child;
    this.#reading = this.#read(attached);
  }

  /** Begins; every program that is started from then on is noted. */
  static async trace(): Promise<StartedPrograms> {
    const child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", "bpftrace", "-B", "line", "-e"],
        `BEGIN { printf("begun\\n"); } ${PROGRAM}`,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const attached = Promise.withResolvers<void>();
    const made = new StartedPrograms(child, attached.resolve);
    child.status.then(() => attached.reject(new Error("bpftrace ended before it traced")));
    await attached.promise;
    // The word comes before all is attached: a program that is started shows that it is.
    const { dev, ino } = await Deno.stat("/bin/true");
    await until(async () => {
      await new Deno.Command("/bin/true").output();
      return made.#count({ dev, ino }) > 0;
    }, "bpftrace notes programs");
    return made;
  }

  /** How often the program in a file was started; waits for what is under way. */
  async count(file: File): Promise<number> {
    const { dev, ino } = await Deno.stat("/bin/true");
    const before = this.#count({ dev, ino });
    await new Deno.Command("/bin/true").output();
    await until(() => this.#count({ dev, ino }) > before, "it has noted what was started");
    return this.#count(file);
  }

  #count({ dev, ino }: File): number {
    // gnu_dev_major() and gnu_dev_minor(); the kernel's own number has 20 bits for the latter.
    const number = BigInt(dev);
    const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
    const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
    const key = `${ino} ${(major << 20n) | minor}`;
    return this.#files.filter((file) => file === key).length;
  }

  async #read(attached: () => void): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === "begun") attached();
        else this.#files.push(line.split(" ").slice(0, 2).join(" "));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await interruptBpftrace(this.#child);
    await this.#reading;
  }
}
