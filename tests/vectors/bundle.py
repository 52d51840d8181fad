"""A second verifier of bundles, written from docs/spec/bundle.md: form, quorum, head, map, replay, cut-offs."""

import base64
import json

import ed25519
from events import Event, demand
from formats import b64, bit_of, canonical_id, leaf_hash, map_inner, map_key, map_leaf
from formats import chain, index_record, sha256, u32, u64, varint
from replay import STATUS, Label, State


def unbase64(text):
    data = base64.b64decode(text, validate=True)
    demand(b64(data) == text, "base64")
    return data


# --- the form ---------------------------------------------------------------


class Bundle:
    """Entries, records and absences, and the proof at the end; no chunks. A pack has a tree."""

    def __init__(self, text):
        body, proof = text.split("\n\n", 1)
        lines = body.split("\n")
        demand(lines.pop(0) == "labelproof-bundle/v1", "first line")
        self.entries, self.answers, self.tree = [], [], []
        while lines and lines[0].startswith("entry "):
            _, index, data = lines.pop(0).split(" ")
            demand(not lines or not lines[0].startswith("path "), "path beside a chain")
            self.entries.append((int(index), unbase64(data)))
        demand(sorted({index for index, _ in self.entries}) == [e[0] for e in self.entries], "order")
        while lines and lines[0].split(" ")[0] in ["node", "cut", "leaf", "other"]:
            self.tree.append(lines.pop(0).split(" "))
        while self.tree and lines:
            word, kind, *fields = lines.pop(0).split(" ")
            demand(word in ["record", "absent"], "word")
            data = unbase64(fields.pop()) if word == "record" else b""
            self.answers.append((word, kind, fields, data, []))
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


def open_signed(note):
    """The text of a note, and its signatures by name and key id."""
    gap = note.rindex("\n\n")
    text, signatures = note[: gap + 1], {}
    for line in note[gap + 2 :].split("\n")[:-1]:
        _, name, data = line.split(" ")
        data = unbase64(data)
        demand((name, data[:4]) not in signatures, "line twice")
        signatures[name, data[:4]] = data[4:]
    return text, signatures


def open_checkpoint(note, trusted):
    """The tree size, the root and as_of of a checkpoint with log key and quorum."""
    text, signatures = open_signed(note)
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


def check_pack(root, bundle):
    """The pruned tree shows exactly the records and absences, and has the map's root."""
    records = [(map_key(a[1], a[2]), a[3]) for a in bundle.answers if a[0] == "record"]
    absent = [map_key(a[1], a[2]) for a in bundle.answers if a[0] == "absent"]
    words = [answer[0] for answer in bundle.answers]
    demand(words == sorted(words, reverse=True), "records before absences")
    for keys in [[key for key, _ in records], absent]:
        demand(sorted(set(keys)) == keys, "ascending keys")
    tokens, leaves, seen = iter(bundle.tree), iter(records), []

    def side(above, wanted):
        word, *rest = next(tokens)
        if word == "node":
            bit = int(rest[0])
            demand(str(bit) == rest[0] and bit < 256, "bit")
            demand(not above or above[-1][0] < bit, "bits increase")
            zeros = [key for key in wanted if not bit_of(key, bit)]
            ones = [key for key in wanted if bit_of(key, bit)]
            left, left_is_cut = side(above + [(bit, 0)], zeros)
            right, right_is_cut = side(above + [(bit, 1)], ones)
            demand(not (left_is_cut and right_is_cut), "unused node")
            return map_inner(bit, left, right), False
        if word == "cut":
            demand(not wanted, "walk ends at a cut")
            return unbase64(rest[0]), True
        if word == "leaf":
            demand(not rest, "leaf")
            key, record = next(leaves)
        else:
            demand(wanted, "unused leaf")
            length, data = take_varint(unbase64(rest[0]))
            key, data = data[:length], data[length:]
            length, record = take_varint(data)
            demand(len(key) == 32 and length == len(record), "other leaf")
        demand(all(bool(bit_of(key, bit)) == bool(way) for bit, way in above), "place")
        demand(not seen or seen[-1] < key, "order of leaves")
        demand(key not in wanted, "absent key has a leaf")
        seen.append(key)
        return map_leaf(key, record), False

    found, is_cut = side([], absent)
    demand(not is_cut and found == root, "map root")
    demand(next(tokens, None) is None and next(leaves, None) is None, "unused")


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
        if not bundle.tree:
            check_answer(unbase64(lines[4]), word, map_key(kind, fields), data, siblings)
        records[name] = data if word == "record" else None
    if bundle.tree:
        check_pack(unbase64(lines[4]), bundle)
    state = replay(bundle, records, trusted) if any(records.values()) else None
    return records, state, as_of


class Issued:
    """A label of a pack without its history: who issued it, and its first and newest event here."""

    def __init__(self, issuer, event, index):
        self.issuer, self.event, self.first, self.newest = issuer, event, index, index


def alone(state, event, index, name):
    """Judges an event of such a label by who signed it."""
    demand(event.origin == state.origin, "origin")
    signers = [who for who, _ in state.signers_of(event, index)]
    if event.kind == "label.issue":
        issuers = [w for w in signers if state.authorities[w].may_issue(name[1], event.body)]
        demand(issuers and name not in state.excerpts and event.prev is None, "issue")
        state.check_body(event, index)
        state.excerpts[name] = Issued(issuers[0], event, index)
    else:
        demand(name in state.excerpts, "issue before all else")
        state.check_power(event, index, signers, state.excerpts[name])
        state.excerpts[name].newest = index


def labels_of(event, rules):
    """The labels in whose history an event counts: its own, and one that it supersedes."""
    if not event.kind.startswith("label."):
        return []
    named = [event.name]
    if event.kind == "label.issue" and "supersedes" in event.body:
        named.append(event.body["supersedes"].split("/", 1))
    return [("label", s, canonical_id(rules[s], native)) for s, native in named if s in rules]


def has_history(record, events):
    return events and record[8:28] == u64(events[0][0]) + u64(events[-1][0]) + u32(
        len(events)
    ) and record[48:] == chain(events)


def excerpts_of(records, events, rules):
    """The labels whose whole history is not there."""
    histories = {}
    for index, event, leaf in events:
        for name in labels_of(event, rules):
            histories.setdefault(name, []).append((index, leaf))
    labels = [(n, r) for n, r in records.items() if n[0] == "label" and r is not None]
    return {n for n, r in labels if not has_history(r, histories.get(n, []))}


def replay(bundle, records, trusted):
    (index, genesis), *entries = bundle.entries[:-1]
    demand(index == 0 and b64(leaf_hash(genesis)) == trusted["genesis"], "genesis")
    state = Part(genesis)
    state.excerpts = {}
    events = [(index, Event(entry), leaf_hash(entry)) for index, entry in entries]
    defines = [event for _, event, _ in events if event.kind == "scheme.define"]
    rules = {event.name: event.body["id_rule"] for event in defines}
    excerpts = excerpts_of(records, events, rules) if bundle.tree else set()
    for index, event, leaf in events:
        state.next = index
        names = labels_of(event, rules)
        demand(not excerpts.intersection(names[1:]), "excerpt that is superseded here")
        if names and names[0] in excerpts:
            alone(state, event, index, names[0])
            if not any(records.get(n) is not None and n not in excerpts for n in names[1:]):
                state.enter(event, index, leaf)
                continue
        state.event(event, leaf)
    state.events = {0: Event(genesis)} | {index: event for index, event, _ in events}
    subjects = {("member", name): subject for name, subject in state.members.items()}
    subjects |= {("scheme", name): subject for name, subject in state.schemes.items()}
    subjects |= {("authority", name): one for name, one in state.authorities.items()}
    subjects |= {("label", *name): subject for name, subject in state.labels.items()}
    vouched, needed = set(), set()
    for name, record in records.items():
        if record is None:
            continue
        if name[0] in ["product", "alias"]:
            under = state.indexes[map_key(name[0], list(name[1:]))]
            demand(index_record(under) == record, "index of %s" % " ".join(name))
            needed |= {labels_of(state.events[index], rules)[0] for index, _ in under}
            vouched |= {index for index, _ in under}
        elif name in excerpts:
            issued, cut = state.excerpts[name], records["scheme", name[1]][40:48]
            demand(u64(issued.first) == record[8:16], "issue of an excerpt")
            demand(record[2] == 1, "excerpt that is not active")
            demand(u64(issued.newest) <= record[16:24] < cut, "excerpt that a cut may reach")
        else:
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
        demand(records[("alias", *name)] is None, "printed id")
        return {"status": "absent"}
    label = state.labels[name]
    return {
        "status": label.status,
        "reason": label.reason,
        "issuer": label.issuer,
        "events": [index for index, _ in label.events],
        "cut": cut_off(state, name),
    }


def named(records, state, name):
    """What was proved of a label that an index names, and the events of it that are not believed."""
    record, name = records[name], name[1:]
    excerpt = state.excerpts.get(("label", *name))
    label = excerpt or state.labels[name]
    issue = excerpt.event if excerpt else state.events[label.events[0][0]]
    cut = "out of reach" if excerpt else cut_off(state, name)
    left_out = cut["left_out"] if isinstance(cut, dict) else []
    status = next(word for word, number in STATUS.items() if number == record[2])
    says = {
        "label": "/".join(issue.name),
        "status": status,
        "reason": record[4],
        "issuer": label.issuer,
        "last_index": int.from_bytes(record[16:24], "big"),
        "tainted": bool(left_out),
    }
    return says, left_out


def under(records, state, kind, fields):
    """The labels that an index names, in order, with the events that do."""
    labels = {}
    if records[(kind, *fields)] is not None:
        for index, _ in state.indexes[map_key(kind, fields)]:
            event = state.events[index]
            name = ("label", *state.label_name(*event.name))
            labels.setdefault(name, []).append((index, event.kind))
    return labels


def product(records, state, gtin):
    labels = []
    for name, events in under(records, state, "product", ["gtin", gtin]).items():
        says, left_out = named(records, state, name)
        binding = None
        for index, kind in events:
            before = binding[0] if binding else None
            if kind == "label.unbind":
                binding = ["unbound", index]
            elif before == "bound" or (before == "in doubt" and index in left_out):
                continue
            else:
                binding = ["in doubt" if index in left_out else "bound", index]
        labels.append(says | {"binding": binding})
    return labels


def alias(records, state, scheme, printed):
    if records["scheme", scheme] is None:
        return []
    name = canonical_id(state.schemes[scheme].body["id_rule"], printed)
    own = ("label", scheme, name)
    names = [own] if records[own] is not None else []
    names += [n for n in under(records, state, "alias", [scheme, name]) if n not in names]
    return [named(records, state, n)[0] for n in names]


def check_more(trusted, wrong):
    """Products, printed ids and packs."""
    count = 0
    for vector in trusted["products"]:
        records, state, as_of = verify(vector["bundle"], trusted)
        if product(records, state, vector["gtin"]) != vector["found"] or as_of != vector["as_of"]:
            wrong.append("product %s is another" % vector["gtin"])
        count += 1
    for vector in trusted["aliases"]:
        records, state, _ = verify(vector["bundle"], trusted)
        if alias(records, state, vector["scheme"], vector["printed"]) != vector["found"]:
            wrong.append("printed id %s is another" % vector["printed"])
        count += 1
    for vector in trusted["packs"]:
        records, state, _ = verify(vector["bundle"], trusted)
        for gtin, want in vector["products"].items():
            if product(records, state, gtin) != want:
                wrong.append("product %s is another in a pack" % gtin)
        count += 1
        # An entry, a record or a node less, and the whole is refused.
        lines = vector["bundle"].split("\n")
        for word in ["entry", "record", "leaf", "cut", "absent"]:
            at = max(at for at, line in enumerate(lines) if line.split(" ")[0] == word)
            at -= word == "entry"
            try:
                verify("\n".join(lines[:at] + lines[at + 1 :]), trusted)
                wrong.append("a pack without its line %d is believed" % at)
            except Exception:
                pass
    return count


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
    count = len(trusted["bundles"]) + check_more(trusted, wrong)
    print("%s: %d bundles verified, %d changed ones refused" % (path.name, count, changed))
    return wrong
