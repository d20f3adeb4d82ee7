"""Answers of the solver, kept between runs: a second proof of a design is quick."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib import metadata
from pathlib import Path

from edgetrig.files import whole_file


class Memory:
    """Answers by the digest of their question, in one file for each state of the proof's sources.

    Parameters
    ----------
    folder
        Where the file lies; the user's cache folder if left out.
    """

    def __init__(self, folder: Path | None = None) -> None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgetrig"
        self._path = (folder or home) / f"proofs-{_state()}.json"
        self._answers: dict[str, str] = {}
        self._new = False
        try:
            content = json.loads(self._path.read_text())
            if content["digest"] == _digest(content["answers"]):
                self._answers = content["answers"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # no answers yet, or a file that was damaged: ask again

    def get(self, key: str) -> str | None:
        """Return what was answered, if it was asked before."""
        return self._answers.get(key)

    def put(self, key: str, answer: str) -> None:
        """Remember an answer; one that took too long is not kept."""
        if answer != "open":
            self._answers[key] = answer
            self._new = True

    def save(self) -> None:
        """Write the file, if there is something new."""
        if self._new:
            content = {"digest": _digest(self._answers), "answers": self._answers}
            with whole_file(self._path) as temporary:
                temporary.write_text(json.dumps(content))
            self._new = False


def _digest(answers: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()


@cache
def _state() -> str:
    """Return a digest of the solver's version and of all that puts questions to it."""
    state = hashlib.sha256(metadata.version("bitwuzla").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        state.update(source.read_bytes())
    return state.hexdigest()[:16]
