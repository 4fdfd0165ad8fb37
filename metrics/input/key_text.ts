/**
 * The text of keys in bpftrace's JSON: 0.23 escapes it twice, without a sign of it.
 *
 * @module
 */

import { bytesAsText } from "./exact_json.ts";

const [QUOTE, BACKSLASH] = [34, 92];

/** Reads keys, one after the other. */
export class KeyText {
  /** Whether keys may be escaped twice, as far as is known. */
  #mayBeTwice = true;

  /** Sets that this version escapes keys once, as those from 0.24 on do. */
  areEscapedOnce(): void {
    this.#mayBeTwice = false;
  }

  /** The text of a key whose JSON was parsed. */
  read(key: string): string {
    if (!this.#mayBeTwice) return key;
    const text = isPlain(key) ? unescaped(key) : null;
    if (text === null) {
      this.#mayBeTwice = false;
      return key;
    }
    return text;
  }
}

/** Whether a key contains nothing that JSON escapes, apart from its own escapes. */
function isPlain(key: string): boolean {
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE || code < 32 || code > 126) return false;
  }
  return true;
}

/** null for a key that was not escaped. */
function unescaped(key: string): string | null {
  if (!key.includes("\\")) return key;
  try {
    return bytesAsText(JSON.parse(`"${key}"`));
  } catch {
    return null;
  }
}
