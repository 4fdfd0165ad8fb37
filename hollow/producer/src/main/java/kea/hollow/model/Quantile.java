package kea.hollow.model;

/** A quantile by nearest rank: the middle of the bucket that holds it, and that bucket's bounds. */
public final class Quantile {
  /** Between 0 and 1. */
  public double q;
  public double value;
  public double lower;
  public double upper;
}
