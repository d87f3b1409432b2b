# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the text format of Prometheus, and refuses what is none."""

import re

SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+]?(?:[0-9.]+(?:e[-+]?\d+)?|Inf)|NaN)')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
TYPES = {"counter", "gauge", "histogram"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Metrics:
    """The samples of a file, by name and labels."""

    def __init__(self, text):
        self.types, self.helps, self.samples = {}, {}, {}
        if not text.endswith("\n"):
            raise ValueError("the last line is torn")
        current = None
        for line in text.splitlines():
            if line.startswith("# "):
                _, kind, current, value = line.split(" ", 3)
                self.describe(kind, current, value)
            elif line:
                self.add(current, line)
        self.check_histograms()

    def describe(self, kind, name, value):
        """A HELP or TYPE line: one each, before the samples."""
        into = {"HELP": self.helps, "TYPE": self.types}[kind]
        if name in into or any(sample[0] == name for sample in self.samples):
            raise ValueError(f"{kind} of {name} comes twice, or too late")
        if kind == "TYPE" and value not in TYPES:
            raise ValueError(f"{name} is a {value}")
        into[name] = value

    def add(self, family, line):
        """A sample of the family that was described last."""
        found = SAMPLE.fullmatch(line)
        if not found:
            raise ValueError(f"no sample: {line}")
        name, text, value = found.groups()
        names = [f"{family}{suffix}" for suffix in SUFFIXES.get(self.types.get(family), ("",))]
        if name not in names or family not in self.helps:
            raise ValueError(f"{name} was not described")
        if self.types[family] == "counter" and not name.endswith("_total"):
            raise ValueError(f"{name} is a counter by another name")
        labels = LABEL.findall(text or "")
        if ",".join(f'{label}="{content}"' for label, content in labels) != (text or ""):
            raise ValueError(f"no labels: {line}")
        key = (name, frozenset((label, re.sub(r"\\.", lambda part: ESCAPES[part.group()], content))
                               for label, content in labels))
        if key in self.samples:
            raise ValueError(f"{line} is there twice")
        self.samples[key] = float(value)

    def check_histograms(self):
        """Buckets grow, and the last one has all."""
        for (name, labels), count in list(self.samples.items()):
            family = name.removesuffix("_count")
            if self.types.get(family) != "histogram" or family == name:
                continue
            buckets = sorted((float(dict(own)["le"]), value)
                             for (bucket, own), value in self.samples.items()
                             if bucket == family + "_bucket"
                             and own - {("le", dict(own)["le"])} == labels)
            counts = [value for _, value in buckets]
            if counts != sorted(counts) or buckets[-1] != (float("inf"), count):
                raise ValueError(f"the histogram {family}{dict(labels)} is wrong: {buckets}")

    def value(self, name, **labels):
        """Of the sample with exactly these labels."""
        return self.samples[name, frozenset(labels.items())]

    def labels_of(self, name, **labels):
        """The labels of the only sample that has at least these."""
        (found,) = [own for sample, own in self.samples
                    if sample == name and own >= frozenset(labels.items())]
        return dict(found)
