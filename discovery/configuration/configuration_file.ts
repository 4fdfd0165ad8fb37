/**
 * The configuration file of a server, with its included files.
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

/** Most files; one may be included many times. */
const MOST_FILES = 1000;

/** The contents of a file and its included files. */
export interface ConfigurationFile {
  /** Plain values; in strings, each byte is one character. */
  readonly values: unknown;
  /** Sum over all files. */
  readonly bytes: number;
}

/**
 * Reads a configuration file as Kea does: relative paths of included files start at the server's working
 * directory, not at the including file.
 *
 * @param path absolute, in the server's own root.
 * @throws {DiscoveryError} when it cannot be read; its message is only the reason.
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
