"""Fixtures that several test modules share."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

# The threads of an operation settle the order of its sums, so its last bits. Where there are two cores a training asks
# for one thread, but in a process that has computed before it gets one for each core: here all processes have one.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def signals_are_heeded():
    """What runs the tests may ignore some, such as `nohup`, or a shell with `&`; what is started here would, too."""
    usual = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL}
    for name, handler in usual.items():
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real recordings; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real recordings are not here ({SHARED_DATA.name}/ beside the repository's parent is absent)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def record():
    """Writes a recording: `record(path, samples=1000, sample_rate=8000, …)`, seeded noise or the given array."""
    return write_recording


def write_recording(path, samples=1000, sample_rate=8000, *, channels=1, subtype="PCM_16", container=None, seed=0):
    """Returns what was written, float32 [time, channels] in [-0.5, 0.5] where `samples` is a count."""
    import soundfile

    if isinstance(samples, int):
        samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        soundfile.write(file, samples, sample_rate, subtype=subtype, format=container or path.suffix[1:].upper())
    return samples


def listed(shard, format=3):
    """What `dataset.json` says of the file `shard`; from format 3 on with its index, which is written beside it."""
    import hashlib

    from wavegan.data.tfrecord import ENTRY, framed_records, save_index

    content = shard.read_bytes()
    frames = list(framed_records(content))
    file = {"name": shard.name, "clips": len(frames), "bytes": len(content)}
    if format < 3:
        return file
    index = np.array([(start, int.from_bytes(content[end - 4 : end], "little")) for start, end, _ in frames], ENTRY)
    return {**file, "sha256": hashlib.sha256(content).hexdigest(), "index_sha256": save_index(shard, index)}


@pytest.fixture
def room():
    """`room(bytes)`: from then on no file can grow larger, as on a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


RATE = 8000  # Hz, of `words`


def make(sources, out, **options):
    """`preprocess.convert.prepare` with small clips and no worker processes, unless `options` say otherwise."""
    from preprocess.convert import prepare
    from preprocess.options import Options

    sources = sources if isinstance(sources, list) else [sources]
    options = {"sample_rate": RATE, "length": 256, "workers": 1} | options
    return prepare([str(source) for source in sources], out, Options(**options))


@pytest.fixture
def words(tmp_path, record):
    """A folder of three classes with ten files each, of one to four windows."""
    for word in ("zero", "one", "two"):
        for index in range(10):
            record(tmp_path / "words" / word / f"{index}.wav", 200 + 80 * index, RATE, seed=index)
    return tmp_path / "words"


@pytest.fixture
def recordings(tmp_path, record):
    """Writes recordings of one clip each into a folder: `recordings("kit", "kick/1.wav", …)` returns its path."""

    def write(folder, *paths):
        for seed, path in enumerate(paths):
            record(tmp_path / folder / path, 256, seed=seed)
        return tmp_path / folder

    return write


@pytest.fixture(scope="session")
def drum_files(tmp_path_factory):
    """A folder with 24 one-shots of three kinds, as WAV files."""
    from preprocess import drumkit
    from wavegan.audio.wav import write_wav

    folder = tmp_path_factory.mktemp("recordings")
    for kind in ("kick", "snare", "tom"):
        (folder / kind).mkdir()
        for index in range(8):
            write_wav(folder / kind / f"{index}.wav", drumkit.render(kind, index, 4000)[:, None], 4000)
    return folder


@pytest.fixture(scope="session")
def drums(drum_files, tmp_path_factory):
    """A small data set of those: 1,024 samples a clip at 4 kHz. Read only."""
    from preprocess.convert import prepare
    from preprocess.options import Options

    directory = tmp_path_factory.mktemp("data") / "little drums"
    prepare([str(drum_files)], directory, Options(sample_rate=4000, length=1024, slices="first", workers=1))
    return directory


TINY = [
    *("--preset", "tiny", "--model-dim", "2", "--batch-size", "4", "--kernel-length", "9", "--critic-updates", "2"),
    *("--phase-shuffle", "2", "--ema", "0.9", "--conditional", "no", "--spectral-window", "64"),
    *("--precision", "float32"),  # on every processor, so that backends and machines make the same sounds
    *("--learning-rate-end", "1"),  # so that a run that gets more steps is one that had as many from the start
    *("--preview-every", "5", "--checkpoint-every", "4"),
]


@pytest.fixture(scope="session")
def trained(drums, tmp_path_factory):
    """A run of 10 steps on the small data set, made by the real command. Read only."""
    from wavegan.cli import train as train_command

    run = tmp_path_factory.mktemp("runs") / "kleine Trömmelchen"
    assert train_command.main(["--data", str(drums), "--run", str(run), "--steps", "10", *TINY]) == 0
    return run


@pytest.fixture(scope="session")
def trained_by_class(drums, tmp_path_factory):
    """A conditional run of 4 steps on the small data set, made by the real command. Read only."""
    from wavegan.cli import train as train_command

    run = tmp_path_factory.mktemp("runs") / "by class"
    conditional = [*TINY, "--conditional", "auto", "--critic-updates", "1"]
    assert train_command.main(["--data", str(drums), "--run", str(run), "--steps", "4", *conditional]) == 0
    return run


SMALL_FLOW = [
    *("--width", "8", "--blocks", "1", "--batch-size", "8", "--precision", "float32", "--learning-rate-end", "1"),
    *("--preview-every", "5", "--checkpoint-every", "4"),
]


@pytest.fixture(scope="session")
def flow_run(drums, tmp_path_factory):
    """A flow matching run of 6 steps on the small data set, made by the real command. Read only."""
    from wavegan.cli import train as train_command

    run = tmp_path_factory.mktemp("runs") / "flow"
    words = ["--data", str(drums), "--run", str(run), "--steps", "6", "--deterministic", *SMALL_FLOW]
    assert train_command.main_diffusion(words) == 0
    return run


@pytest.fixture(scope="session")
def tensorboard(trained):
    """The address of a real TensorBoard, on the loopback address, that has read that run."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(trained.parent), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--load_fast", "false"], stderr=subprocess.PIPE, text=True
    )
    try:
        found = (re.search(r"at (http://127\.0\.0\.1:\d+)", line) for line in process.stderr)
        address = next((match[1] for match in found if match), None) or pytest.fail("TensorBoard did not start")
        deadline = time.monotonic() + 60
        while trained.name not in json.load(urllib.request.urlopen(f"{address}/data/plugin/audio/tags")):
            assert time.monotonic() < deadline, "TensorBoard did not load the run"
            time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait()
