"""Fixtures that several tests of the evaluation share. What is made once a session is to be read only."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY
from tests.evaluation.support import prepared_drums
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.protocol import Evaluation


@pytest.fixture(scope="session")
def kit(tmp_path_factory):
    """A data set of three kinds of drums, some 60 of them held out, whose classifier is trained already."""
    return prepared_drums(tmp_path_factory.mktemp("kit") / "wav")


@pytest.fixture(scope="session")
def evaluation(kit):
    return Evaluation(kit, DatasetInfo.load(kit), 100)


@pytest.fixture(scope="session")
def run_of_8(kit, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    assert train_command.main(["--data", str(kit), "--run", str(path), "--steps", "8", *TINY]) == 0
    return path


@pytest.fixture
def run(run_of_8, tmp_path):
    """A run of 8 steps with checkpoints of the steps 0, 4 and 8."""
    return Path(shutil.copytree(run_of_8, tmp_path / "run"))


@pytest.fixture(scope="session")
def snares(tmp_path_factory):
    """A data set without classes: 228 clips for training, 55 held out."""
    return prepared_drums(tmp_path_factory.mktemp("snares") / "wav", ("snare",), count=300)


@pytest.fixture(scope="session")
def of_snares(snares):
    return Evaluation(snares, DatasetInfo.load(snares), 1000)
