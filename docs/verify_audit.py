#!/usr/bin/env python3
"""Checks an export of Gavel's audit trail, written from docs/audit.md alone: a second opinion beside `gavel audit verify`.

    python3 verify_audit.py FILE --public-key KEY [--checkpoint FILE]...

KEY is 64 hex digits. A checkpoint file holds checkpoints, one JSON object per line. Needs Python 3.8 and the package
`cryptography`. Exit status 0: the export is whole. Otherwise the first bad row is named.
"""
import argparse
import hashlib
import json
import re
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMIT = 4 << 20
EVENT = set("actor_id actor_type at commitment hash id kind method objects route seq status_code type".split())


class Bad(Exception):
    """Why an export is not whole."""


def check(holds, reason):
    if not holds:
        raise Bad(reason)


def is_hash(text):
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def canonical(value, *without):
    value = {name: member for name, member in value.items() if name not in without}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def key_id(key):
    return sha(bytes.fromhex(key)).hex()[:32]


def signed(key, signature, text):
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text)
        return True
    except InvalidSignature:
        return False


def rotation_text(change):
    return canonical({**change, "type": "rotation", "version": 1}, "new_signature", "old_signature")


def rotation_id(change):
    digest = bytearray(sha(rotation_text(change))[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def check_head(head, trusted, checkpoints):
    check(head["type"] == "head" and head["version"] == 1, "not a head of this version")
    key, known = trusted, [trusted]
    for change in head["rotations"]:
        old, new, text = change["old_key"], change["new_key"], rotation_text(change)
        check(signed(new, change["new_signature"], text), "a change of keys is not signed by the new key")
        if change["old_signature"] is not None:
            check(signed(old, change["old_signature"], text), "a change of keys is not signed by the old key")
            if old == key:
                key = new
                known.append(new)
    for change in reversed(head["rotations"]):
        if change["new_key"] in known and change["old_key"] not in known:
            known.append(change["old_key"])
    check(head["key_id"] == key_id(key), "signed with another key than the given one and those that follow from it")
    check(signed(key, head["signature"], canonical(head, "signature")), "the signature does not hold")
    for point in checkpoints:
        signer = [key for key in known if key_id(key) == point["key_id"]]
        ours = point["type"] == "checkpoint" and point["application"] == head["application"] and signer
        check(ours and signed(signer[0], point["signature"], canonical(point, "signature")), "a checkpoint is not ours")


def check_row(row, head, number, previous, rotations):
    beside = {"personal", "salt"} if head["values"] and "personal" in row else set()
    check(set(row) == EVENT | beside, "not a row of this version")
    check(row["seq"] == number, "the row here is number %s" % row["seq"])
    check(number <= head["count"], "the head counts fewer rows")
    found = sha(previous, canonical(row, "hash", "personal", "salt"))
    check(found.hex() == row["hash"], "the hash does not follow from the row and the hash before it")
    if beside:
        found_beside = is_hash(row["salt"]) and sha(bytes.fromhex(row["salt"]), row["personal"].encode()).hex()
        check(found_beside == row["commitment"], "the personal values are not those of the commitment")
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
        where = "row %d" % (line_number - 1) if line_number > 1 else "head"
        raise Bad("line %d, %s: %s" % (line_number, where, bad)) from None
    return head, bare


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--public-key", required=True, metavar="KEY")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    check(is_hash(options.public_key), "--public-key must be 64 lower-case hex digits")
    checkpoints = [json.loads(line) for name in options.checkpoint for line in open(name, encoding="utf-8")]
    with open(options.file, "rb") as file:
        head, bare = verify(file, options.public_key, checkpoints)
    print("ok: %d rows up to %s, %d of them without personal values" % (head["count"], head["at"], bare))


if __name__ == "__main__":
    try:
        main()
    except Bad as bad:
        sys.exit("error: %s" % bad)
