/**
 * The error of this folder.
 *
 * @module
 */

/** The package cannot be built. */
export class PackageError extends Error {
  override name = "PackageError";
}
