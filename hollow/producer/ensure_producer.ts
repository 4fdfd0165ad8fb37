/**
 * Builds the producer, once for each state of its sources, into the cache.
 *
 * @module
 */

import { existsSync, globSync } from "node:fs";
import { say } from "../../system/command_line.ts";
import { ownFolder } from "../../system/own_folder.ts";
import { passedVariables } from "../../system/passed_variables.ts";
import { childEnvironment } from "../../system/run.ts";
import { join } from "node:path";

/** The environment variables that Maven gets: where its cache is, and how it runs. */
const OF_MAVEN = ["HOME", "JAVA_HOME", "MAVEN_OPTS", "MAVEN_ARGS"] as const;

/** For a Java that runs for seconds: halves its CPU time, because the second compiler's code comes too late for it. */
export const SHORT_LIVED = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] as const;

const SOURCES = import.meta.dirname!;

/** A built producer. */
export interface ProducerBuild {
  /** The jar to run. */
  readonly jar: string;
  /** Netflix's own jar, the only one that a consumer needs. */
  readonly hollowJar: string;
}

/** The producer cannot be built. */
export class BuildError extends Error {
  override name = "BuildError";
}

/**
 * Builds the producer if necessary, and says so on standard error.
 *
 * @throws {BuildError} in one line when Java or Maven are missing, or the build fails.
 */
export async function ensureProducer(): Promise<ProducerBuild> {
  const cache = ownFolder("cache");
  const folder = join(cache, `hollow-producer-${await digestOfSources()}`);
  const build = {
    jar: join(folder, "hollow-producer-1.0.0.jar"),
    hollowJar: join(folder, "lib", "hollow-7.14.23.jar"),
  };
  if (existsSync(folder)) return build;
  await Deno.mkdir(cache, { recursive: true });
  // A second process waits here, and finds the producer built.
  using lock = await Deno.open(join(cache, "hollow-producer.lock"), { create: true, write: true });
  await lock.lock(true);
  if (existsSync(folder)) return build;
  say("Building the Hollow producer with Maven, once");
  const unfinished = await Deno.makeTempDir({ dir: cache, prefix: "hollow-producer-" });
  try {
    await maven(["package", "-DskipTests", `-Dbuild.folder=${unfinished}`]);
    await Deno.rename(unfinished, folder);
  } finally {
    await Deno.remove(unfinished, { recursive: true }).catch(() => {});
  }
  return build;
}

/**
 * Runs Maven on the producer.
 *
 * @returns what it printed.
 * @throws {BuildError} when it is missing or fails.
 */
export async function maven(args: readonly string[]): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("mvn", {
      args: [
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        "--file",
        join(SOURCES, "pom.xml"),
        ...args,
      ],
      // It does not need a token from this process's environment.
      clearEnv: true,
      env: childEnvironment({
        MAVEN_OPTS: SHORT_LIVED.join(" "),
        ...passedVariables(OF_MAVEN),
      }),
      stdin: "null",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BuildError(
      "Cannot build the Hollow producer, expected Maven and a JDK of Java 17 or later: " +
        "apt-get install maven default-jdk-headless",
    );
  }
  const text = new TextDecoder().decode(output.stdout);
  if (output.success) return text;
  const error = text.split("\n").find((line) => line.includes("ERROR")) ?? text.slice(-300);
  throw new BuildError(`Cannot build the Hollow producer, Maven says: ${error.trim()}`);
}

/** A digest of the sources. */
async function digestOfSources(): Promise<string> {
  const paths = globSync(["pom.xml", "src/**/*.java"], { cwd: SOURCES }).toSorted();
  const parts = paths.map((path) => `/${path}\n${Deno.readTextFileSync(join(SOURCES, path))}\n`);
  const bytes = new TextEncoder().encode(parts.join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}
