#!/usr/bin/env python3
"""Signature vectors made by the standard library alone: json, hmac, hashlib, base64. No line of it comes from the Rust code.

Prints vectors.json. A test beside it signs the same payloads in Rust and, where there is a python3, runs this file and
compares what it prints with the file that is kept.
"""

import base64
import hashlib
import hmac
import json

SECRET = "77tFpRFirysT2dRbFQbYB_dRidbTKpEHtxJS1VB5Juw"


def session(number, **more):
    """The members every session event has, and more."""
    return {
        "event_id": f"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1b{number:02}",
        "webhook_type": "status.updated",
        "timestamp": 1790000200 + number,
        "created_at": 1790000100 + number,
        "session_id": f"5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2f{number:02}",
        "status": "In Review",
        **more,
    }


PAYLOADS = {
    "ASCII": session(1, vendor_data="cust-9", metadata={"plan": "pro", "seats": 12}),
    "non-ASCII": session(2, metadata={"name": "José Ñandú", "city": "Łódź", "greek": "Ωμέγα", "arabic": "مرحبا", "han": "漢字"}),
    "astral": session(3, metadata={"emoji": "😀👩‍👩‍👧", "clef": "𝄞", "𝔘": "key", "last": "\U0010ffff"}),
    "whole floats": session(4, metadata={"a": 92.0, "b": -0.0, "c": 1e3, "d": 100.0, "e": [1.0, 2.5, -3.0], "f": 1e15}),
    "other floats": session(5, metadata={"a": 0.1, "b": 1e-7, "c": 0.0001, "d": 0.00001, "e": 2.25, "f": 1 / 3, "g": -1.5e-9}),
    "large integers": session(6, metadata={"a": 12345678901234567890, "b": -9223372036854775809, "c": 2**53 + 1}),
    "nested key order": session(7, metadata={"z": {"b": {"d": 1, "c": [{"y": 1, "x": 2}]}, "a": 0}, "A": 1, "_": 2, "a": 3, "É": 4, "é": 5}),
    "key order beyond the first plane": session(8, metadata={"\U00010000": 1, "\uffff": 2, "\ue000": 3, "\ud7ff": 4, "z": 5}),
    "integer-like keys": session(9, metadata={"10": "ten", "9": "nine", "1": "one", "01": "padded", "-1": "minus", "1.5": "dot", "": "none"}),
    "empty objects": session(10, metadata={}, decision={"a": {}, "b": [], "c": [{}, [], ""], "d": None}),
    "escapes": session(11, metadata={"s": "\"\\/\b\f\n\r\t\u0001\u001f\u007f\u0080\u2028\u2029<>&'"}),
    "null session and status": {
        "event_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1b12",
        "webhook_type": "user.data.updated",
        "timestamp": 1790000212,
        "created_at": 1790000112,
        "vendor_data": "user-42",
        "status": None,
        "changed_fields": ["display_name"],
    },
}


def whole(value):
    """Every float that equals an integer as that integer."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def canonical(payload, ascii_only):
    # Python compares text by code points, as the contract does.
    text = json.dumps(whole(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)
    if ascii_only:
        text = text.replace("\u007f", "\\u007f")  # The one character above the printable ones that json leaves alone.
    return text


def mac(message):
    return hmac.new(SECRET.encode(), message.encode(), hashlib.sha256)


def vector(name, payload):
    body, v2 = canonical(payload, True), canonical(payload, False)
    simple = ":".join(str(payload.get(key) or "") for key in ("timestamp", "session_id", "status", "webhook_type"))
    standard = f"{payload['event_id']}.{payload['timestamp']}.{body}"
    return {
        "name": name,
        "payload": json.dumps(payload),
        "body": body,
        "v2_sha256": hashlib.sha256(v2.encode()).hexdigest(),
        "x_signature": mac(body).hexdigest(),
        "x_signature_v2": mac(v2).hexdigest(),
        "x_signature_simple": mac(simple).hexdigest(),
        "webhook_signature": "v1," + base64.b64encode(mac(standard).digest()).decode(),
    }


vectors = [vector(name, payload) for name, payload in PAYLOADS.items()]
print(json.dumps({"secret": SECRET, "vectors": vectors}, indent=1))
