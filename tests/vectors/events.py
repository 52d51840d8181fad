"""Events as far as history.json exercises docs/spec/event.md: the note, three lines, canonical JSON, closed members."""

import base64
import calendar
import json
import re
import time

import ed25519
from formats import b64, sha256

REASONS = [
    "none", "unspecified", "vulnerability", "nonconformity", "false-declaration",
    "holder-request", "superseded", "misuse", "contract", "key-compromised",
    "issuer-withdrawn", "requirement-changed", "support-ended", "scheme-ended",
    "court-order", "clerical-error",
]  # fmt: skip


class Refused(Exception):
    """An entry that is not accepted."""


def demand(condition, why):
    if not condition:
        raise Refused(why)


TOP = {
    "body", "decided_at", "effective_from", "effective_until", "evidence", "kind",
    "legal_basis", "prev", "reason", "subject",
}  # fmt: skip
BODIES = {
    "log.genesis": {"members", "rules"},
    "member.root": {"roots", "threshold"},
    "scheme.define": {
        "hosts", "id_rule", "late_renewal", "levels", "names", "validity_reference", "versions",
    },
    "authority.accredit": {"country", "grants", "keys", "member", "name"},
    "authority.key": {"add", "retire", "revoke"},
    "authority.withdraw": {"effect_on_labels", "successor"},
    "label.issue": {
        "aliases", "assurance", "components", "contact", "firmware", "gtins", "holder", "lab",
        "level", "manufacturer", "models", "mud", "native_id", "page", "password_uri", "product",
        "representative", "sbom", "scheme_version", "secure_config_uri", "standards",
        "supersedes", "support_end", "territory", "updates", "valid_from", "valid_until",
        "validity_reference",
    },
    "label.renew": {"aliases", "valid_until"},
    "label.bind": {"gtins", "models"},
    "label.unbind": {"gtins", "models"},
    "label.suspend": {"until", "validity_effect"},
    "label.reinstate": {"suspension"},
    "label.revoke": set(),
}  # fmt: skip
BODIES["label.amend"] = BODIES["label.issue"]
SUBJECTS = {"log": "log:", "member": "member:", "scheme": "scheme:", "authority": "authority:"}


class Vkey:
    def __init__(self, text):
        self.name, key_id, data = text.split("+", 2)
        self.data = base64.b64decode(data, validate=True)
        self.id = bytes.fromhex(key_id)
        self.public = self.data[1:]
        demand(self.data[:1] == b"\x01" and ed25519.is_key(self.public), "key")
        wanted = sha256(self.name.encode() + b"\n" + self.data)[:4]
        demand(self.id == wanted, "key id")


class Event:
    def __init__(self, entry):
        try:
            text = entry.decode()
        except UnicodeDecodeError as error:
            raise Refused("utf-8") from error
        gap = text.rfind("\n\n")
        demand(gap >= 0, "note")
        self.text, self.lines = text[: gap + 1], []
        for line in text[gap + 2 :].split("\n")[:-1]:
            found = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/]+=*)", line)
            demand(found, "signature line")
            data = base64.b64decode(found[2])
            demand(len(data) > 4 and b64(data) == found[2], "signature line")
            self.lines.append((found[1], data[:4], data[4:]))
        demand(self.lines and text.endswith("\n"), "signatures")
        parts = self.text.split("\n")
        demand(len(parts) == 4 and parts[0] == "labelproof-event/v1", "lines")
        self.origin = parts[1]
        try:
            self.json = json.loads(parts[2])
        except json.JSONDecodeError as error:
            raise Refused("json") from error
        written = json.dumps(self.json, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        demand(written == parts[2], "canonical")
        self.id = sha256(self.text.encode()).hex()
        self.check()

    def check(self):
        demand(set(self.json) <= TOP and {"body", "kind"} <= set(self.json), "members")
        self.kind, self.body = self.json["kind"], self.json["body"]
        self.subject, self.prev = self.json["subject"], self.json.get("prev")
        demand(self.kind in BODIES and set(self.body) <= BODIES[self.kind], "body")
        family = self.kind.split(".")[0]
        if family == "label":
            demand("/" in self.subject and ":" not in self.subject, "subject")
            self.name = self.subject.split("/", 1)
        else:
            demand(self.subject.startswith(SUBJECTS[family]), "subject")
            self.name = self.subject.split(":", 1)[1]
        self.decided_at = seconds(self.json["decided_at"])
        takes = ["label.unbind", "label.suspend", "label.revoke", "authority.withdraw"]
        demand("reason" in self.json or self.kind not in takes, "reason")
        demand("reason" in self.json or "revoke" not in self.body, "reason")
        reason = self.json.get("reason")
        self.reason = REASONS.index(reason["code"]) if reason else 0
        if self.kind in ["label.issue", "label.amend"]:
            demand(self.body["native_id"] == self.name[1], "native id")
        if self.kind in ["label.issue", "label.amend", "label.renew"]:
            demand(all(alias.strip(" ") for alias in self.body.get("aliases", [])), "alias")
        if self.kind in ["label.bind", "label.unbind"]:
            demand(self.body["gtins"] or self.body["models"], "nothing named")
        if self.kind == "label.suspend":
            demand(self.body.get("validity_effect") in ["suspended", "none"], "effect")

    @property
    def is_dated(self):
        later = self.json.get("effective_from")
        return "effective_until" in self.json or bool(later and seconds(later) > self.decided_at)


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
