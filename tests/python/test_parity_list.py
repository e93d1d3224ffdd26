"""What the list of expected failures of the parity corpus excuses."""

import importlib
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "parity"))
replay = importlib.import_module("replay")


def report(*paths: str):
    return {"aspects": {"stream": [{"path": path} for path in paths], "strict": [{"path": "chunks"}]}}


def test_a_line_is_a_pattern_and_the_paths_it_excuses(tmp_path: Path):
    file = tmp_path / "expected.txt"
    file.write_text("# head\n\na/stream/*@*  stream.ids rebuilt.*  # why\nb/chat/x@*  # why\n")
    assert replay.read_expected(file) == [("a/stream/*@*", "stream.ids", "rebuilt.*"), ("b/chat/x@*",)]


def test_only_named_paths_are_excused():
    line = ("a/stream/*@*", "stream.ids")
    used: set[tuple[str, ...]] = set()
    assert replay.excused(report("stream.ids"), [line], False, used)
    assert used == {line}
    assert not replay.excused(report("stream.ids", "stream.error.class"), [line], False, used)
    other = ("a/stream/error@*", "stream.error.*")
    assert replay.excused(report("stream.ids", "stream.error.class"), [line, other], False, used)


def test_a_line_without_paths_excuses_its_runs_and_one_that_excuses_nothing_shows():
    used: set[tuple[str, ...]] = set()
    assert replay.excused(report("stream.error"), [("a/stream/cut@*",)], False, used)
    assert used == {("a/stream/cut@*",)}
    idle = ("a/stream/cut@*", "stream.ids")
    assert not replay.excused(report("stream.error"), [idle], False, used)
    assert idle not in used


def test_every_line_gives_its_rule_or_its_heading():
    """A reason begins with rules, or with a heading of docs/differences.md; both are checked by the group."""
    root = Path(__file__).parents[2]
    headings = set(re.findall(r"^## (.+)$", (root / "docs" / "differences.md").read_text(), re.MULTILINE))
    group = None
    for line in (root / "tests" / "parity" / "expected-failures.txt").read_text().splitlines():
        if line.startswith("# ["):
            group = line[3:-1] if line.endswith("]") else group
        if not line or line.startswith("#"):
            continue
        start = line.split("  # ")[1].split(": ")[0]
        rules = re.fullmatch(r"[A-Z]+-\d+(, [A-Z]+-\d+)*", start)
        assert group in ("fix", "match", "documented"), line
        assert bool(rules) == (group != "documented"), line
        assert rules or start in headings, line
