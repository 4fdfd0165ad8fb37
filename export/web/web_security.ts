/**
 * Who may ask the exporter: TLS, passwords and client certificates, read again when their files change.
 *
 * @module
 */

import { oneLine, type Say } from "../../system/command_line.ts";
import type { Refusal } from "./exchange.ts";
import { PasswordCheck } from "./password_check.ts";
import {
  OPEN,
  readWebConfig,
  type TlsOptions,
  type WebConfig,
  WebConfigError,
} from "./web_config.ts";

const ASK_FOR_PASSWORD: Refusal = {
  status: 401,
  why: "Expected a user and a password",
  headers: { "www-authenticate": 'Basic realm="kea-ebpf-exporter", charset="UTF-8"' },
};

const TOO_MANY: Refusal = {
  status: 429,
  why: "Too many passwords are being checked, try again",
  headers: { "retry-after": "5" },
};

/** The state of the web configuration file. */
export class WebSecurity {
  readonly #path: string | null;
  readonly #say: Say;
  #config: WebConfig = OPEN;
  #passwords = new PasswordCheck(OPEN.users);
  /** The files that were read, and which version of them. */
  #files: readonly string[] = [];
  #version = "";
  readonly #listeners: ((tls: TlsOptions) => void)[] = [];

  /**
   * Reads the file.
   *
   * @param path null without one: no TLS and no password.
   * @throws {WebConfigError} when it cannot be used.
   */
  constructor(path: string | null, say: Say) {
    this.#path = path;
    this.#say = say;
    if (path !== null) this.#read(path);
  }

  /** What a server of TLS gets; null for none. Whether there is TLS never changes. */
  get tls(): TlsOptions | null {
    return this.#config.tls;
  }

  /** Whether clients have to show who they are. */
  get knowsClients(): boolean {
    return this.#config.users.size > 0 || (this.#config.tls?.requestCert ?? false);
  }

  /** Headers that the user has configured. */
  get headers(): Readonly<Record<string, string>> {
    return this.#config.headers;
  }

  /** Calls back whenever there are other certificates. */
  onTls(renew: (tls: TlsOptions) => void): void {
    this.#listeners.push(renew);
  }

  /** Reads the files again if they have changed; a broken one keeps what was before, and says so. */
  refresh(): void {
    if (this.#path === null || versionOf(this.#files) === this.#version) return;
    try {
      this.#read(this.#path);
      this.#say("The web configuration or a certificate has changed: the new one is used");
    } catch (error) {
      this.#say(`${oneLine(error)}; the one before stays in use`, "warning");
    }
  }

  /** Why a request is refused; null if it is not. */
  async refusal(authorization: string | undefined): Promise<Refusal | null> {
    if (this.#config.users.size === 0) return null;
    const verdict = await this.#passwords.check(authorization);
    if (verdict === "right") return null;
    return verdict === "wrong" ? ASK_FOR_PASSWORD : TOO_MANY;
  }

  #read(path: string): void {
    const isFirst = this.#version === "";
    const files: string[] = [];
    let version = "";
    try {
      const config = readWebConfig(path, (file) => {
        files.push(file);
        // Before it is read: what changes meanwhile is read again.
        version += versionOf([file]);
      });
      if (!isFirst && (config.tls === null) !== (this.#config.tls === null)) {
        throw new WebConfigError(`Cannot use "${path}": TLS goes on or off with a restart only`);
      }
      if (config.tls !== null) { for (const renew of this.#listeners) renew(config.tls); }
      this.#config = config;
      this.#passwords = new PasswordCheck(config.users);
    } finally {
      // A broken one is not read again either, until it changes.
      this.#files = files;
      this.#version = version;
    }
  }
}

/** Changes whenever one of the files does. */
function versionOf(files: readonly string[]): string {
  return files.map((file) => {
    try {
      const { ino, size, mtime, ctime } = Deno.statSync(file);
      return `${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()};`;
    } catch {
      return "none;";
    }
  }).join("");
}
