package kea.hollow.model;

/** The number of values in {@code [lower, upper)}, in the unit of the series. */
public final class Bucket {
  /** Inclusive. */
  public double lower;
  /** Exclusive. */
  public double upper;
  /** At least 1. */
  public long count;
}
