package kea.hollow.model;

import com.netflix.hollow.core.write.objectmapper.HollowInline;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The identity of a series; the same in every window, so it is stored once. */
public final class Series {
  /** Family, unit and sorted labels in one string: see {@link #keyOf}. */
  @HollowInline public String key;
  /** DHCP family, 4 or 6; null where it is not known. */
  @HollowInline public Integer family;
  /** counter, gauge or histogram. */
  @HollowInline public String kind;
  @HollowInline public String unit;
  /** In the order of their names. */
  public List<Label> labels;

  /**
   * {@code family=4,unit=ns,answer=DHCPOFFER,message=DHCPDISCOVER}: labels in the order of their
   * names (UTF-16 code units); a backslash before each backslash, comma and equals sign of a name
   * or a value.
   */
  public static String keyOf(Integer family, String unit, Map<String, String> labels) {
    String identity = "family=" + (family == null ? "" : family) + ",unit=" + escaped(unit);
    return new TreeMap<>(labels)
        .entrySet().stream()
            .map(label -> "," + escaped(label.getKey()) + "=" + escaped(label.getValue()))
            .collect(Collectors.joining("", identity, ""));
  }

  private static String escaped(String text) {
    return text.replaceAll("[\\\\,=]", "\\\\$0");
  }
}
