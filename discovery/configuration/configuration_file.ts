/**
 * The configuration file of a server, with those that it includes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { ForeignFileError, readForeignFile } from "../../system/foreign_file.ts";
import { DiscoveryError } from "../discovery_error.ts";
import { type KeaStart, pathAt } from "./kea_options.ts";
import { utf8 } from "./dhcp_configuration.ts";
import { parseConfiguration } from "./parse.ts";
import { ConfigurationSyntaxError } from "./tokens.ts";

/** Bytes of all files together: ten times a hundred thousand reservations. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Files; one may be included many times. */
const MOST_FILES = 1000;

/** What a file and those that it includes hold. */
export interface ConfigurationFile {
  /** Plain values; of strings, each byte is one character. */
  readonly values: unknown;
  /** Of all files together. */
  readonly bytes: number;
}

/**
 * Reads a configuration file as Kea does: paths of included files lead on from the server's working
 * directory, not from the file that includes them.
 *
 * @param path absolute, as the server sees it.
 * @throws {DiscoveryError} when it cannot be read: the reason alone.
 */
export function readConfigurationFile(
  pid: number,
  path: string,
  start: KeaStart,
): ConfigurationFile {
  let [files, bytes] = [0, 0];
  const read = (file: string) => {
    if (++files > MOST_FILES) {
      throw new ConfigurationSyntaxError(`it includes more than ${MOST_FILES} files`);
    }
    const content = readForeignFile(pid, file, MOST_BYTES - bytes);
    bytes += content.length;
    return Buffer.from(content).toString("latin1");
  };
  const include = (name: string) => {
    const file = pathAt(start, utf8(name));
    try {
      return read(file);
    } catch (error) {
      if (!(error instanceof ForeignFileError)) throw error;
      throw new ForeignFileError(`the included ${file}: ${error.message}`);
    }
  };
  try {
    const values = parseConfiguration(read(path), include);
    return { values, bytes };
  } catch (error) {
    if (error instanceof ConfigurationSyntaxError || error instanceof ForeignFileError) {
      throw new DiscoveryError(error.message);
    }
    throw error;
  }
}
