"""The state function of docs/spec/state.md a second time, and the replay of a log with it."""

import base64
import binascii
import json

import ed25519
from events import Event, Refused, Vkey, demand, seconds
from formats import NONE, canonical_id, index_record, leaf_hash, list_root, map_key, map_root
from formats import state_head, state_record

RULES = "state/0.2"
CODES = {"active": 0, "suspended": 2, "superseded": 3, "revoked": 1}
STATUS = {"active": 1, "suspended": 2, "superseded": 3, "revoked": 4, "withdrawn": 5}


class Subject:
    """What every subject has: its accepted events."""

    def __init__(self):
        self.events, self.ids, self.dated = [], [], False
        self.status, self.reason = "active", 0

    def take(self, event, index, leaf):
        self.events.append((index, leaf))
        self.ids.append(event.id)
        self.dated = self.dated or event.is_dated

    def check_prev(self, event):
        demand(event.prev == (self.ids[-1] if self.ids else None), "prev")

    def record(self, flags=0, prior=0, not_after=NONE, successor=NONE):
        flags |= 2 if self.dated else 0
        status = STATUS[self.status]
        return state_record(status, flags, self.reason, prior, self.events, not_after, successor)


class Member(Subject):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.set_roots(body["roots"], body["threshold"])

    def set_roots(self, roots, threshold):
        self.roots, self.threshold = [Vkey(text) for text in roots], threshold


class Scheme(Subject):
    def __init__(self, body):
        super().__init__()
        self.body, self.cut = body, None

    def record(self):
        return super().record(successor=NONE if self.cut is None else self.cut)


class Key:
    def __init__(self, vkey, added):
        self.vkey, self.added, self.ended, self.cut = vkey, added, None, None


class Authority(Subject):
    def __init__(self, name, body, index):
        super().__init__()
        self.name, self.body, self.keys = name, body, []
        self.accredited, self.withdrawn, self.effect, self.successor = index, None, "none", None
        for text in body["keys"]:
            self.add_key(text, index)

    def add_key(self, text, index):
        vkey = Vkey(text)
        demand(vkey.name == self.name, "key name")
        demand(all(key.vkey.id != vkey.id for key in self.keys), "key id")
        self.keys.append(Key(vkey, index))

    def in_force(self, index):
        return self.accredited < index and (self.withdrawn is None or index <= self.withdrawn)

    def keys_at(self, index):
        if not self.in_force(index):
            return []
        return [
            key.vkey
            for key in self.keys
            if key.added < index and (key.ended is None or index <= key.ended)
        ]

    def has_role(self, role, scheme):
        grants = self.body["grants"]
        return any(grant["role"] == role and scheme in grant["schemes"] for grant in grants)

    def may_issue(self, scheme, body):
        for grant in self.body["grants"]:
            if grant["role"] != "issuer" or scheme not in grant["schemes"]:
                continue
            wide = all(
                limit not in grant or set(asked) <= set(grant[limit])
                for limit, asked in [
                    ("categories", [body["product"]["category"]]),
                    ("levels", [body["level"]]),
                    ("territory", body["territory"]),
                ]
            )
            if wide:
                return True
        return False

    @property
    def cut(self):
        cuts = [key.cut for key in self.keys if key.cut is not None]
        if self.effect == "all":
            cuts.append(0)
        if isinstance(self.effect, dict):
            cuts.append(self.effect["suspect_from"])
        return min(cuts, default=None)

    def record(self):
        return super().record(successor=NONE if self.cut is None else self.cut)


class Label(Subject):
    def __init__(self, issuer, body, scheme):
        super().__init__()
        self.issuer, self.suspensions, self.prior = issuer, [], None
        self.scheme, self.fixed, self.not_after = scheme, fixed(body), ends(body)
        self.gtins, self.models = list(body["gtins"]), list(body["models"])
        self.aliases = self.canonical(body)
        self.successor, self.newest_reinstate = NONE, None

    def canonical(self, body):
        return {canonical_id(self.scheme["id_rule"], one) for one in body.get("aliases", [])}

    def check(self, event, step):
        """What a step says of products, printed ids and validity fits to what is there."""
        self.check_from(step)
        body = event.body
        if step == "renew":
            aliases = self.canonical(body)
            demand(ends(body) >= self.not_after, "shorter")
            does = aliases or ends(body) > self.not_after or self.status == "lapsed"
            demand(does, "renews nothing")
            demand(len(aliases) == len(body.get("aliases", [])), "alias twice")
            demand(not aliases & self.aliases, "alias is there")
            demand(len(aliases) + len(self.aliases) <= 8, "aliases")
        elif step == "amend":
            demand(fixed(body) == self.fixed and ends(body) == self.not_after, "fixed")
            demand(set(body["gtins"]) == set(self.gtins), "products")
            demand(self.canonical(body) == self.aliases, "printed ids")
        elif step in ["bind", "unbind"]:
            for list_name, limit in [("gtins", 64), ("models", 256)]:
                known = getattr(self, list_name)
                there = [one in known for one in body[list_name]]
                demand(all(there) if step == "unbind" else not any(there), list_name)
                demand(step == "unbind" or len(known) + len(there) <= limit, "too many")

    def check_from(self, step):
        allowed = {
            "renew": ["active", "suspended"] + ["lapsed"] * self.scheme["late_renewal"],
            "amend": ["active", "suspended"],
            "bind": ["active", "suspended"],
            "unbind": ["active", "suspended"],
            "suspend": ["active", "suspended"],
            "reinstate": ["suspended"],
            "supersede": ["active", "suspended", "lapsed"],
            "revoke": ["active", "suspended", "superseded", "withdrawn", "lapsed", "revoked"],
        }
        demand(self.status in allowed[step], "transition")

    def step(self, event, index, step, by_supervisor):
        self.check_from(step)
        if step == "renew":
            self.not_after, self.aliases = ends(event.body), self.aliases | self.canonical(event.body)
            self.status = "active" if self.status == "lapsed" else self.status
        elif step == "amend":
            self.models = list(event.body["models"])
        elif step == "bind":
            for known, more in [(self.gtins, event.body["gtins"]), (self.models, event.body["models"])]:
                known += [one for one in more if one not in known]
        elif step == "unbind":
            self.gtins = [one for one in self.gtins if one not in event.body["gtins"]]
            self.models = [one for one in self.models if one not in event.body["models"]]
        elif step == "suspend":
            suspension = (event.id, by_supervisor, event.body["validity_effect"], event.reason)
            self.suspensions.append(suspension)
            self.status, self.reason = "suspended", event.reason
        elif step == "reinstate":
            supervised = any(suspension[1] for suspension in self.suspensions)
            demand(by_supervisor or not supervised, "supervisor's suspension")
            stands = [one for one in self.suspensions if one[0] == event.body["suspension"]]
            demand(stands, "suspension")
            self.suspensions.remove(stands[0])
            if self.suspensions:
                self.reason = self.suspensions[-1][3]
            else:
                self.status, self.reason = "active", 0
            self.newest_reinstate = max(event.decided_at, self.newest_reinstate or 0)
        elif step == "revoke":
            self.prior = self.prior or self.status
            self.status, self.reason = "revoked", event.reason
        elif step == "supersede":
            self.status, self.reason, self.successor = "superseded", event.reason, index
        else:
            raise AssertionError(step)

    def record(self):
        flags = 1 if any(suspension[1] for suspension in self.suspensions) else 0
        effects = [suspension[2] for suspension in self.suspensions]
        flags |= 4 if effects and set(effects) == {"none"} else 0
        prior = STATUS[self.prior] if self.prior else 0
        return super().record(flags, prior, self.not_after, self.successor)


def fixed(body):
    """What an amend leaves as it is, besides products, printed ids and the end of validity."""
    names = ["native_id", "level", "supersedes", "valid_from", "validity_reference"]
    return [body.get(name) for name in names]


def ends(body):
    return seconds(body["valid_until"]) if "valid_until" in body else NONE


def owns_name(member, name):
    return any(name == one or name.endswith("." + one) for one in member.body["domains"])


# --- the state --------------------------------------------------------------


class State:
    whole = True

    def __init__(self, entry):
        event = Event(entry)
        demand(event.kind == "log.genesis" and event.prev is None, "genesis")
        demand(event.body["rules"] == RULES, "rules")
        self.genesis, self.origin = leaf_hash(entry), event.origin
        self.members, self.schemes, self.authorities, self.labels = {}, {}, {}, {}
        self.indexes = {}
        self.next, self.issues, self.clock = 1, 0, 0
        for body in event.body["members"]:
            member = Member(body)
            signers = self.signers(event, [(body["id"], key) for key in member.roots], 64)
            self.check_threshold(signers, body["id"], member)
            member.take(event, 0, self.genesis)
            self.members[body["id"]] = member

    def entry(self, entry):
        """Takes the next entry; says "head", "accepted" or why it is refused."""
        if entry.startswith(b"labelproof-state/v1\n"):
            self.head(entry)
            outcome = "head"
        else:
            try:
                self.event(Event(entry), leaf_hash(entry))
                outcome = "accepted"
            except Refused as refused:
                outcome = "refused: %s" % refused
        self.next += 1
        return outcome

    def head(self, entry):
        records = {}
        for kind, subjects in [
            ("member", self.members),
            ("scheme", self.schemes),
            ("authority", self.authorities),
        ]:
            for name, subject in subjects.items():
                records[map_key(kind, [name])] = subject.record()
        codes = {}
        for (scheme, native), label in self.labels.items():
            records[map_key("label", [scheme, native])] = label.record()
            codes[label.events[0][0]] = CODES[label.status]
        for key, events in self.indexes.items():
            records[key] = index_record(events)
        clock = int(entry.decode().split("\n")[8])
        assert clock >= self.clock, "clock ran back"
        self.clock = clock
        wanted = state_head(
            self.origin,
            self.genesis,
            self.next,
            map_root(records),
            list_root(self.next, codes),
            self.issues,
            clock,
        )
        assert entry.decode() == wanted, "head %d:\n%s\nwant\n%s" % (
            self.next,
            entry.decode(),
            wanted,
        )

    # Who signed.

    def signers(self, event, keys, limit):
        """Counted lines as (holder, public key); `keys` are (holder, vkey) in force."""
        counted = []
        for name, key_id, signature in event.lines:
            found = [one for one in keys if (one[1].name, one[1].id) == (name, key_id)]
            if found and len(counted) < limit:
                counted.append((found[0][0], found[0][1].public, signature))
        for _, public, signature in counted:
            demand(ed25519.verify(public, event.text.encode(), signature), "signature")
        return [(holder, public) for holder, public, _ in counted]

    def check_threshold(self, signers, code, member):
        keys = {public for holder, public in signers if holder == code}
        demand(len(keys) >= member.threshold, "threshold")

    def responsible(self, event):
        if event.kind == "member.root":
            return event.name
        if event.kind == "scheme.define":
            return event.name.split(".")[0]
        if event.kind == "authority.accredit":
            return event.body["member"]
        if event.kind.startswith("authority."):
            authority = self.authorities.get(event.name)
            return authority.body["member"] if authority else None
        return None

    def signers_of(self, event, index):
        """(holder, public key) of the counted lines, by keys in force for the event at an index."""
        code = self.responsible(event)
        keys = [(code, key) for key in self.members[code].roots] if code in self.members else []
        if event.kind == "authority.key" and event.name in self.authorities:
            own = self.authorities[event.name].keys_at(index)
            keys += [(("authority", event.name), key) for key in own]
        if event.kind.startswith("label."):
            for name, authority in self.authorities.items():
                keys += [(name, key) for key in authority.keys_at(index)]
        return self.signers(event, keys, 64 if event.kind == "member.root" else 8)

    def event(self, event, leaf):
        index = self.next
        demand(event.origin == self.origin, "origin")
        signers = self.signers_of(event, index)
        if event.kind.startswith("label."):
            self.label(event, index, leaf, [holder for holder, _ in signers])
            return
        code = self.responsible(event)
        member = self.members.get(code)
        demand(event.kind != "log.genesis", "second genesis")
        demand(member, "member")
        if event.kind == "authority.key":
            try:
                self.check_threshold(signers, code, member)
                itself = False
            except Refused:
                itself = any(holder == ("authority", event.name) for holder, _ in signers)
                demand(itself, "signers")
            self.authority_key(event, index, itself)
        else:
            self.check_threshold(signers, code, member)
            getattr(self, event.kind.replace(".", "_"))(event, index, member)
        self.subject_of(event).take(event, index, leaf)

    def subject_of(self, event):
        family = event.kind.split(".")[0]
        tables = {"member": self.members, "scheme": self.schemes, "authority": self.authorities}
        return tables[family][event.name]

    # What members do.

    def member_root(self, event, index, member):
        member.check_prev(event)
        member.set_roots(event.body["roots"], event.body["threshold"])

    def scheme_define(self, event, index, member):
        demand(event.name not in self.schemes and event.prev is None, "scheme")
        self.schemes[event.name] = Scheme(event.body)

    def authority_accredit(self, event, index, member):
        demand(owns_name(member, event.name), "domain")
        demand(event.name not in self.authorities and event.prev is None, "authority")
        schemes = set()
        for grant in event.body["grants"]:
            for scheme in grant["schemes"]:
                demand(scheme.split(".")[0] == member.body["id"], "scheme's member")
                demand(scheme in self.schemes or not self.whole, "scheme")
                schemes.add(scheme)
            if grant["role"] in ["market", "designator"]:
                listed = grant.get("territory")
                demand(listed is not None, "territory")
                demand(set(listed) <= set(member.body["territories"]), "territory")
        demand(len(schemes) <= 127, "breadth")
        self.authorities[event.name] = Authority(event.name, event.body, index)

    def authority_key(self, event, index, itself):
        authority = self.authorities[event.name]
        demand(authority.withdrawn is None, "withdrawn")
        authority.check_prev(event)
        body = event.body
        if "add" in body:
            demand(not itself, "only the member adds")
            authority.add_key(body["add"], index)
        elif "retire" in body:
            demand(not itself, "only the member retires")
            key = self.key_of(authority, body["retire"])
            demand(key.ended is None, "ended")
            key.ended = index
        else:
            from_index = body["revoke"].get("compromised_from")
            demand(not itself or from_index is None, "only the member dates back")
            cut = index if from_index is None else from_index
            demand(cut <= index, "cut ahead")
            key = self.key_of(authority, body["revoke"]["key"])
            demand(key.cut is None or cut < key.cut, "cut is not lower")
            key.cut = cut
            key.ended = index if key.ended is None else key.ended
        self.lower_cuts(authority)

    def key_of(self, authority, key_id):
        found = [key for key in authority.keys if key.vkey.id.hex() == key_id]
        demand(found, "key")
        return found[0]

    def authority_withdraw(self, event, index, member):
        authority = self.authorities[event.name]
        demand(authority.withdrawn is None, "withdrawn")
        authority.check_prev(event)
        effect, successor = event.body["effect_on_labels"], event.body.get("successor")
        if isinstance(effect, dict):
            demand(effect["suspect_from"] <= index, "suspect_from ahead")
        if successor is not None:
            other = self.authorities.get(successor)
            if other or self.whole:
                demand(other and other.in_force(index), "successor")
                demand(other.body["member"] == member.body["id"], "successor's member")
            else:
                demand(owns_name(member, successor), "successor's domain")
        authority.status, authority.reason = "withdrawn", event.reason
        authority.withdrawn, authority.effect = index, effect
        authority.successor = successor
        self.lower_cuts(authority)

    def lower_cuts(self, authority):
        if authority.cut is None:
            return
        for grant in authority.body["grants"]:
            if grant["role"] in ["issuer", "supervisor", "lab"]:
                for name in grant["schemes"]:
                    scheme = self.schemes.get(name)
                    if scheme is None:
                        continue
                    if scheme.cut is None or authority.cut < scheme.cut:
                        scheme.cut = authority.cut

    # Labels.

    def label_name(self, scheme, native):
        demand(scheme in self.schemes, "scheme")
        return scheme, canonical_id(self.schemes[scheme].body["id_rule"], native)

    def stands_for(self, name, issuer, index):
        for _ in range(16):
            if name == issuer:
                return True
            authority = self.authorities[issuer]
            if authority.withdrawn is None or index <= authority.withdrawn:
                return False
            if authority.successor is None:
                return False
            issuer = authority.successor
        return False

    def label(self, event, index, leaf, signers):
        scheme = event.name[0]
        name = self.label_name(*event.name)
        if event.kind == "label.issue":
            self.issue(event, index, leaf, signers, name)
            self.enter(event, index, leaf)
            return
        demand(name in self.labels, "label")
        label = self.labels[name]
        step = event.kind.split(".")[1]
        supervises = self.check_power(event, index, signers, label)
        if step == "amend":
            self.check_body(event, index)
        blind = event.kind in ["label.suspend", "label.revoke"] and event.prev is None
        if blind:
            newest = label.newest_reinstate
            demand(newest is None or event.decided_at > newest, "blind and old")
            demand(event.id not in label.ids, "blind and known")
        else:
            label.check_prev(event)
        label.check(event, step)
        label.step(event, index, step, supervises)
        label.take(event, index, leaf)
        self.enter(event, index, leaf)

    def check_power(self, event, index, signers, label):
        """Whether a supervisor's right counts; the own issuer's is enough, for some steps the only one."""
        scheme, step = event.name[0], event.kind.split(".")[1]
        own = [who for who in signers if self.stands_for(who, label.issuer, index)]
        if step == "amend":
            own = [who for who in own if self.authorities[who].may_issue(scheme, event.body)]
        if step in ["renew", "amend", "bind", "unbind"]:
            demand(own, "signers")
            return False
        supervises = any(self.authorities[who].has_role("supervisor", scheme) for who in signers)
        demand(supervises or own, "signers")
        return supervises

    def check_body(self, event, index):
        """What an issue or an amend says of its scheme and a lab."""
        scheme, body = event.name[0], event.body
        definition = self.schemes[scheme].body
        demand(any(level["code"] == body["level"] for level in definition["levels"]), "level")
        host = body["page"].removeprefix("https://").split("/")[0]
        demand(host in definition["hosts"], "host")
        if "lab" in body:
            lab = self.authorities.get(body["lab"])
            demand(lab and lab.in_force(index) and lab.has_role("lab", scheme), "lab")

    def enter(self, event, index, leaf):
        """Products and printed ids under which the event is indexed."""
        scheme, keys = event.name[0], set()
        if event.kind in ["label.issue", "label.bind", "label.unbind"]:
            keys |= {map_key("product", ["gtin", gtin]) for gtin in event.body["gtins"]}
        if event.kind in ["label.issue", "label.renew"]:
            rule = self.schemes[scheme].body["id_rule"]
            printed = {canonical_id(rule, alias) for alias in event.body.get("aliases", [])}
            keys |= {map_key("alias", [scheme, alias]) for alias in printed}
        for key in keys:
            self.indexes.setdefault(key, []).append((index, leaf))

    def issue(self, event, index, leaf, signers, name):
        scheme, body = event.name[0], event.body
        issuers = [who for who in signers if self.authorities[who].may_issue(scheme, body)]
        demand(issuers, "issuer")
        self.check_body(event, index)
        demand(name not in self.labels and event.prev is None, "duplicate")
        if "supersedes" in body:
            superseded = self.label_name(*body["supersedes"].split("/", 1))
            demand(superseded != name and superseded[0] == scheme, "supersedes")
            demand(superseded in self.labels or not self.whole, "superseded label")
            if superseded in self.labels:
                other = self.labels[superseded]
                owns = any(self.stands_for(who, other.issuer, index) for who in signers)
                demand(owns, "superseded label's issuer")
                other.check(event, "supersede")
                other.step(event, index, "supersede", False)
                other.take(event, index, leaf)
        label = Label(issuers[0], body, self.schemes[scheme].body)
        label.take(event, index, leaf)
        self.labels[name] = label
        self.issues += 1


def check(path):
    """Replays a history and says what differs, entry by entry."""
    history = json.loads(path.read_text())
    state = State(base64.b64decode(history[0]["entry"]))
    wrong, heads = [], 0
    for index, line in enumerate(history[1:], 1):
        try:
            outcome = state.entry(base64.b64decode(line["entry"], validate=True))
        except (AssertionError, binascii.Error) as error:
            return ["%s: entry %d: %s" % (path.name, index, error)]
        heads += outcome == "head"
        theirs = line["outcome"]
        ours = outcome.split(":")[0]
        if ours != (theirs if theirs in ["head", "accepted"] else "refused"):
            wrong.append("%s: entry %d is %s, not %s" % (path.name, index, outcome, theirs))
    print("%s: %d entries, %d heads replayed" % (path.name, len(history), heads))
    return wrong
