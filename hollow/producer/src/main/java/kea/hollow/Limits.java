package kea.hollow;

/**
 * How much a producer accepts and keeps.
 *
 * @param windows windows that are kept per server; older ones are removed
 * @param records most records of a dataset
 * @param bodyBytes length of a request's body
 */
record Limits(int windows, int records, int bodyBytes) {
  /** Records of one batch. */
  static final int BATCH_RECORDS = 20_000;
  /** Datasets of one producer. */
  static final int DATASETS = 64;
  /** UTF-16 code units of a name, a label, a source. */
  static final int NAME = 256;
  static final int LABELS = 32;
  static final int BUCKETS = 4096;
  static final int QUANTILES = 32;
  /** Integers up to here are exact as a double, and in JavaScript. */
  static final long EXACT = 1L << 53;
  /** How far ahead of the producer's clock a window may end, milliseconds. */
  static final long AHEAD = 24 * 3600 * 1000L;
}
