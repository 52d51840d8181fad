"""What the document cannot say in a pattern: numbers with a check digit, and signed notes.

LABELPROOF_NOTE names a file with a note that the log has; sending it again changes nothing.
"""

import json
import os

import schemathesis
from hypothesis import strategies as st

note = open(os.environ["LABELPROOF_NOTE"], encoding="utf-8").read()


def with_check_digit(digits):
    weighted = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return digits + str(-weighted % 10)


# GS1's prefix for examples; a number that was given out belongs to somebody.
gtins = st.from_regex(r"0?952[0-9]{9}", fullmatch=True).map(with_check_digit)
schemathesis.openapi.format("gtin", gtins)
qualifiers = st.sampled_from(["10/AB-1", "21/7", "22/2A", "10/AB-1/21/7", "22/2A/10/AB-1/21/7"])
schemathesis.openapi.format("gs1-qualifiers", qualifiers)
schemathesis.openapi.format("signed-note", st.just(note))

subjects = st.one_of(gtins.map(lambda gtin: f"gtin {gtin:0>14}\n"), st.just("label jp.jc-star/EX-1\n"))
schemathesis.openapi.format("pack-subjects", st.lists(subjects, min_size=1, max_size=3, unique=True).map("".join))

lines = st.lists(st.just(json.dumps(note) + "\n"), min_size=1, max_size=3)
schemathesis.openapi.media_type("application/jsonl", lines.map("".join).map(str.encode))
