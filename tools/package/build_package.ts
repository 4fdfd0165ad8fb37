/**
 * Builds the Debian package.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { say } from "../../system/command_line.ts";
import { outputOf } from "../../system/run.ts";
import { END_SIGNALS, onEndSignals } from "../../system/signals.ts";
import { VERSION } from "../../system/version.ts";
import { copyDeno } from "./copy_deno.ts";
import { changelog, control, copyright, NAME } from "./control.ts";
import { helpsOf, manual } from "./manual.ts";
import { installNpmPackages, npmPackagesIn } from "./npm_packages.ts";
import { PackageError } from "./package_error.ts";
import { shippedCommands } from "./shipped_commands.ts";
import { shippedFiles } from "./shipped_files.ts";
import { Stage } from "./stage.ts";
import { LIBRARY, wrapper } from "./wrapper.ts";

const ROOT = join(import.meta.dirname!, "..", "..");

/** Data for others: from our folder to theirs. */
const SHARED: readonly (readonly [ours: string, theirs: string])[] = [
  ["export/grafana", `/usr/share/${NAME}/grafana`],
  ["export/alerts", `/usr/share/${NAME}/alerts`],
  ["export/scrape", `/usr/share/${NAME}/scrape`],
];

const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"];

/**
 * Builds it in a temporary folder. The same sources and the same SOURCE_DATE_EPOCH give the same bytes.
 *
 * @param output a folder.
 * @returns the path of the package.
 * @throws {PackageError} when it cannot be built.
 */
export async function buildPackage(output: string): Promise<string> {
  if (`${Deno.build.os}-${Deno.build.arch}` !== "linux-x86_64") {
    throw new PackageError("Cannot build the package here: x86-64 Linux is expected, as Deno's is");
  }
  const date = await sourceDate();
  const folder = await Deno.makeTempDir({ prefix: "kea-package-" });
  using _signals = onEndSignals((signal) => {
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(END_SIGNALS[signal]);
  });
  try {
    const root = join(folder, "root");
    Deno.mkdirSync(root, { mode: 0o755 });
    const stage = new Stage(root);
    await stageProject(stage);
    stageService(stage);
    await stageDocuments(stage, date);
    stage.setTimes(date);
    stageControl(stage, date);
    await Deno.mkdir(output, { recursive: true });
    const path = join(output, `${NAME}_${VERSION}_amd64.deb`);
    // Every dpkg can read xz, and its lowest level takes a fifth of the time for 5 % more bytes.
    // The number of threads changes the bytes.
    say(`Packing ${basename(path)}`);
    await outputOf(
      ["dpkg-deb", "--root-owner-group", "-Zxz", "-z0", "--threads-max=1", "--build", root, path],
      (why) => new PackageError(`Cannot pack: ${why}`),
      { environment: { SOURCE_DATE_EPOCH: String(date.getTime() / 1000) }, limitMs: 600_000 },
    );
    return path;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The time of all files: SOURCE_DATE_EPOCH, or that of the last commit. */
async function sourceDate(): Promise<Date> {
  const seconds = Deno.env.get("SOURCE_DATE_EPOCH") ??
    await outputOf(
      ["git", "-c", `safe.directory=${ROOT}`, "-C", ROOT, "log", "-1", "--format=%ct"],
      (why) =>
        new PackageError(`Cannot read the time of the last commit, set SOURCE_DATE_EPOCH: ${why}`),
    );
  if (!/^\d+$/.test(seconds)) {
    throw new PackageError(`Cannot use SOURCE_DATE_EPOCH "${seconds}": expected seconds`);
  }
  return new Date(1000 * Number(seconds));
}

/** The project with its npm packages, Deno, and the wrapper. */
async function stageProject(stage: Stage): Promise<void> {
  const commands = shippedCommands();
  const app = `${LIBRARY}/app`;
  const files = shippedFiles(ROOT, commands.map(({ script }) => script));
  for (const file of files) {
    stage.copy(join(ROOT, file), join(app, file));
  }
  say("Installing npm packages");
  const modules = files.filter((file) => file.endsWith(".ts"));
  const texts = modules.map((file) => Deno.readTextFileSync(join(ROOT, file)));
  await installNpmPackages(stage.at(app), join(ROOT, "deno.lock"), texts);
  // Only what Deno loads itself is executable.
  for (const file of stage.files(join(app, "node_modules"))) {
    if (!Deno.lstatSync(stage.at(file)).isSymlink) Deno.chmodSync(stage.at(file), 0o644);
  }
  await copyDeno(stage.at(`${LIBRARY}/deno`));
  stage.write(`/usr/bin/${NAME}`, wrapper(commands, VERSION), 0o755);
}

function stageService(stage: Stage): void {
  const service = join(ROOT, "export/service");
  for (const unit of ["kea-ebpf-exporter.service", "kea-ebpf-exporter.socket"]) {
    stage.copy(join(service, unit), `/lib/systemd/system/${unit}`);
  }
  stage.copy(join(service, "kea-ebpf-exporter.default"), "/etc/default/kea-ebpf-exporter");
  for (const [ours, theirs] of SHARED) {
    for (const { name, isFile } of Deno.readDirSync(join(ROOT, ours))) {
      if (isFile && !name.endsWith(".ts")) stage.copy(join(ROOT, ours, name), join(theirs, name));
    }
  }
}

async function stageDocuments(stage: Stage, date: Date): Promise<void> {
  const commands = shippedCommands();
  const app = stage.at(`${LIBRARY}/app`);
  const deno = stage.at(`${LIBRARY}/deno`);
  const helps = await helpsOf(
    commands,
    ({ flags, script }) => [deno, "run", "--cached-only", ...flags, join(app, script)],
  );
  const day = date.toISOString().slice(0, 10);
  const zipped = (text: string) => gzipSync(text, { level: 9 });
  stage.write(
    `/usr/share/man/man1/${NAME}.1.gz`,
    zipped(manual(helps, { version: VERSION, date: day })),
  );
  const documents = `/usr/share/doc/${NAME}`;
  const text = (file: string) => Deno.readTextFileSync(join(ROOT, file));
  stage.write(`${documents}/changelog.gz`, zipped(changelog(VERSION, date)));
  stage.write(`${documents}/CHANGELOG.md.gz`, zipped(text("CHANGELOG.md")));
  stage.write(`${documents}/copyright`, copyright(text("LICENSE"), npmPackagesIn(app)));
  stage.copy(
    join(import.meta.dirname!, "debian/lintian-overrides"),
    `/usr/share/lintian/overrides/${NAME}`,
  );
}

function stageControl(stage: Stage, date: Date): void {
  const files = stage.files();
  const size = files.reduce(
    (sum, file) => sum + Math.ceil(Deno.lstatSync(stage.at(file)).size / 1024),
    0,
  );
  const sums = files.filter((file) => !file.startsWith("etc/")).flatMap((file) => {
    if (Deno.lstatSync(stage.at(file)).isSymlink) return [];
    const hash = createHash("md5").update(Deno.readFileSync(stage.at(file))).digest("hex");
    return [`${hash}  ${file}`];
  });
  stage.write("DEBIAN/control", control(VERSION, size));
  stage.write("DEBIAN/conffiles", "/etc/default/kea-ebpf-exporter\n");
  stage.write("DEBIAN/md5sums", `${sums.join("\n")}\n`);
  for (const script of MAINTAINER_SCRIPTS) {
    stage.copy(join(import.meta.dirname!, "debian", script), `DEBIAN/${script}`, 0o755);
  }
  stage.setTimes(date, "DEBIAN");
}
