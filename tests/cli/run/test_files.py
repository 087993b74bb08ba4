"""Lines in files: rotated by hour and size, complete, and not hurt by a disk that is full."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ConfigError
from holdfast_cli.run.sinks import Files

HOUR = 3600.0
NOON = 1763726400.0  # 2025-11-21T12:00:00Z


def lines(*numbers: int, width: int = 10) -> bytes:
    return b"".join(b"%0*d\n" % (width - 1, number) for number in numbers)


def made(folder: Path, **options: object) -> Files:
    files = Files(str(folder), **options)  # type: ignore[arg-type]
    files.clock = lambda: NOON
    files.open()
    return files


def content(path: Path) -> bytes:
    data = path.read_bytes()
    if ".zst" in path.name:
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_under_its_own_name_when_it_is_complete(tmp_path: Path) -> None:
    files = made(tmp_path / "new" / "folder", name="trades")
    files.write(lines(1, 2))
    folder = tmp_path / "new" / "folder"
    assert names(folder) == ["trades-20251121T120000-0001.jsonl.part"]
    assert (folder / names(folder)[0]).read_bytes() == lines(1, 2), "written at once"
    files.close()
    assert names(folder) == ["trades-20251121T120000-0001.jsonl"]
    assert (folder / names(folder)[0]).read_bytes() == lines(1, 2)


def test_a_file_in_which_there_would_be_nothing_is_not_left(tmp_path: Path) -> None:
    made(tmp_path).close()
    made(tmp_path, compress="zstd").close()
    assert names(tmp_path) == []


def test_a_new_file_begins_before_one_is_too_large(tmp_path: Path) -> None:
    files = made(tmp_path, max_size=35)
    files.write(lines(*range(8)))
    files.write(lines(8))
    files.close()
    assert [content(tmp_path / name) for name in names(tmp_path)] == [lines(0, 1, 2), lines(3, 4, 5), lines(6, 7, 8)]


def test_a_line_that_is_larger_than_any_file_has_one_for_itself(tmp_path: Path) -> None:
    files = made(tmp_path, max_size=35)
    files.write(lines(1) + lines(2, width=100) + lines(3))
    files.close()
    assert [content(tmp_path / name) for name in names(tmp_path)] == [lines(1), lines(2, width=100), lines(3)]


@pytest.mark.parametrize(("every", "count"), [("hour", 3), ("day", 2), ("never", 1)])
def test_a_new_file_begins_with_every_hour(every: str, count: int, tmp_path: Path) -> None:
    files = made(tmp_path, every=every)
    for number, now in enumerate([NOON, NOON + HOUR - 1, NOON + HOUR, NOON + 12 * HOUR]):
        files.clock = lambda now=now: now  # type: ignore[misc]
        files.write(lines(number))
    files.close()
    assert len(names(tmp_path)) == count
    assert b"".join(content(tmp_path / name) for name in names(tmp_path)) == lines(0, 1, 2, 3)


def test_two_of_one_name_do_not_share_a_file(tmp_path: Path) -> None:
    one, two = made(tmp_path), made(tmp_path)
    one.write(lines(1))
    two.write(lines(2))
    one.close()
    two.close()
    three = made(tmp_path)
    three.write(lines(3))
    three.close()
    assert sorted(content(tmp_path / name) for name in names(tmp_path)) == [lines(1), lines(2), lines(3)]


def test_only_so_many_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "holdfast-notes.jsonl").write_text("mine")
    files = made(tmp_path, max_size=10, keep=2)
    files.write(lines(*range(5)))
    files.close()
    assert [content(tmp_path / name) for name in names(tmp_path)] == [lines(3), lines(4), b"mine"]


def test_compressed_files_are_read_back(tmp_path: Path) -> None:
    files = made(tmp_path, compress="zstd")
    for number in range(100):
        files.write(lines(number))
    (part,) = tmp_path.iterdir()
    assert content(part) == lines(*range(100)), "what was written can be read before the end"
    files.close()
    (name,) = names(tmp_path)
    assert name.endswith(".jsonl.zst")
    assert zstandard.ZstdDecompressor().decompress((tmp_path / name).read_bytes(), 10_000) == lines(*range(100)), (
        "whole"
    )


class Disk:
    """`os.write` that now and then takes a part only, or finds the disk full."""

    def __init__(self, script: list[int]) -> None:
        self.script = script
        self._write: Callable[..., int] = os.write

    def write(self, fd: int, data: memoryview) -> int:
        room = self.script.pop(0) if self.script else len(data)
        if room == 0 and len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(fd, data[:room])


@given(
    script=st.lists(st.integers(0, 25), max_size=20),
    batches=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    max_size=st.sampled_from([10, 35, 1000]),
    compress=st.sampled_from(["none", "zstd"]),
)
def test_a_full_disk_neither_loses_nor_repeats_nor_halves_a_line(
    script: list[int], batches: list[int], max_size: int, compress: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("disk")
    files = made(folder, max_size=max_size, compress=compress)
    disk, number = Disk(script), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", disk.write)

        def insist(what: Callable[[], None]) -> None:
            for _ in range(100):
                try:
                    what()
                except OSError:
                    for path in folder.iterdir():
                        assert content(path).endswith(b"\n") or not content(path), "no half line at any time"
                else:
                    return
            raise AssertionError("never done")

        for batch in batches:
            given_lines = lines(*range(number, number + batch))
            insist(lambda given_lines=given_lines: files.write(given_lines))  # type: ignore[misc]
            number += batch
        insist(files.close)
    assert b"".join(content(folder / name) for name in names(folder)) == lines(*range(number))
    assert not [name for name in names(folder) if name.endswith(".part")]


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_an_error_while_a_file_is_completed_does_no_harm(
    compress: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = made(tmp_path, compress=compress)
    files.write(lines(1, 2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: Disk([0]).write(0, memoryview(b"x")))
        with pytest.raises(OSError, match="No space left"):
            files.close()
    files.close()
    (name,) = names(tmp_path)
    data = (tmp_path / name).read_bytes()
    if compress == "zstd":
        made_object = zstandard.ZstdDecompressor().decompressobj()
        assert (made_object.decompress(data), made_object.unused_data) == (lines(1, 2), b"")
    else:
        assert data == lines(1, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folder": ""}, "folder"),
        ({"name": "a/b"}, "name = 'a/b'"),
        ({"max_size": 0}, "max_size = 0"),
        ({"level": 23}, "level = 23"),
        ({"keep": 0}, "keep = 0"),
    ],
)
def test_what_cannot_be_is_an_error(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Files(**{"folder": "x", **options})  # type: ignore[arg-type]


def test_compression_names_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast_cli.run.sinks.files.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'holdfast\[zstandard\]'"):
        Files("x", compress="zstd")


def test_a_file_that_cannot_get_its_name_is_not_done(tmp_path: Path) -> None:
    files = made(tmp_path / "data")
    files.write(lines(1))
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            files.close()
    (tmp_path / "elsewhere").rename(tmp_path / "data")
    files.write(lines(2))
    files.close()
    assert [content(path) for path in sorted((tmp_path / "data").iterdir())] == [lines(1), lines(2)]
