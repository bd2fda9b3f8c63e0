"""TensorBoard's files of a run: complete, and no step in them twice."""

import resource

import pytest
import tensorflow as tf

from wavegan.base.errors import UserError
from wavegan.data.tfrecord import framed_records
from wavegan.runs.events import Events, forget_after


def steps(folder):
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        events = [tf.compat.v1.Event.FromString(record) for record in records]
        assert events[0].file_version
        found += [event.step for event in events if event.summary.value]
    return found


def write(folder, numbers):
    events = Events(folder)
    for number in numbers:
        with events.at(number):
            tf.summary.scalar("loss", 1.0)
    events.close()


def test_what_comes_after_a_step_is_forgotten_and_the_rest_stays(tmp_path):
    write(tmp_path, range(0, 8))
    write(tmp_path, range(8, 12))
    forget_after(tmp_path, 5, pytest.fail)
    assert steps(tmp_path) == [0, 1, 2, 3, 4, 5]
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    forget_after(tmp_path, 5, pytest.fail)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == before


def test_a_half_written_last_event_goes_too(tmp_path):
    write(tmp_path, range(4))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    forget_after(tmp_path, 9, pytest.fail)
    assert steps(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize(("which", "kept"), [(2, [0, 2, 3, 4, 5]), (-1, [0, 1, 2, 3, 4, 5])])
def test_a_damaged_event_is_reported_and_takes_no_other_with_it(tmp_path, which, kept):
    write(tmp_path, range(8))
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    events = [(start, end) for start, end, _ in framed_records(bytes(content))]
    content[events[which][1] - 6] ^= 1
    path.write_bytes(content)
    lines = []
    forget_after(tmp_path, 5, lines.append)
    assert steps(tmp_path) == kept and len(lines) == 1 and "is damaged" in lines[0]


def test_a_run_that_begins_again_forgets_everything(tmp_path):
    write(tmp_path, range(4))
    (tmp_path / "config.json").touch()
    forget_after(tmp_path, 0, pytest.fail)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_on_a_full_disk_nothing_is_lost(tmp_path):
    write(tmp_path, range(8))
    (path,) = tmp_path.iterdir()
    before, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(UserError, match="TensorBoard's events in .* cannot be written"):
            forget_after(tmp_path, 5, pytest.fail)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_warning_is_a_text(tmp_path):
    events = Events(tmp_path)
    events.text("warnings", "gone silent", 7)
    events.close()
    (path,) = tmp_path.iterdir()
    last = [tf.compat.v1.Event.FromString(r) for r in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()][-1]
    assert last.step == 7 and last.summary.value[0].tag == "warnings"
    assert tf.make_ndarray(last.summary.value[0].tensor).item() == b"gone silent"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="TensorBoard's events in .*file/x cannot be written"):
        events = Events(tmp_path / "file" / "x")
        with events.at(1):
            tf.summary.scalar("loss", 1.0)
