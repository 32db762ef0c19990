"""The threats that this gateway is held against, R1 to R32: each has a test that is named after it."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
THREATS = {
    1: "a token in logs, errors, keys or metrics",
    2: "a kept result given to somebody without rights",
    3: "a result under way shared with somebody without rights",
    4: "a subscription shared, or outliving its rights",
    5: "keys that read alike",
    6: "addresses that GES or a client makes up",
    7: "ids that climb out of their segment",
    8: "redirects that carry the token away",
    9: "cookies and headers of one caller reaching another",
    10: "ambiguous credentials",
    11: "expensive documents",
    12: "many rows times many aliases",
    13: "bodies that are bombs",
    14: "batches and floods",
    15: "slow clients",
    16: "a slow or hung plane",
    17: "storms of repeats",
    18: "stampedes",
    19: "one plane starving the other",
    20: "outage and recovery",
    21: "poisoned answers",
    22: "bombs from GES",
    23: "poison and growth in what is kept",
    24: "forged requests of other pages",
    25: "names of the schema told in production",
    26: "details in errors",
    27: "smuggled requests",
    28: "abandoned work",
    29: "overload",
    30: "floods and forgeries in the log",
    31: "the supply chain",
    32: "answers kept on the way",
}


def test_every_threat_has_a_test_named_after_it() -> None:
    """And no test is named after a threat that is not listed."""
    names = [
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_r")
    ]
    named = {int(number) for name in names for number in re.findall(r"(?:^test|(?<=\d))_r(\d\d)(?=_)", name)}
    assert named == set(THREATS)
