#!/usr/bin/env python3
"""A second implementation of the state of a log, written from docs/spec/state.md alone.

    make.py            writes the vectors beside this file
    make.py --check    says whether the committed vectors equal what it makes, whether the example
                       of the specification does, and whether every state head of history.json,
                       a log that the Rust code wrote, is what its own state function gives, and
                       whether every bundle of bundles.json proves what stands beside it, and
                       every file of evidence.json what it says

Standard library only. Nothing here is shared with the Rust code: where the two agree,
the specification suffices; where they do not, one of the three is wrong.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True

import bundle
import ed25519
import evidence
import replay
from formats import NONE, b64, canonical_id, chain, index_record, leaf_hash, list_chunks
from formats import list_root, map_key, map_leaf, map_proof, map_root, merkle_path, sha256
from formats import state_head, state_record, u32, u64, varint

HERE = pathlib.Path(__file__).resolve().parent


# --- vectors ----------------------------------------------------------------


def noise(seed, size):
    """Bytes that look random and are the same for ever."""
    out = b""
    while len(out) < size:
        out += sha256(seed.encode() + u64(len(out)))
    return out[:size]


def key_vectors():
    names = [
        ("label", ["jp.jc-star", "EX-000123"]),
        ("label", ["jp.jc-sta", "rEX-000123"]),
        ("label", ["us.mark", ":C3:A9"]),
        ("authority", ["label.jp.example"]),
        ("scheme", ["jp.jc-star"]),
        ("product", ["gtin", "09521234001010"]),
        ("about", ["org", "lei:5299000000000EXAMPLE"]),
        ("about", ["label", "jp.jc-star/EX-000123"]),
        ("recognitions", ["GB"]),
        ("territory", ["GB"]),
        ("territory", ["*"]),
        ("feed", ["jp.jc-star", "issued"]),
        ("feed", ["jp.jc-star", "adverse"]),
        ("alias", ["jp.jc-star", "EX-000123"]),
        ("member", ["jp"]),
        ("label", ["a." + "b" * 30, "X" * 384]),
    ]
    return [
        {"type": kind, "fields": fields, "key": map_key(kind, fields).hex()}
        for kind, fields in names
    ]


def id_vectors():
    texts = ["EX-000123", "ex 000 123", "Ex_1.a", "a/b", "a:b", "é", "ß", "\t", "1\u00a02", "ｅ", "İ"]
    return [
        {"rule": rule, "id": text, "canonical": canonical_id(rule, text)}
        for rule in ["upper", "lower", "exact"]
        for text in texts
    ]


def events_of(seed, indices):
    return [(index, noise("leaf %s %d" % (seed, index), 32)) for index in indices]


def record_vectors():
    cases = [
        ("fresh", 1, 0, 0, 0, [2], NONE, NONE),
        ("dated", 1, 2, 0, 0, [2, 3], 1900000000, NONE),
        ("suspended", 2, 1, 2, 0, [7, 300], NONE, NONE),
        ("suspended without effect", 2, 4, 1, 0, [7, 8, 9], NONE, NONE),
        ("superseded", 3, 0, 6, 0, [70000, 70001], 0, 90000),
        ("revoked", 4, 7, 15, 2, [0, 1, 2, 3, 4, 5], 253402300799, NONE),
        ("withdrawn", 5, 0, 5, 0, [9, 2**63], NONE, 0),
        ("lapsed", 6, 0, 12, 0, [9, 11], NONE, NONE),
        ("annulled", 7, 0, 15, 0, [9, 11], NONE, 2**64 - 2),
    ]
    out = []
    for name, status, flags, reason, prior, indices, not_after, successor in cases:
        events = events_of(name, indices)
        record = state_record(status, flags, reason, prior, events, not_after, successor)
        out.append(
            {
                "name": name,
                "status": status,
                "flags": flags,
                "reason": reason,
                "prior": prior,
                "events": [{"index": str(index), "leaf": leaf.hex()} for index, leaf in events],
                "not_after": str(not_after),
                "successor_index": str(successor),
                "chain": chain(events).hex(),
                "record": record.hex(),
            }
        )
    return out


def bad_record_vectors():
    """Each a good record with one thing that no record has."""
    good = bytes.fromhex(record_vectors()[5]["record"])
    out = []

    def bad(why, at, value):
        out.append({"why": why, "record": (good[:at] + value + good[at + len(value) :]).hex()})

    bad("version", 0, b"\x02")
    bad("kind", 1, b"\x02")
    bad("status 0", 2, b"\x00")
    bad("status 8", 2, b"\x08")
    bad("active with a reason", 2, b"\x01")
    bad("flag without meaning", 3, b"\x08")
    bad("reason 16", 4, b"\x10")
    bad("prior 8", 5, b"\x08")
    bad("unused byte 6", 6, b"\x01")
    bad("unused byte 7", 7, b"\x01")
    bad("first after last", 8, u64(6))
    bad("no event", 24, u32(0))
    bad("one event at two indices", 24, u32(1))
    bad("more events than indices", 24, u32(7))
    bad("unused word", 28, u32(1))
    bad("after the year 9999", 32, u64(253402300800))
    out.append({"why": "short", "record": good[:-1].hex()})
    out.append({"why": "long", "record": (good + b"\x00").hex()})
    out.append({"why": "zeroed", "record": bytes(80).hex()})
    return out


def index_record_vectors():
    out = []
    for indices in [[0], [2, 9], [2, 9, 11], list(range(5, 5 + 13)), [2**40, 2**41]]:
        events = events_of("index", indices)
        out.append(
            {
                "events": [{"index": str(index), "leaf": leaf.hex()} for index, leaf in events],
                "record": index_record(events).hex(),
            }
        )
    return out


def map_vectors():
    out = []
    shapes = [0, 1, 2, 3, 8, 40]
    for size in shapes:
        records = {}
        for number in range(size):
            key = bytearray(noise("key %d %d" % (size, number), 32))
            # Every third key shares a long start with others, so that deep bits part them.
            if number % 3 == 0:
                key[:30] = bytes(30)
            records[bytes(key)] = noise("record %d %d" % (size, number), [80, 56, 0, 200][number % 4])
        asked = sorted(records) + [noise("absent %d" % number, 32) for number in range(4)]
        asked.append(bytes(31) + b"\x01")
        out.append(
            {
                "records": [[key.hex(), records[key].hex()] for key in records],
                "root": map_root(records).hex(),
                "proofs": [map_proof(records, key) for key in asked],
            }
        )
    # A path of 256 siblings: one key for each bit in which it differs from zero.
    deep = {bytes(32): b"zero"}
    for bit in range(256):
        deep[(1 << (255 - bit)).to_bytes(32, "big")] = bytes([bit])
    out.append(
        {
            "records": [[key.hex(), deep[key].hex()] for key in deep],
            "root": map_root(deep).hex(),
            "proofs": [map_proof(deep, bytes(32))],
        }
    )
    return out


def list_vectors():
    cases = [
        (1, {}),
        (1, {0: 1}),
        (6, {0: 1, 1: 1, 2: 2, 4: 2, 5: 3}),
        (65536, {65535: 3}),
        (65537, {65536: 2}),
        (5 * 65536 - 7, {index: 1 + index % 3 for index in range(0, 5 * 65536 - 7, 997)}),
    ]
    out = []
    for length, codes in cases:
        leaves = [leaf_hash(chunk) for chunk in list_chunks(length, codes)]
        out.append(
            {
                "length": length,
                "codes": [[index, code] for index, code in codes.items()],
                "root": list_root(length, codes).hex(),
                "leaves": [leaf.hex() for leaf in leaves],
                "paths": [
                    [side.hex() for side in merkle_path(leaves, number)]
                    for number in range(len(leaves))
                ],
            }
        )
    return out


def head_vectors():
    out = []
    for origin, n, issues, clock_ms in [
        ("labels.g7.example", 1, 0, 1775033400123),
        ("labels.g7.example", 4711, 204, 0),
        ("labels.g7.example/2026", 2**64 - 1, 2**64 - 1, 2**64 - 1),
    ]:
        parts = [noise("%s %s %d" % (part, origin, n), 32) for part in ["genesis", "map", "list"]]
        head = state_head(origin, *parts[:1], n, *parts[1:], issues, clock_ms)
        out.append(
            {
                "origin": origin,
                "genesis": parts[0].hex(),
                "n": str(n),
                "map_root": parts[1].hex(),
                "list_root": parts[2].hex(),
                "issues": str(issues),
                "clock_ms": str(clock_ms),
                "head": head,
                "leaf_hash": leaf_hash(head.encode()).hex(),
            }
        )
    return out


def example():
    """The example that opens docs/spec/state.md, line by line."""
    genesis, issue, other, revoke = (
        leaf_hash(b"example %s\n" % word) for word in [b"genesis", b"issue", b"other", b"revoke"]
    )
    name = ["jp.jc-star", "EX-000123"]
    revoked = state_record(4, 0, 2, 1, [(7, issue), (9, revoke)], 1900000000, NONE)
    active = state_record(1, 0, 0, 0, [(8, other)], NONE, NONE)
    key, beside = map_key("label", name), map_key("label", ["jp.jc-star", "EX-000124"])
    records = {key: revoked, beside: active}
    proof = map_proof(records, key)
    absence = map_proof(records, map_key("label", ["jp.jc-star", "EX-000125"]))
    codes = {7: 1}
    head = state_head(
        "labels.g7.example", genesis, 10, map_root(records), list_root(10, codes), 2, 1775033400123
    )

    def in_base64(text):
        return b64(bytes.fromhex(text))

    return [
        "key     " + key.hex(),
        "chain_1 " + chain([(7, issue)]).hex(),
        "chain_2 " + chain([(7, issue), (9, revoke)]).hex(),
        *[revoked[at : at + 16].hex(" ", 8) for at in range(0, 80, 16)],
        "leaf    " + map_leaf(key, revoked).hex(),
        "beside  " + map_leaf(beside, active).hex(),
        "root    " + map_root(records).hex(),
        "record label jp.jc-star EX-000123 " + in_base64(proof["record"]),
        "sib " + in_base64(proof["siblings"][0]),
        "absent label jp.jc-star EX-000125 " + in_base64(absence["other"]),
        "sib " + in_base64(absence["siblings"][0]),
        *head.splitlines(),
    ]


VECTORS = {
    "map_key.json": key_vectors,
    "canonical_id.json": id_vectors,
    "state_record.json": record_vectors,
    "state_record_bad.json": bad_record_vectors,
    "index_record.json": index_record_vectors,
    "map.json": map_vectors,
    "list.json": list_vectors,
    "state_head.json": head_vectors,
}


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    # The two fixed points that both implementations were given.
    zeros = "4465d89da4f7f71b0ce211c9a63e834aa9c869358b85a9a64a9988eea3d6b7f0"
    one = "180ad21e608167129069f8b0bd00d18ab5d76b60afaced550714f110b64c39d1"
    assert list_root(1, {}).hex() == zeros
    assert list_root(1, {0: 1}).hex() == one
    # The signature on which libraries differ (docs/spec/state.md).
    a = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    s = "cdac051ef29d64c1833cafac10f4907436c6a0ae9fafcb61cae765978bb10e0b"
    signature = b"\x01" + bytes(31) + bytes.fromhex(s)
    assert not ed25519.verify(bytes.fromhex(a), b"labelproof-event/v1\n", signature)
    wrong = []
    for name, make in VECTORS.items():
        text = json.dumps(make(), indent=1, ensure_ascii=True) + "\n"
        path = HERE / name
        if not sys.argv[1:]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            wrong.append(name)
    specification = (HERE / "../../docs/spec/state.md").read_text()
    wrong += ["docs/spec/state.md: " + line for line in example() if line not in specification]
    wrong += replay.check(HERE / "history.json")
    wrong += bundle.check(HERE / "bundles.json")
    wrong += evidence.check(HERE / "evidence.json")
    if wrong:
        sys.exit("differ from what the specification says:\n" + "\n".join(wrong))
    print("%d files of vectors %s" % (len(VECTORS), "agree" if sys.argv[1:] else "written"))


if __name__ == "__main__":
    main()
