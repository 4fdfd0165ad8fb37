"""The totals of a capture, the straightforward way: json for each line, a loop over each map.

What `deno task bench:convert` is compared with. It makes no windows, which the converter does.
"""
import json, sys
from collections import defaultdict

MASK = (1 << 64) - 1
TIMES = {"@processing", "@before", "@after", "@allocation", "@lease_file_write", "@lease_manager"}
BYTES = {"@received", "@sent"}

def values(maps, name):
    value = maps.get(name, {})
    return value if isinstance(value, dict) else {"": value}

times = defaultdict(lambda: defaultdict(lambda: [0, 0, None, None]))
counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
others = defaultdict(lambda: defaultdict(int))
cpu = defaultdict(float)
before = None
with open(sys.argv[1]) as lines:
    for line in lines:
        record = json.loads(line)
        if record["type"] != "sample":
            continue
        if before is not None and before["segment"] == record["segment"]:
            for name in record["maps"]:
                earlier = values(before["maps"], name)
                for key, value in values(record["maps"], name).items():
                    difference = (int(value) - int(earlier.get(key, 0))) & MASK
                    if difference == 0:
                        continue
                    if name in TIMES:
                        series, _, bucket = key.rpartition(",")
                        count, time = difference >> 44, difference & ((1 << 44) - 1)
                        tally = times[name, series][int(bucket)]
                        tally[0] += count
                        tally[1] += time
                        if count == 1:
                            tally[2] = time if tally[2] is None else min(tally[2], time)
                            tally[3] = time if tally[3] is None else max(tally[3], time)
                    elif name in BYTES:
                        tally = counts[name][key]
                        tally[0] += difference >> 40
                        tally[1] += difference & ((1 << 40) - 1)
                    else:
                        others[name][key] += difference
        before = record
document = {
    "times": {f"{n} {s}": {b: t for b, t in sorted(v.items())} for (n, s), v in times.items()},
    "counts": counts,
    "others": others,
}
json.dump(document, sys.stdout)
