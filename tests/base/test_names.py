"""Names from files that become part of a path."""

import pytest

from wavegan.base.names import RESERVED, is_name, part_of_name

WAYS_OUT = ("../../x", "/etc/x", "..", ".", "", "a/b", "nul\0", "x" * 2000)


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_way_to_another_folder_is_no_name(name):
    assert not is_name(name)


@pytest.mark.parametrize("name", ["little drums", "kleine Trömmelchen", "鼓" * 85, "a..b", "a: b", "aux", "\\x1b"])
def test_whatever_a_folder_can_be_called_is_a_name(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name", [*WAYS_OUT, "..\\..\\x", "C:x", "鼓" * 300, "🥁" * 300, "\ud800", "\x1b[2J\n", "x. . "]
)
def test_a_part_of_a_name_is_one_on_every_system(name, tmp_path):
    part = part_of_name(name)
    (tmp_path / f"evaluation by {part}").mkdir()
    (made,) = tmp_path.iterdir()
    assert made.name == f"evaluation by {part}" and part.isprintable()
    assert not set(part) & set('<>:"/\\|?*') and not part.endswith((".", " "))


def test_names_of_windows_devices_are_known():
    assert all(RESERVED.fullmatch(name) for name in ("CON", "nul.tfrecord", "com1.txt"))
    assert not any(RESERVED.fullmatch(name) for name in ("train-00000-of-00004.tfrecord", "console", "com"))
