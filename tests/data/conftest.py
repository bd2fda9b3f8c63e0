"""The small data set of drums, opened. Read only."""

import pytest

from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo


@pytest.fixture(scope="module")
def info(drums):
    return DatasetInfo.load(drums)


@pytest.fixture(scope="module")
def records(drums, info):
    return Records(drums, info)
