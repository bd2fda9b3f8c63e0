"""Fixtures that several test modules share."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real recordings; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real recordings are not here ({SHARED_DATA.name}/ beside the repository's parent is absent)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def drum_files(tmp_path_factory):
    """A folder with 24 one-shots of three kinds, as WAV files."""
    from preprocess import drumkit
    from preprocess.audio import write_wav

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
