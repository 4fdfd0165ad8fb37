package kea.hollow.model;

import com.netflix.hollow.core.write.objectmapper.HollowInline;
import com.netflix.hollow.core.write.objectmapper.HollowPrimaryKey;
import java.util.List;

/**
 * One series of one server in one window: what a consumer reads. Fields that the kind of the series
 * does not have are null, lists are empty.
 */
@HollowPrimaryKey(fields = {"server", "metric", "series.key", "windowStart"})
public final class MetricWindow {
  @HollowInline public String server;
  @HollowInline public String metric;
  public Series series;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  public long windowStart;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  public long windowEnd;
  /** The sender. */
  @HollowInline public String source;

  /** Of a counter: what was added in the window. Of a gauge: the newest value. */
  @HollowInline public Double value;
  /** Of a gauge. */
  @HollowInline public Double mean;
  /** Of a gauge or a histogram. */
  @HollowInline public Double min;
  @HollowInline public Double max;
  /** Of a histogram: whether min and max occurred; else they are bounds of the outer buckets. */
  @HollowInline public Boolean exact;
  /** Of a histogram: the sum of the counts of its buckets. */
  @HollowInline public Long count;
  @HollowInline public Double sum;
  /** Of a histogram, ascending. */
  public List<Bucket> buckets;
  public List<Quantile> quantiles;
}
