package kea.hollow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import kea.hollow.model.Bucket;
import kea.hollow.model.Label;
import kea.hollow.model.MetricWindow;
import kea.hollow.model.Quantile;
import kea.hollow.model.Series;

/** Reads a batch from the bytes of a request, strictly: nothing is coerced, ignored or guessed. */
final class BatchReader {
  static final String SCHEMA = "kea-hollow/1";

  private static final JsonMapper JSON = strictMapper();

  private static final Map<Class<?>, String> WORDS =
      Map.of(
          Long.class, "expected an integer",
          Integer.class, "expected an integer",
          BigDecimal.class, "expected a number",
          Boolean.class, "expected true or false",
          String.class, "expected a string",
          List.class, "expected an array",
          ArrayList.class, "expected an array");

  private final Clock clock;

  BatchReader(Clock clock) {
    this.clock = clock;
  }

  private record BatchJson(
      String schema, String source, Long sequence, String batchId, List<RecordJson> records) {}

  private record RecordJson(
      String server,
      String metric,
      Integer family,
      String unit,
      Map<String, String> labels,
      String kind,
      Long windowStart,
      Long windowEnd,
      BigDecimal value,
      BigDecimal mean,
      BigDecimal min,
      BigDecimal max,
      Boolean exact,
      Long count,
      BigDecimal sum,
      List<BucketJson> buckets,
      List<QuantileJson> quantiles) {}

  private record BucketJson(BigDecimal lower, BigDecimal upper, Long count) {}

  private record QuantileJson(
      BigDecimal q, BigDecimal value, BigDecimal lower, BigDecimal upper) {}

  /**
   * Reads a batch.
   *
   * @throws Problem 400 when it is not JSON, 422 with the place when it is not a batch
   */
  Batch read(byte[] body) throws Problem {
    BatchJson json;
    try {
      json = JSON.readValue(body, BatchJson.class);
    } catch (JsonMappingException error) {
      if (error.getCause() instanceof JsonProcessingException cause) throw notJson(cause);
      if (body.length == 0) throw new Problem(400, "Not JSON", "The body is empty");
      throw Problem.unprocessable(placeOf(error) + ": " + expectationOf(error));
    } catch (JsonProcessingException error) {
      throw notJson(error);
    } catch (IOException error) {
      throw new AssertionError("Bytes in memory can be read", error);
    }
    if (json == null) throw Problem.unprocessable("batch: expected an object, found null");
    if (!SCHEMA.equals(json.schema)) {
      throw Problem.unprocessable(
          "schema: expected \"" + SCHEMA + "\", found " + quoted(json.schema));
    }
    String source = name("source", json.source);
    long sequence = integer("sequence", json.sequence);
    String batchId = name("batchId", json.batchId);
    List<RecordJson> records = present("records", json.records);
    if (records.isEmpty()) throw Problem.unprocessable("records: expected at least one");
    if (records.size() > Limits.BATCH_RECORDS) {
      throw new Problem(
          413,
          "Batch too large",
          "%d records, at most %d are accepted at once"
              .formatted(records.size(), Limits.BATCH_RECORDS));
    }
    var windows = new ArrayList<MetricWindow>(records.size());
    Set<List<Object>> keys = new HashSet<>();
    for (int index = 0; index < records.size(); index++) {
      String place = "records[" + index + "]";
      MetricWindow window = window(place, present(place, records.get(index)), source);
      if (!keys.add(
          List.of(window.server, window.metric, window.series.key, window.windowStart))) {
        throw Problem.unprocessable(place + ": another record of the batch has the same key");
      }
      windows.add(window);
    }
    return new Batch(source, sequence, batchId, windows);
  }

  private MetricWindow window(String place, RecordJson json, String source) throws Problem {
    var window = new MetricWindow();
    window.source = source;
    window.server = name(place + ".server", json.server);
    window.metric = name(place + ".metric", json.metric);
    window.series = series(place, json);
    window.windowStart = integer(place + ".windowStart", json.windowStart);
    window.windowEnd = integer(place + ".windowEnd", json.windowEnd);
    if (window.windowEnd <= window.windowStart) {
      throw Problem.unprocessable(place + ".windowEnd: it is not after windowStart");
    }
    if (window.windowEnd > clock.millis() + Limits.AHEAD) {
      throw Problem.unprocessable(
          place + ".windowEnd: it is more than a day ahead of the producer's clock");
    }
    window.buckets = List.of();
    window.quantiles = List.of();
    switch (window.series.kind) {
      case "counter" -> {
        absent(place, "counter", "mean", json.mean, "min", json.min, "max", json.max);
        absentHistogram(place, "counter", json);
        window.value = exact(place + ".value", json.value);
      }
      case "gauge" -> {
        absentHistogram(place, "gauge", json);
        window.value = exact(place + ".value", json.value);
        window.mean = number(place + ".mean", json.mean);
        window.min = number(place + ".min", json.min);
        window.max = number(place + ".max", json.max);
      }
      case "histogram" -> {
        absent(place, "histogram", "value", json.value, "mean", json.mean);
        window.count = integer(place + ".count", json.count);
        // What the source of a histogram does not have is null.
        window.sum = json.sum == null ? null : (Double) exact(place + ".sum", json.sum);
        window.min = number(place + ".min", json.min);
        window.max = number(place + ".max", json.max);
        window.exact = present(place + ".exact", json.exact);
        window.buckets = buckets(place + ".buckets", json.buckets, window.count);
        window.quantiles = quantiles(place + ".quantiles", json.quantiles);
      }
      default ->
          throw Problem.unprocessable(
              place
                  + ".kind: expected counter, gauge or histogram, found "
                  + quoted(window.series.kind));
    }
    return window;
  }

  private static Series series(String place, RecordJson json) throws Problem {
    var series = new Series();
    series.family = json.family;
    if (json.family != null && json.family != 4 && json.family != 6) {
      throw Problem.unprocessable(place + ".family: expected 4, 6 or null");
    }
    series.kind = name(place + ".kind", json.kind);
    series.unit = text(place + ".unit", json.unit);
    Map<String, String> labels = present(place + ".labels", json.labels);
    if (labels.size() > Limits.LABELS) {
      throw Problem.unprocessable(place + ".labels: more than " + Limits.LABELS);
    }
    series.labels = new ArrayList<>(labels.size());
    for (var entry : new TreeMap<>(labels).entrySet()) {
      var label = new Label();
      label.name = name(place + ".labels", entry.getKey());
      label.value = text(place + ".labels." + entry.getKey(), entry.getValue());
      series.labels.add(label);
    }
    series.key = Series.keyOf(series.family, series.unit, labels);
    return series;
  }

  private static List<Bucket> buckets(String place, List<BucketJson> json, long count)
      throws Problem {
    atMost(place, present(place, json), Limits.BUCKETS);
    var buckets = new ArrayList<Bucket>(json.size());
    long sum = 0;
    double least = Double.NEGATIVE_INFINITY;
    for (int index = 0; index < json.size(); index++) {
      String at = place + "[" + index + "]";
      BucketJson from = present(at, json.get(index));
      var bucket = new Bucket();
      bucket.lower = number(at + ".lower", from.lower);
      bucket.upper = number(at + ".upper", from.upper);
      bucket.count = integer(at + ".count", from.count);
      if (bucket.count == 0) throw Problem.unprocessable(at + ".count: expected at least 1");
      if (bucket.lower < least || bucket.upper <= bucket.lower) {
        throw Problem.unprocessable(at + ": buckets are not ascending, or overlap");
      }
      least = bucket.upper;
      sum += bucket.count;
      buckets.add(bucket);
    }
    if (sum != count) {
      throw Problem.unprocessable(
          "%s: their counts are %d in all, count is %d".formatted(place, sum, count));
    }
    return buckets;
  }

  private static List<Quantile> quantiles(String place, List<QuantileJson> json) throws Problem {
    atMost(place, present(place, json), Limits.QUANTILES);
    var quantiles = new ArrayList<Quantile>(json.size());
    for (int index = 0; index < json.size(); index++) {
      String at = place + "[" + index + "]";
      QuantileJson from = present(at, json.get(index));
      var quantile = new Quantile();
      quantile.q = number(at + ".q", from.q);
      if (quantile.q < 0 || quantile.q > 1) {
        throw Problem.unprocessable(at + ".q: expected a number from 0 to 1");
      }
      quantile.value = number(at + ".value", from.value);
      quantile.lower = number(at + ".lower", from.lower);
      quantile.upper = number(at + ".upper", from.upper);
      quantiles.add(quantile);
    }
    return quantiles;
  }

  private static void absentHistogram(String place, String kind, RecordJson json) throws Problem {
    absent(place, kind, "exact", json.exact, "count", json.count, "sum", json.sum);
    absent(place, kind, "buckets", json.buckets, "quantiles", json.quantiles);
  }

  /** Names and values, alternating. */
  private static void absent(String place, String kind, Object... fields) throws Problem {
    for (int index = 0; index < fields.length; index += 2) {
      if (fields[index + 1] == null) continue;
      throw Problem.unprocessable(place + "." + fields[index] + ": a " + kind + " has none");
    }
  }

  private static void atMost(String place, List<?> list, int most) throws Problem {
    if (list.size() > most) throw Problem.unprocessable(place + ": more than " + most);
  }

  private static <T> T present(String place, T value) throws Problem {
    if (value == null) throw Problem.unprocessable(place + ": it is missing");
    return value;
  }

  private static String name(String place, String value) throws Problem {
    if (text(place, value).isEmpty()) throw Problem.unprocessable(place + ": it is empty");
    return value;
  }

  private static String text(String place, String value) throws Problem {
    present(place, value);
    if (value.length() > Limits.NAME) {
      throw Problem.unprocessable(place + ": more than " + Limits.NAME + " characters");
    }
    if (value.codePoints().anyMatch(point -> point >= 0xD800 && point <= 0xDFFF)) {
      throw Problem.unprocessable(place + ": half of a surrogate pair");
    }
    return value;
  }

  /** From 0 to 2^53. */
  private static long integer(String place, Long value) throws Problem {
    present(place, value);
    if (value >= 0 && value <= Limits.EXACT) return value;
    throw Problem.unprocessable(place + ": expected an integer from 0 to 2^53");
  }

  /** A number that a double represents exactly enough. */
  private static double exact(String place, BigDecimal value) throws Problem {
    double number = number(place, value);
    if (Math.abs(number) <= Limits.EXACT) return number;
    throw Problem.unprocessable(place + ": it is beyond 2^53, where numbers are not exact");
  }

  private static double number(String place, BigDecimal value) throws Problem {
    double number = present(place, value).doubleValue();
    if (Double.isFinite(number)) return number;
    throw Problem.unprocessable(place + ": it is too large for a double");
  }

  private static String placeOf(JsonMappingException error) {
    var place = new StringBuilder();
    for (var part : error.getPath()) {
      if (part.getFieldName() == null) place.append('[').append(part.getIndex()).append(']');
      else place.append(place.isEmpty() ? "" : ".").append(part.getFieldName());
    }
    return place.isEmpty() ? "batch" : place.toString();
  }

  private static Problem notJson(JsonProcessingException error) {
    String message = error.getOriginalMessage().lines().findFirst().orElse("").split(": ")[0];
    // If a limit is exceeded, the place is not known.
    var at = error.getLocation();
    String place =
        at == null ? "" : "line %d, column %d: ".formatted(at.getLineNr(), at.getColumnNr());
    return new Problem(400, "Not JSON", place + message);
  }

  /** What Jackson expected, without the names of our classes. */
  private static String expectationOf(JsonMappingException error) {
    if (error instanceof UnrecognizedPropertyException) return "there is no such field";
    Class<?> type = error instanceof MismatchedInputException mismatch ? mismatch.getTargetType() : null;
    return WORDS.getOrDefault(type, type == null ? error.getOriginalMessage().lines().findFirst().orElse("") : "expected an object");
  }

  private static String quoted(String text) {
    if (text == null) return "nothing";
    return '"' + (text.length() > 40 ? text.substring(0, 40) + "..." : text) + '"';
  }

  private static JsonMapper strictMapper() {
    var builder =
        JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(
                DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
                DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS);
    for (var type : LogicalType.values()) {
      if (type == LogicalType.Float) continue;
      builder.withCoercionConfig(
          type,
          config -> {
            for (var shape : CoercionInputShape.values()) {
              config.setCoercion(shape, CoercionAction.Fail);
            }
          });
    }
    return builder.build();
  }
}
