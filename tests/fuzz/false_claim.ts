/** A parser said something false of a damaged input. */
export class FalseClaim extends Error {
  override name = "FalseClaim";
}
