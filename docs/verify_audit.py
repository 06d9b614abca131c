#!/usr/bin/env python3
"""Checks an export of Gavel's audit trail, written from docs/audit.md alone: a second opinion beside `gavel audit verify`.

    python3 verify_audit.py FILE --public-key KEY [--checkpoint FILE]...

KEY is 64 hex digits. A checkpoint file holds checkpoints or pages of them, one JSON object per line. Needs Python 3.8 and
the package `cryptography`. Exit status 0: the export is whole. Otherwise the first bad row is named.
"""
import argparse, hashlib, json, re, sys, uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMIT, TEXT, HASH, COUNT = 4 << 20, r'"(?:[^"\\]|\\.)*"', '"[0-9a-f]{64}"', "[0-9]{1,19}"
ID, AT = '"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"', '"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}[.][0-9]{6}Z"'
POINT = dict(application=ID, at=AT, count=COUNT, head=HASH, key_id=TEXT, signature='"[0-9a-f]{128}"', type='"checkpoint"',
             version="1")
HEAD = dict(POINT, rotations=r"\[[^]]*\]", type='"head"', values="(?:true|false)")
EVENT = dict(actor_id="(?:null|%s)" % TEXT, actor_type=TEXT, at=TEXT, commitment=HASH, hash=HASH, id=TEXT, kind=TEXT,
             method=TEXT, objects="{(?:%s:%s,?)*}" % (TEXT, TEXT), route=TEXT, seq=COUNT, status_code=COUNT, type='"event"')


class Bad(Exception):
    """Why an export is not whole."""


def check(holds, reason):
    if not holds:
        raise Bad(reason)


def is_like(value, members):
    return re.fullmatch("{%s}" % ",".join('"%s":%s' % pair for pair in sorted(members.items())), canonical(value).decode())


def canonical(value, *without):
    value = {name: member for name, member in value.items() if name not in without}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def key_id(key):
    return sha(bytes.fromhex(key)).hex()[:32]


def signed(key, signature, text):
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text) is None
    except InvalidSignature:
        return False


def rotation_text(change):
    return canonical({**change, "type": "rotation", "version": 1}, "new_signature", "old_signature")


def rotation_id(change):
    digest = bytearray(sha(rotation_text(change))[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def check_head(head, trusted, checkpoints):
    check(is_like(head, HEAD), "not a head of this version")
    key, known = trusted, [trusted]
    for change in head["rotations"]:
        old, new, text = change["old_key"], change["new_key"], rotation_text(change)
        check(signed(new, change["new_signature"], text), "a change of keys is not signed by the new key")
        if change["old_signature"] is not None:
            check(signed(old, change["old_signature"], text), "a change of keys is not signed by the old key")
            if old == key:
                key, known = new, known + [new]
    for change in reversed(head["rotations"]):
        if change["new_key"] in known and change["old_key"] not in known:
            known.append(change["old_key"])
    check(head["key_id"] == key_id(key), "signed with another key than the given one and those that follow from it")
    check(signed(key, head["signature"], canonical(head, "signature")), "the signature does not hold")
    for point in checkpoints:
        signer = [key for key in known if key_id(key) == point["key_id"] and point["application"] == head["application"]]
        check(signer and signed(signer[0], point["signature"], canonical(point, "signature")), "a checkpoint is not ours")


def check_row(row, head, number, previous, rotations):
    beside = dict(personal=TEXT, salt=HASH) if head["values"] and "personal" in row else {}
    check(is_like(row, {**EVENT, **beside}), "not a row of this version")
    check(row["seq"] == number, "the row here is number %s" % row["seq"])
    check(number <= head["count"], "the head counts fewer rows")
    found = sha(previous, canonical(row, "hash", "personal", "salt"))
    check(found.hex() == row["hash"], "the hash does not follow from the row and the hash before it")
    if beside:
        holds = sha(bytes.fromhex(row["salt"]), row["personal"].encode()).hex() == row["commitment"]
        check(holds, "the personal values are not those of the commitment")
    if row["kind"] == "audit.key_rotated":
        check(row["objects"].get("rotation") in rotations, "the change of keys is not in the head")
    return found


def verify(file, trusted, checkpoints):
    """Head and number of rows without values of a good export. A bad one raises what is wrong, and where."""
    head, previous, rotations, bare, line_number = None, b"", set(), 0, 1
    points = sorted(checkpoints, key=lambda point: point["count"])
    try:
        while line := file.readline(LIMIT + 2):
            check(line.endswith(b"\n") and len(line) <= LIMIT + 1, "the line is cut off, or too long")
            value, number = json.loads(line.decode()), line_number - 1
            check(canonical(value) == line[:-1], "not the one spelling of a line")
            if head is None:
                check_head(value, trusted, points)
                head, previous = value, sha(("gavel audit chain 1 " + value["application"]).encode())
                rotations = {rotation_id(change) for change in head["rotations"]}
            else:
                previous = check_row(value, head, number, previous, rotations)
                bare += "personal" not in value
            while points and points[0]["count"] <= number:
                check(points.pop(0)["head"] == previous.hex(), "not the hash of the checkpoint: rows were written anew")
            check(number != head["count"] or head["head"] == previous.hex(), "the chain ends with another hash than the head's")
            line_number += 1
        check(head is not None, "the file is empty")
        check(line_number - 2 >= head["count"], "missing: the head counts %d rows" % head["count"])
        check(not points, "missing: a checkpoint counts more rows; this is an older export, or rows were cut off")
    except (Bad, AttributeError, KeyError, RecursionError, TypeError, ValueError) as bad:
        raise Bad("line %d, %s: %s" % (line_number, "row %d" % (line_number - 1) if line_number > 1 else "head", bad)) from None
    return head, bare


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--public-key", required=True, metavar="KEY")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    check(re.fullmatch("[0-9a-f]{64}", options.public_key), "--public-key must be 64 lower-case hex digits")
    try:
        lines = [json.loads(line) for name in options.checkpoint for line in open(name, encoding="utf-8") if line.strip()]
        points = [point for line in lines for point in line.get("results", [line])]
        check(all(is_like(point, POINT) for point in points), "it holds something else")
    except (AttributeError, Bad, OSError, TypeError, ValueError) as bad:
        raise Bad("a checkpoint file cannot be read: %s" % bad) from None
    head, bare = verify(open(options.file, "rb"), options.public_key, points)
    print("ok: %d rows up to %s, %d of them without personal values" % (head["count"], head["at"], bare))


if __name__ == "__main__":
    try:
        main()
    except Bad as bad:
        sys.exit("error: %s" % bad)
