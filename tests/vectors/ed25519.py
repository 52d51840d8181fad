"""Ed25519 exactly as docs/spec/state.md says, in integers; a few milliseconds a signature."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(one, two):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, two
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def is_neutral(point):
    return point[0] % P == 0 and (point[1] - point[2]) % P == 0


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point of a canonical encoding, else None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * ROOT % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def verify(public_key, message, signature):
    if len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    a_point, r_point = decode(public_key), decode(r)
    if s >= L or a_point is None or r_point is None:
        return False
    if is_neutral(multiply(8, a_point)) or is_neutral(multiply(8, r_point)):
        return False
    k = int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L
    minus_a = (P - a_point[0], a_point[1], 1, P - a_point[3])
    return encode(add(multiply(s, BASE), multiply(k, minus_a))) == r


def is_key(public_key):
    """Whether a key may be registered: canonical, not of small order, and [L]A = 0."""
    point = decode(public_key)
    if point is None or is_neutral(multiply(8, point)):
        return False
    return is_neutral(multiply(L, point))
