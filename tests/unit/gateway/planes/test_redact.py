"""Redaction: what is a secret, wherever it stands, and what is left byte for byte."""

import msgspec
import pytest

from gateway.planes import redact
from gateway.planes.redact import redact_body


def nested(levels: int, inner: bytes) -> bytes:
    """Put JSON so many objects deep."""
    return b'{"a":' * levels + inner + b"}" * levels


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"a": 1.50, "b": [1e3, 10000000000000000000000]}',
        b'{"task": "ask", "risk": "sky", "make": "break"}',
        b'{"token": null, "secretKey": "", "password": {}, "credentials": [], "pwd": true}',
        b'{"rawRequest": "{\\"tokens\\": null}"}',
        b"the token is bad",
        b'["secret", "sk"]',
        b'{"a": "\\u0041"}',
        b"\xff\xfe",
    ],
)
def test_without_a_secret_nothing_changes(content: bytes) -> None:
    assert redact_body(content) is content or redact_body(content) == content


def test_without_anything_suspicious_the_same_bytes_come_back() -> None:
    content = b'{"jobs": [' + b'{"jobId": "x", "status": "running"},' * 1000 + b"{}]}"
    assert redact_body(content) is content


@pytest.mark.parametrize(
    "name",
    [
        *(
            "accessKey",
            "access_key",
            "ACCESS-KEY",
            "accessKeyId",
            "secretKey",
            "secret_key",
            "secretAccessKey",
            "ak",
            "SK",
        ),
        *("password", "userPassword", "passwd", "passphrase", "pwd", "token", "X-Auth-Token", "securityToken"),
        *("authorization", "Proxy-Authorization", "credential", "credentials", "privateKey", "signature"),
    ],
)
@pytest.mark.parametrize("value", [b'"MIIabc"', b"12345", b'{"x": "MIIabc"}', b'["MIIabc"]'])
def test_the_value_of_a_secret_name_is_masked_whatever_it_is(name: str, value: bytes) -> None:
    content = b'{"first":1.0,"' + name.encode() + b'":' + value + b',"last":[1,2]}'
    assert redact_body(content) == b'{"first":1.0,"' + name.encode() + b'":"***","last":[1,2]}'


def test_secrets_are_masked_at_any_depth_and_the_rest_stays() -> None:
    content = b'{"jobs":[{"n":1.50,"obs":{"accessKey":"AK1","x":1e3}},{"n":2}],"big":10000000000000000000000}'
    expected = b'{"jobs":[{"n":1.50,"obs":{"accessKey":"***","x":1e3}},{"n":2}],"big":10000000000000000000000}'
    assert redact_body(content) == expected


def test_json_text_inside_strings_is_redacted_at_any_depth() -> None:
    innermost = '{"obsParameters":{"accessKey":"AK1","secretKey":"SK1"},"exportPath":"b/d"}'
    middle = msgspec.json.encode({"rawRequest": innermost}).decode()
    redacted = redact_body(msgspec.json.encode({"jobs": [{"text": middle}]}))
    (job,) = msgspec.json.decode(redacted)["jobs"]
    request = msgspec.json.decode(msgspec.json.decode(job["text"])["rawRequest"])
    assert request == {"obsParameters": {"accessKey": "***", "secretKey": "***"}, "exportPath": "b/d"}


def test_a_name_hidden_by_escapes_is_found() -> None:
    assert redact_body(b'{"\\u0073ecretKey":"SK1"}') == b'{"secretKey":"***"}'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"token=MIIabc&x=1", b"token=***&x=1"),
        (b"password: hunter2; next", b"password: ***; next"),
        (b"Authorization: Bearer abc.def\r\nHost: h", b"Authorization: ***\r\nHost: h"),
        (b"authorization = SDK-HMAC-SHA256 Access=AK1, Signature=ab", b"authorization = ***"),
        (b"{'secret_key': 'SK1', 'x': 1}", b"{'secret_key': '***', 'x': 1}"),
        (b'{"secretKey":"SK1', b'{"secretKey":"***"'),
        (b'{"secretKey":"S\\"K1","x":', b'{"secretKey":"***","x":'),
        (b'{"raw":"{\\"secretKey\\":\\"S\\\\\\"K1\\",\\"x\\":1', b'{"raw":"{\\"secretKey\\":\\"***\\",\\"x\\":1'),
        (b"<SecretKey>SK1</SecretKey>", b"<SecretKey>***</SecretKey>"),
        (b"%22secretKey%22%3A%22SK1%22", b"%22secretKey%22%3A***"),
        (b"\xff token=MIIabc", b"\xff token=***"),
        (b"ak=AK1 mask=5", b"ak=*** mask=5"),
    ],
)
def test_text_that_is_no_json_is_searched(content: bytes, expected: bytes) -> None:
    assert redact_body(content) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/graphs/g/action?token=MIIabc&x=1", "/graphs/g/action?token=***&x=1"),
        ("{not json, password: hunter2}", "{not json, password: ***}"),
        ("match (n {password: 'hunter2', name: '图'}) return n", "match (n {password: '***', name: '图'}) return n"),
        ('"token=MIIabc"', '"token=***"'),
    ],
)
def test_text_inside_a_string_is_searched(text: str, expected: str) -> None:
    assert msgspec.json.decode(redact_body(msgspec.json.encode({"x": text}))) == {"x": expected}


def test_json_of_lenient_writers_stays_json() -> None:
    assert redact_body(b'{"x": NaN, "token": 5}') == b'{"x":null,"token":"***"}'


def test_what_nests_too_deep_to_read_is_masked_or_searched() -> None:
    assert redact_body(nested(40, b'{"token":"MIIabc"}')) == nested(24, b'"***"')
    assert redact_body(nested(5000, b'{"token":"MIIabc"}')) == nested(5000, b'{"token":"***"}')


def test_the_text_patterns_take_time_in_proportion() -> None:
    """Long runs of what could begin a secret do not stall the loop: this would take hours if they did."""
    for run in (
        b"a" * 300_000,
        b"token:" * 50_000,
        b'"token":"' * 50_000,
        b"token" + b"\\" * 300_000,
        b"secret-" * 50_000,
    ):
        redact_body(b"x " + run)


def test_every_name_is_known_to_both_searches() -> None:
    names = [*redact._NAMES, *redact._PARTS]
    assert [name for name in names if not redact._SUSPICIOUS.search(name.encode())] == []
    assert [name for name in names if redact_body(f"{name}=MIIabc".encode()) != f"{name}=***".encode()] == []
