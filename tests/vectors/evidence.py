"""A second verifier of evidence, written from docs/spec/evidence.md: form, signatures, paths, and the judge."""

import base64
import json

import ed25519
from bundle import Key, open_signed, unbase64, verify_inclusion
from events import demand
from formats import leaf_hash, merkle_root, sha256
from replay import State

HEAD = b"labelproof-state/v1\n"


# --- the form ---------------------------------------------------------------


def parse(text):
    """Claim, origin, and the lines that carry statements, as (word, bytes)."""
    demand(text.endswith("\n"), "last line")
    *lines, last = text[:-1].split("\n")
    sealed = "".join(line + "\n" for line in lines)
    demand(last == "sha256 " + sha256(sealed.encode()).hex(), "digest")
    demand(lines.pop(0) == "labelproof-evidence/v1", "first line")
    claim = lines.pop(0).removeprefix("claim ")
    origin = lines.pop(0).removeprefix("origin ")
    words = [line.split(" ", 1)[0] for line in lines]
    data = [unbase64(line.split(" ", 1)[1]) for line in lines]
    if claim == "fork":
        paths = len(words) - 3
        demand(words in (["note"] * 2, ["note"] * 2 + ["root"] + ["path"] * paths), "lines of a fork")
    else:
        demand(words == ["proof"] * {"back-dated": 2, "wrong-head": 1, "bad-entry": 1}[claim], "lines")
    return claim, origin, data


def open_checkpoint(note, trusted):
    text, signatures = open_signed(note)
    body, log = text.split("\n"), Key(trusted["log"])
    demand(body[0] == trusted["origin"], "origin")
    demand(ed25519.verify(log.public, text.encode(), signatures[log.name, log.id]), "log")
    return int(body[1]), unbase64(body[2])


class Entry:
    """An entry under a checkpoint that the log signed."""

    def __init__(self, proof, trusted):
        parts, note = proof.decode().split("\n\n", 1)
        first, extra, index, *path = parts.split("\n")
        demand(first == "c2sp.org/tlog-proof@v1", "tlog-proof")
        self.bytes = unbase64(extra.removeprefix("extra "))
        self.index = int(index.removeprefix("index "))
        self.path = [unbase64(line) for line in path]
        self.size, root = open_checkpoint(note, trusted)
        verify_inclusion(self.size, self.index, leaf_hash(self.bytes), self.path, root)

    def left(self):
        """The hashes of the path that are left of the entry, largest subtree first."""
        node, last, left = self.index, self.size - 1, []
        for side in self.path:
            if node & 1 or node == last:
                left.insert(0, side)
                while not node & 1 and node:
                    node, last = node >> 1, last >> 1
            node, last = node >> 1, last >> 1
        return left


# --- the claims -------------------------------------------------------------


def verify_consistency(old, old_root, new, new_root, path):
    """RFC 9162, section 2.1.4.2."""
    demand(0 < old < new, "sizes")
    if old & (old - 1) == 0:
        path = [old_root] + path
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    one = other = path[0]
    for side in path[1:]:
        demand(last > 0, "path too long")
        if node & 1 or node == last:
            one, other = sha256(b"\x01" + side + one), sha256(b"\x01" + side + other)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            other = sha256(b"\x01" + other + side)
        node, last = node >> 1, last >> 1
    demand(last == 0 and one == old_root and other == new_root, "consistency")


def fork(data, trusted):
    (small, root_small), (large, root_large) = (
        open_checkpoint(note.decode(), trusted) for note in data[:2]
    )
    if len(data) == 2:
        return small == large and root_small != root_large
    verify_consistency(small, data[2], large, root_large, data[3:])
    return data[2] != root_small


def back_dated(one, other):
    clocks = []
    for entry in (one, other):
        lines = entry.bytes.decode().split("\n")
        demand(entry.bytes.startswith(HEAD) and int(lines[3]) == entry.index, "head")
        clocks.append(int(lines[8]))
    return one.index < other.index and clocks[0] > clocks[1]


def frontier(leaves):
    """The roots of the perfect subtrees, left to right."""
    roots = []
    while leaves:
        width = 1 << (len(leaves).bit_length() - 1)
        roots.append(merkle_root(leaves[:width]))
        leaves = leaves[width:]
    return roots


def judge(claim, entry, entries):
    """Whether the entry breaks the rules, after the entries before it."""
    demand(entry.index > 0 and len(entries) == entry.index, "entries")
    demand(frontier([leaf_hash(e) for e in entries]) == entry.left(), "other entries")
    demand(entry.bytes.startswith(HEAD) == (claim == "wrong-head"), "claim")
    state = State(entries[0])
    for before in entries[1:]:
        state.entry(before)
    if claim == "bad-entry":
        refused = state.entry(entry.bytes) != "accepted"
        return refused or entry.index == entry.size - 1
    # The clock is the log's word: the head before gives one that cannot run back.
    *lines, clock, end = entry.bytes.decode().split("\n")
    if not clock.isdigit() or len(lines) != 8 or end:
        return True
    try:
        state.head("\n".join([*lines, str(state.clock), ""]).encode())
        return False
    except AssertionError:
        return True


def verify(text, trusted, entries):
    """Whether a file proves what it claims."""
    claim, origin, data = parse(text)
    demand(origin == trusted["origin"], "origin")
    if claim == "fork":
        return fork(data, trusted)
    opened = [Entry(proof, trusted) for proof in data]
    if claim == "back-dated":
        return back_dated(*opened)
    return judge(claim, opened[0], entries[: opened[0].index])


def check(path):
    """Judges every file by the entries of history.json; and that no file with a character changed proves anything."""
    trusted, wrong, refused = json.loads(path.read_text()), [], 0
    history = json.loads((path.parent / "history.json").read_text())
    entries = [base64.b64decode(line["entry"]) for line in history]
    for vector in trusted["evidence"]:
        if verify(vector["file"], trusted, entries) != vector["proven"]:
            wrong.append("%s: %s" % (path.name, vector["what"]))
        text = vector["file"]
        for at in range(0, len(text), 7):
            other = "B" if text[at] == "A" else "A"
            try:
                parse(text[:at] + other + text[at + 1 :])
                wrong.append("%s: %s, changed at %d" % (path.name, vector["what"], at))
            except Exception:
                refused += 1
    print("%s: %d files judged, %d changed ones refused" % (path.name, len(trusted["evidence"]), refused))
    return wrong
