"""Files and folders appear whole or not at all."""

import pytest

from edgetrig import DataError, Error, ToolError
from edgetrig.errors import require
from edgetrig.files import existing_file, whole_file, whole_folder


def fail_halfway(target):
    with whole_file(target) as path:
        path.write_text("half")
        raise RuntimeError


def fail_halfway_in_folder(target):
    with whole_folder(target) as path:
        (path / "half").write_text("2")
        raise RuntimeError


def test_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with whole_file(target) as path:
        path.write_text("x")
        assert not target.exists()
    assert target.read_text() == "x"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_failed_file_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        fail_halfway(target)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "d"
    target.mkdir()
    with whole_folder(target) as path:
        (path / "old").write_text("1")
    with pytest.raises(RuntimeError):
        fail_halfway_in_folder(target)
    assert (target / "old").read_text() == "1"
    with whole_folder(target) as path:
        (path / "new").write_text("2")
    assert [p.name for p in target.glob("[!.]*")] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_folder_of_someone_else_stays(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(Error, match=r"holds 'thesis\.tex', which edgetrig did not write"),
        whole_folder(tmp_path) as path,
    ):
        (path / "new").write_text("2")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_was_added_to_a_written_folder_stays(tmp_path):
    target = tmp_path / "d"
    with whole_folder(target) as path:
        (path / "sub").mkdir()
        (path / "sub" / "old").write_text("1")
    (target / "sub" / "notes").write_text("of a day at the bench")
    with pytest.raises(Error, match="holds 'sub/notes'"), whole_folder(target) as path:
        (path / "new").write_text("2")
    (target / "sub" / "notes").unlink()
    with whole_folder(target) as path:
        (path / "new").write_text("2")
    assert not (target / "sub").exists()


def test_unwritable_places_are_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for door in (whole_file, whole_folder):
        with pytest.raises(Error, match="cannot be written"), door(tmp_path / "file" / "x"):
            pass
    with pytest.raises(Error, match="not a folder"), whole_folder(tmp_path / "file"):
        pass


def test_files_to_read(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        existing_file(tmp_path / "none")
    with pytest.raises(DataError, match="is a folder"):
        existing_file(tmp_path)


def test_missing_package_names_its_extra():
    with pytest.raises(ToolError, match=r"pip install 'edgetrig\[physics\]'"):
        require("no_such_package.part", "physics")
