"""Reads: what goes on the wire for them, and when two are the same."""

from __future__ import annotations

import pytest

from gateway.planes.read import Read
from schema.plane import Plane


@pytest.mark.parametrize(
    ("read", "target"),
    [
        (Read(Plane.MANAGEMENT, "p1", ("graphs", "jobs")), "/v2/p1/graphs/jobs"),
        (
            Read(Plane.SERVICE, "p1", ("graphs", "movies", "jobs", "j1", "status"), (("offset", "0"), ("limit", "1"))),
            "/ges/v1.0/p1/graphs/movies/jobs/j1/status?offset=0&limit=1",
        ),
        (Read(Plane.SERVICE, "p/1", ("a b", "ü?#&=", "..")), "/ges/v1.0/p%2F1/a%20b/%C3%BC%3F%23%26%3D/.."),
        (Read(Plane.SERVICE, "p", ("a~b-c_d.e", "x%2Fy")), "/ges/v1.0/p/a~b-c_d.e/x%252Fy"),
        (
            Read(Plane.SERVICE, "p", (), (("a b", "1&c=2"), ("d", "é+ /"))),
            "/ges/v1.0/p?a%20b=1%26c%3D2&d=%C3%A9%2B%20%2F",
        ),
    ],
)
def test_every_part_is_one_encoded_piece_of_the_target(read: Read, target: str) -> None:
    """Nothing in an id or a value can end its segment, and a space is never a plus."""
    assert read.target == target


def test_a_key_is_the_plane_and_the_target() -> None:
    """Whether a body repeats requests does not change which body it is."""
    plain = Read(Plane.SERVICE, "p", ("jobs",))
    assert plain.key == ("SERVICE", "/ges/v1.0/p/jobs")
    assert Read(Plane.SERVICE, "p", ("jobs",), carries_requests=True).key == plain.key


def test_ids_that_hold_separators_have_keys_of_their_own() -> None:
    """`a/b` in one segment is not `a`, `b` in two."""
    assert Read(Plane.SERVICE, "p", ("a/b",)).key != Read(Plane.SERVICE, "p", ("a", "b")).key
