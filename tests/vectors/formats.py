"""Keys, records, map, list and head, written from docs/spec/state.md alone; standard library only."""

import base64
import hashlib

NONE = 2**64 - 1


# --- hashes -----------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def merkle_root(leaves):
    """RFC 6962, section 2.1, by its own recursive definition."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:]))


def merkle_path(leaves, index):
    """RFC 6962, section 2.1.1: siblings from the leaf to the root."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return merkle_path(leaves[:split], index) + [merkle_root(leaves[split:])]
    return merkle_path(leaves[split:], index - split) + [merkle_root(leaves[:split])]


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def b64(data):
    return base64.b64encode(data).decode()


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


# --- map keys ---------------------------------------------------------------

TYPES = {
    "label": 1,
    "authority": 2,
    "scheme": 3,
    "product": 4,
    "about": 5,
    "recognitions": 6,
    "territory": 7,
    "feed": 8,
    "alias": 9,
    "member": 10,
}


def map_key(kind, fields):
    data = b"labelproof-key/v1\n" + bytes([TYPES[kind]])
    for field in fields:
        data += u16(len(field.encode())) + field.encode()
    return sha256(data)


def canonical_id(rule, text):
    out = ""
    for byte in text.encode():
        char = chr(byte)
        if char == " ":
            continue
        if "A" <= char <= "Z" or "a" <= char <= "z":
            out += {"upper": char.upper(), "lower": char.lower(), "exact": char}[rule]
        elif char in "0123456789._-":
            out += char
        else:
            out += ":%02X" % byte
    return out


# --- records ----------------------------------------------------------------


def chain(events):
    value = bytes(32)
    for index, leaf in events:
        value = sha256(b"labelproof-chain/v1\n" + value + u64(index) + leaf)
    return value


def state_record(status, flags, reason, prior, events, not_after, successor):
    return b"".join(
        [
            bytes([1, 1, status, flags, reason, prior, 0, 0]),
            u64(events[0][0]),
            u64(events[-1][0]),
            u32(len(events)),
            u32(0),
            u64(not_after),
            u64(successor),
            chain(events),
        ]
    )


def index_record(events):
    leaves = [leaf_hash(u64(index) + leaf) for index, leaf in events]
    start = bytes([1, 2, 0, 0, 0, 0, 0, 0])
    return start + u64(len(events)) + u64(events[-1][0]) + merkle_root(leaves)


# --- the map ----------------------------------------------------------------


def bit_of(key, bit):
    return key[bit // 8] >> (7 - bit % 8) & 1


def first_difference(one, two):
    return next(bit for bit in range(256) if bit_of(one, bit) != bit_of(two, bit))


def map_leaf(key, record):
    return sha256(b"\x00" + varint(32) + key + varint(len(record)) + record)


def map_inner(bit, left, right):
    return sha256(b"\x01" + varint(bit) + left + right)


def map_root(records):
    """`records` is a dict from key to record."""
    keys = sorted(records)
    if not keys:
        return sha256(b"")
    if len(keys) == 1:
        return map_leaf(keys[0], records[keys[0]])
    bit = first_difference(keys[0], keys[-1])
    sides = [{}, {}]
    for key in keys:
        sides[bit_of(key, bit)][key] = records[key]
    return map_inner(bit, map_root(sides[0]), map_root(sides[1]))


def map_walk(records, key):
    """The leaf where the walk for a key ends, and the siblings from there to the root."""
    keys = sorted(records)
    if len(keys) == 1:
        return keys[0], []
    bit = first_difference(keys[0], keys[-1])
    sides = [{}, {}]
    for found in keys:
        sides[bit_of(found, bit)][found] = records[found]
    end, siblings = map_walk(sides[bit_of(key, bit)], key)
    return end, siblings + [(bit, map_root(sides[1 - bit_of(key, bit)]))]


def map_proof(records, key):
    proof = {"key": key.hex(), "record": None, "other": None, "siblings": []}
    if records:
        end, siblings = map_walk(records, key)
        proof["siblings"] = [(varint(bit) + side).hex() for bit, side in siblings]
        if end == key:
            proof["record"] = records[key].hex()
        else:
            other = varint(32) + end + varint(len(records[end])) + records[end]
            proof["other"] = other.hex()
    return proof


# --- the status list --------------------------------------------------------

CHUNK = 16384


def list_chunks(length, codes):
    """`codes` is a dict from index to code; every other code is 0."""
    chunks = [bytearray(CHUNK) for _ in range((length + 65535) // 65536)]
    for index, code in codes.items():
        byte = index % 65536 // 4
        chunks[index // 65536][byte] |= code << (2 * (index % 4))
    return [bytes(chunk) for chunk in chunks]


def list_root(length, codes):
    return merkle_root([leaf_hash(chunk) for chunk in list_chunks(length, codes)])


# --- state heads ------------------------------------------------------------


def state_head(origin, genesis, n, the_map, the_list, issues, clock_ms):
    lines = [
        "labelproof-state/v1",
        origin,
        b64(genesis),
        str(n),
        b64(the_map),
        b64(the_list),
        str(issues),
        "state/0.2",
        str(clock_ms),
    ]
    return "".join(line + "\n" for line in lines)
