"""A second verifier of bundles, written from docs/spec/state.md: form, quorum, head, map, replay, cut-offs."""

import base64
import json

import ed25519
from events import Event, demand
from formats import b64, bit_of, canonical_id, leaf_hash, map_inner, map_key, map_leaf
from formats import sha256, varint
from replay import Label, State


def unbase64(text):
    data = base64.b64decode(text, validate=True)
    demand(b64(data) == text, "base64")
    return data


# --- the form ---------------------------------------------------------------


class Bundle:
    """Entries, records and absences, and the proof at the end; no pack, no chunks."""

    def __init__(self, text):
        body, proof = text.split("\n\n", 1)
        lines = body.split("\n")
        demand(lines.pop(0) == "labelproof-bundle/v1", "first line")
        self.entries, self.answers = [], []
        while lines and lines[0].startswith("entry "):
            _, index, data = lines.pop(0).split(" ")
            demand(not lines or not lines[0].startswith("path "), "path beside a chain")
            self.entries.append((int(index), unbase64(data)))
        demand(sorted({index for index, _ in self.entries}) == [e[0] for e in self.entries], "order")
        while lines:
            word, kind, *fields = lines.pop(0).split(" ")
            demand(word in ["record", "absent"], "word")
            data, siblings = fields.pop(), []
            while lines and lines[0].startswith("sib "):
                siblings.append(unbase64(lines.pop(0)[4:]))
            data = b"" if data == "-" else unbase64(data)
            self.answers.append((word, kind, fields, data, siblings))
        parts, self.note = proof.split("\n\n", 1)
        head, index, *path = parts.split("\n")
        demand(head == "c2sp.org/tlog-proof@v1", "tlog-proof")
        self.index = int(index.removeprefix("index "))
        self.path = [unbase64(line) for line in path]
        demand(self.entries[-1][0] == self.index, "head")


# --- checkpoint and quorum --------------------------------------------------


class Key:
    def __init__(self, text):
        self.name, key_id, data = text.split("+", 2)
        self.id, data = bytes.fromhex(key_id), base64.b64decode(data)
        self.type, self.public = data[0], data[1:]


def open_checkpoint(note, trusted):
    """The tree size, the root and as_of of a checkpoint with log key and quorum."""
    gap = note.rindex("\n\n")
    text, signatures = note[: gap + 1], {}
    for line in note[gap + 2 :].split("\n")[:-1]:
        _, name, data = line.split(" ")
        data = unbase64(data)
        demand((name, data[:4]) not in signatures, "line twice")
        signatures[name, data[:4]] = data[4:]
    body = text.split("\n")
    demand(len(body) == 4 and body[0] == trusted["origin"], "three lines of this log")
    log = Key(trusted["log"])
    demand(ed25519.verify(log.public, text.encode(), signatures[log.name, log.id]), "log")
    times = []
    for witness in map(Key, trusted["witnesses"]):
        line = signatures.get((witness.name, witness.id))
        if line is None:
            continue
        time = int.from_bytes(line[:8], "big")
        message = "cosignature/v1\ntime %d\n%s" % (time, text)
        demand(ed25519.verify(witness.public, message.encode(), line[8:]), "cosignature")
        if 0 < time < 2**63 and time <= trusted["now"] + 300:
            times.append(time)
    demand(len(times) >= trusted["quorum"], "quorum")
    as_of = sorted(times, reverse=True)[trusted["quorum"] - 1]
    return int(body[1]), unbase64(body[2]), as_of


def verify_inclusion(size, index, leaf, path, root):
    """RFC 9162, section 2.1.3.2."""
    demand(index < size, "index")
    node, last, found = index, size - 1, leaf
    for side in path:
        demand(last > 0, "path too long")
        if node & 1 or node == last:
            found = sha256(b"\x01" + side + found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = sha256(b"\x01" + found + side)
        node, last = node >> 1, last >> 1
    demand(last == 0 and found == root, "inclusion")


# --- the map ----------------------------------------------------------------


def take_varint(data):
    value = shift = used = 0
    while True:
        value |= (data[used] & 0x7F) << shift
        shift += 7
        used += 1
        if data[used - 1] < 0x80:
            break
    demand(varint(value) == data[:used], "varint")
    return value, data[used:]


def check_answer(root, word, key, data, siblings):
    if word == "absent":
        if not data:
            demand(not siblings and root == sha256(b""), "empty map")
            return
        length, rest = take_varint(data)
        other, rest = rest[:length], rest[length:]
        length, record = take_varint(rest)
        demand(len(other) == 32 and length == len(record) and other != key, "other leaf")
    else:
        other, record = key, data
    found, below = map_leaf(other, record), 256
    for sibling in siblings:
        bit, side = take_varint(sibling)
        demand(bit < below and len(side) == 32, "sibling")
        demand(bit_of(other, bit) == bit_of(key, bit), "neighbour")
        below = bit
        pair = (side, found) if bit_of(other, bit) else (found, side)
        found = map_inner(bit, *pair)
    demand(found == root, "map root")


# --- authenticity -----------------------------------------------------------


class Part(State):
    """The state function over some subjects: what lies outside of them is not judged."""

    whole = False


def verify(text, trusted):
    """Everything a bundle proves: its answers by (type, fields), the replayed state, and as_of."""
    bundle = Bundle(text)
    size, root, as_of = open_checkpoint(bundle.note, trusted)
    demand(bundle.index == size - 1, "events after the head are hidden")
    head = bundle.entries[-1][1]
    verify_inclusion(size, bundle.index, leaf_hash(head), bundle.path, root)
    lines = head.decode().split("\n")
    demand(lines[0] == "labelproof-state/v1" and len(lines) == 10, "head")
    demand(lines[1] == trusted["origin"] and lines[2] == trusted["genesis"], "other log")
    demand(int(lines[3]) == bundle.index and lines[7] == "state/0.2", "head")
    records = {}
    for word, kind, fields, data, siblings in bundle.answers:
        name = (kind, *fields)
        demand(name not in records, "answered twice")
        check_answer(unbase64(lines[4]), word, map_key(kind, fields), data, siblings)
        records[name] = data if word == "record" else None
    state = replay(bundle, records, trusted) if any(records.values()) else None
    return records, state, as_of


def replay(bundle, records, trusted):
    (index, genesis), *entries = bundle.entries[:-1]
    demand(index == 0 and b64(leaf_hash(genesis)) == trusted["genesis"], "genesis")
    state = Part(genesis)
    for index, entry in entries:
        state.next = index
        state.event(Event(entry), leaf_hash(entry))
    state.events = {index: Event(entry) for index, entry in bundle.entries[:-1]}
    subjects = {("member", name): subject for name, subject in state.members.items()}
    subjects |= {("scheme", name): subject for name, subject in state.schemes.items()}
    subjects |= {("authority", name): one for name, one in state.authorities.items()}
    subjects |= {("label", *name): subject for name, subject in state.labels.items()}
    vouched, needed = set(), set()
    for name, record in records.items():
        if record is not None:
            subject = subjects[name]
            if name[0] == "scheme":
                proved = int.from_bytes(record[40:48], "big")
                demand(subject.cut is None or proved <= subject.cut, "scheme's cut")
                subject.cut = None if proved == 2**64 - 1 else proved
            demand(subject.record() == record, "record of %s" % " ".join(name))
            vouched |= {index for index, _ in subject.events}
    demand(vouched == {index for index, _ in bundle.entries[:-1]}, "unused entry")
    for name in state.schemes:
        needed |= {("scheme", name), ("member", name.split(".")[0])}
    for name, authority in state.authorities.items():
        needed |= {("authority", name), ("member", authority.body["member"])}
    demand(all(records.get(name) is not None for name in needed), "dependency")
    return state


GRANTS = ["label.renew", "label.amend", "label.bind", "label.reinstate"]


def cut_off(state, name):
    """What the cuts leave of a label."""
    label, scheme = state.labels[name], state.schemes[name[0]]
    if scheme.cut is None or scheme.cut > label.events[-1][0]:
        return "out of reach"
    left_out, falls, rest = [], False, None
    for index, _ in label.events:
        event = state.events[index]
        believed, with_all = state.signers_of(event, index), False
        own_issue = event.kind == "label.issue" and state.label_name(*event.name) == name
        if own_issue or event.kind in GRANTS:
            lab = event.body.get("lab")
            named = {who for who, _ in believed} | ({lab} if lab else set())
            with_all = any(state.authorities[who].effect == "all" for who in named)
            lab_stands = lab is None or stands(state.authorities[lab], None, index)
            believed = [
                (who, public)
                for who, public in believed
                if lab_stands and stands(state.authorities[who], public, index)
            ]
        try:
            rest = advance(state, name, rest, event, index, [who for who, _ in believed], own_issue)
        except Exception:
            left_out.append(index)
            falls = falls or with_all
    if not left_out:
        return "nothing left out"
    return {
        "left_out": left_out,
        "remaining": rest.status if rest else None,
        "covers": covers(rest) if rest else None,
        "falls": falls,
    }


def covers(label):
    return {
        "valid_until": None if label.not_after == 2**64 - 1 else label.not_after,
        "gtins": sorted(label.gtins),
        "models": sorted(model["number"] for model in label.models),
        "aliases": sorted(label.aliases),
    }


def stands(authority, public, index):
    """Whether an authority, and the key with which it signed, are believed at an index."""
    cuts = [key.cut for key in authority.keys if key.vkey.public == public and key.cut is not None]
    if authority.effect == "all":
        cuts.append(0)
    if isinstance(authority.effect, dict):
        cuts.append(authority.effect["suspect_from"])
    return all(index < cut for cut in cuts)


def advance(state, name, rest, event, index, signers, own_issue):
    scheme = name[0]
    if own_issue:
        issuers = [w for w in signers if state.authorities[w].may_issue(scheme, event.body)]
        demand(issuers, "issuer")
        return Label(issuers[0], event.body, state.schemes[scheme].body)
    if rest is None:
        demand(event.kind not in GRANTS, "nothing to give to")
        return None
    if event.kind == "label.issue":
        rest.step(event, index, "supersede", False)
        return rest
    supervises = state.check_power(event, index, signers, rest)
    rest.step(event, index, event.kind.split(".")[1], supervises)
    return rest


# --- the vectors ------------------------------------------------------------


def found(records, state, subject):
    """What was proved of a subject, as bundles.json says it."""
    if "/" not in subject:
        kind, name = subject.split(":")
        record = records[kind, name]
        if record is None:
            return {"status": "absent"}
        tables = {"authority": "authorities", "scheme": "schemes", "member": "members"}
        one = getattr(state, tables[kind])[name]
        return {"status": one.status, "events": [index for index, _ in one.events]}
    scheme, native = subject.split("/", 1)
    if records["scheme", scheme] is None:
        return {"status": "absent"}
    rule = state.schemes[scheme].body["id_rule"]
    name = (scheme, canonical_id(rule, native))
    if records[("label", *name)] is None:
        return {"status": "absent"}
    label = state.labels[name]
    return {
        "status": label.status,
        "reason": label.reason,
        "issuer": label.issuer,
        "events": [index for index, _ in label.events],
        "cut": cut_off(state, name),
    }


def check(path):
    """Verifies every bundle; and that a small one with a character changed proves nothing else."""
    trusted, wrong, changed = json.loads(path.read_text()), [], 0
    for vector in trusted["bundles"]:
        records, state, as_of = verify(vector["bundle"], trusted)
        ours = found(records, state, vector["subject"])
        if ours != vector["found"] or as_of != vector["as_of"]:
            wrong.append("%s: %s is %s, not %s" % (path.name, vector["subject"], ours, vector))
    small = next(v for v in trusted["bundles"] if v["subject"] == "fr.mark/no-scheme")
    for at in range(0, len(small["bundle"]), 19):
        text = small["bundle"]
        other = "B" if text[at] == "A" else "A"
        try:
            records, state, as_of = verify(text[:at] + other + text[at + 1 :], trusted)
            # A cosigner whose line became a stranger's counts no more: as_of may be older, never newer.
            ours = found(records, state, small["subject"])
            if ours != small["found"] or as_of > small["as_of"]:
                wrong.append("%s: a change at %d gives another answer" % (path.name, at))
        except Exception:
            changed += 1
    count = len(trusted["bundles"])
    print("%s: %d bundles verified, %d changed ones refused" % (path.name, count, changed))
    return wrong
