"""Global ids: what they name, one spelling for each, and nothing else is read."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import BadUserInputError
from schema.ids import (
    GraphKey,
    JobRef,
    checked_part,
    checked_project,
    graph_id_of,
    job_id_of,
    read_graph_id,
    read_id,
    read_job_id,
)
from schema.plane import Plane

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

projects = st.text(LETTERS, min_size=1, max_size=64)
parts = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + "_-", max_size=127))
keys = st.one_of(
    st.builds(GraphKey, projects, graph_id=parts),
    st.builds(GraphKey, projects, name=parts),
    st.builds(GraphKey, projects, graph_id=parts, name=parts),
)
refs = st.builds(JobRef, st.sampled_from(Plane), keys, parts)


def encoded(text: str) -> str:
    """Write a text the way ids are written."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("key", "text", "id"),
    [
        (GraphKey("p1", graph_id="g-1"), "1.Graph.p1.g-1.", "MS5HcmFwaC5wMS5nLTEu"),
        (GraphKey("p1", name="movies"), "1.Graph.p1..movies", "MS5HcmFwaC5wMS4ubW92aWVz"),
        (GraphKey("p1", graph_id="g-1", name="movies"), "1.Graph.p1.g-1.movies", "MS5HcmFwaC5wMS5nLTEubW92aWVz"),
    ],
)
def test_the_id_of_a_graph_is_what_clients_have_stored(key: GraphKey, text: str, id: str) -> None:
    """Version, kind, project, graph id and name; a change would strand every id that clients keep."""
    assert encoded(text) == id
    assert graph_id_of(key) == id
    assert read_graph_id(id) == key


@pytest.mark.parametrize(
    ("ref", "text", "id"),
    [
        (
            JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "42"),
            "1.Job.s.p1..movies.42",
            "MS5Kb2Iucy5wMS4ubW92aWVzLjQy",
        ),
        (
            JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g-1"), "a7"),
            "1.Job.m.p1.g-1..a7",
            "MS5Kb2IubS5wMS5nLTEuLmE3",
        ),
        (
            JobRef(Plane.SERVICE, GraphKey("p1", graph_id="g-1", name="movies"), "42"),
            "1.Job.s.p1.g-1.movies.42",
            "MS5Kb2Iucy5wMS5nLTEubW92aWVzLjQy",
        ),
    ],
)
def test_the_id_of_a_job_is_what_clients_have_stored(ref: JobRef, text: str, id: str) -> None:
    """Version, kind, plane, project, graph and the id GES gave."""
    assert encoded(text) == id
    assert job_id_of(ref) == id
    assert read_job_id(id) == ref


@given(keys)
def test_every_graph_is_read_back_from_its_id(key: GraphKey) -> None:
    """Whichever parts name it."""
    assert read_id(graph_id_of(key)) == read_graph_id(graph_id_of(key)) == key


@given(refs)
def test_every_job_is_read_back_from_its_id(ref: JobRef) -> None:
    """Whichever plane runs it."""
    assert read_id(job_id_of(ref)) == read_job_id(job_id_of(ref)) == ref


@given(st.sets(st.one_of(keys, refs), min_size=2, max_size=2))
def test_different_objects_have_different_ids(pair: set[GraphKey | JobRef]) -> None:
    """Clients use ids as cache keys."""
    one, other = (job_id_of(named) if isinstance(named, JobRef) else graph_id_of(named) for named in pair)
    assert one != other


def accepted(text: str) -> bool:
    """Return whether a text is read as an id, having checked that it is then the only spelling of it."""
    try:
        named = read_id(text)
    except BadUserInputError:
        return False
    assert text == (job_id_of(named) if isinstance(named, JobRef) else graph_id_of(named))
    return True


@given(st.one_of(st.text(), st.text(LETTERS + "-_=+/ \n"), st.binary().map(lambda raw: encoded(raw.hex()))))
def test_foreign_text_is_no_id(text: str) -> None:
    """Nothing that this API did not write is read, and nothing fails in another way."""
    assert not accepted(text)


@given(
    st.sampled_from(["1", "2", ""]),
    st.sampled_from(["Job", "Graph", "job", ""]),
    st.lists(st.sampled_from(["m", "s", "p1", "g-1", "movies", "", "..", "a/b", "é"]), max_size=6),
    st.sampled_from(["", "=", "==", "A", "\n"]),
)
def test_what_is_nearly_an_id_is_read_in_one_spelling_only(
    version: str, kind: str, parts: list[str], ending: str
) -> None:
    """Every text that is accepted is the id of what it was read as."""
    accepted(encoded(".".join([version, kind, *parts])) + ending)


@given(refs, st.data())
def test_an_id_with_one_letter_changed_is_another_id_or_none(ref: JobRef, data: st.DataObject) -> None:
    """A second spelling of the same id would be a second cache key of the same job."""
    id = job_id_of(ref)
    position = data.draw(st.integers(0, len(id) - 1))
    letter = data.draw(st.sampled_from(LETTERS + "-_+/=").filter(lambda letter: letter != id[position]))
    changed = id[:position] + letter + id[position + 1 :]
    if accepted(changed):
        assert read_id(changed) != ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 1001,
        "\ud800",
        "MS5Kb2Iucy5wMS4ubW92aWVzLjQy=",
        " MS5Kb2Iucy5wMS4ubW92aWVzLjQy",
        "MS5Kb2Iucy5wMS4ubW92aWVzLjQy\n",
        encoded("2.Job.s.p1..movies.42"),
        encoded("1.Job.x.p1..movies.42"),
        encoded("1.Job.s.p1..movies.42.more"),
        encoded("1.Job.s.p1..42"),
        encoded("1.Job.s.p1...42"),
        encoded("1.Job.s...movies.42"),
        encoded("1.Job.s.p1..movies."),
        encoded("1.Job.s.p-1..movies.42"),
        encoded("1.Job.s.p1..mov/ies.42"),
        encoded("1.Job.s.p1..movies.-42"),
        encoded("1.Job.s.p1..movies.42\n"),
        encoded("1.Job.s.p1..movies." + "4" * 129),
        encoded("1.Graph.p1.."),
        encoded("1.Graph.p1.g 1."),
        encoded("1.Graph.p1.%2e%2e."),
        encoded("1.Gräph.p1..movies"),
        encoded("1"),
    ],
)
def test_damaged_ids_are_refused(text: str) -> None:
    """Ids from elsewhere are untrusted: each part must be able to be one path segment."""
    with pytest.raises(BadUserInputError):
        read_id(text)


def test_trailing_bits_make_no_second_spelling() -> None:
    """Base64 would ignore them."""
    id = graph_id_of(GraphKey("p1", graph_id="g-12"))
    assert id == "MS5HcmFwaC5wMS5nLTEyLg"
    with pytest.raises(BadUserInputError, match="no id of this API"):
        read_id("MS5HcmFwaC5wMS5nLTEyLh")


def test_the_longest_parts_fit_into_an_id() -> None:
    """All at their largest, so that no job is without one."""
    ref = JobRef(Plane.SERVICE, GraphKey("p" * 64, graph_id="g" * 128, name="n" * 128), "j" * 128)
    assert read_job_id(job_id_of(ref)) == ref


def test_the_id_of_a_job_names_no_graph() -> None:
    """Nor the other way round, and the message says which was wanted."""
    key = GraphKey("p1", name="movies")
    with pytest.raises(BadUserInputError, match="names no graph"):
        read_graph_id(job_id_of(JobRef(Plane.SERVICE, key, "42")))
    with pytest.raises(BadUserInputError, match="names no job"):
        read_job_id(graph_id_of(key))


@pytest.mark.parametrize("value", ["a", "0", "a-b_c", "f1529b88-c958-493e-8452-fccfe932cde1", "a" * 128])
def test_one_path_segment_is_a_part(value: str) -> None:
    """It comes back unchanged."""
    assert checked_part(value, "job id") == value


@pytest.mark.parametrize("value", ["", "-a", "_a", ".", "..", "a.b", "a/b", "a b", "a\n", "é", "٣", "a" * 129, "a%2f"])
def test_what_could_leave_its_path_segment_is_no_part(value: str) -> None:
    """The message names what it was meant to be."""
    with pytest.raises(BadUserInputError, match="The job id must be"):
        checked_part(value, "job id")


@pytest.mark.parametrize("value", ["p", "0b7c6bf3000f25b02f27c0005b1f0f85", "A" * 64])
def test_letters_and_digits_are_a_project(value: str) -> None:
    """It comes back unchanged."""
    assert checked_project(value) == value


@pytest.mark.parametrize("value", ["", "p-1", "p_1", "p/1", "p\n", "é", "A" * 65])
def test_anything_else_is_no_project(value: str) -> None:
    """It becomes a path segment and part of every key."""
    with pytest.raises(BadUserInputError, match="project id"):
        checked_project(value)
