"""`python -m preprocess` as a person meets it: help, errors in one line, progress, the report."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import preprocess
from preprocess.report import WIDTH, format_report
from wavegan.cli.preprocess import main
from wavegan.data.schema import SPLITS, DatasetInfo

ROOT = Path(preprocess.__file__).parent.parent
SMALL = ["--sample-rate", "8000", "--length", "256", "--workers", "1"]


@pytest.fixture
def words(tmp_path, record):
    for word in ("zero", "größe"):
        for index in range(8):
            record(tmp_path / "my words" / word / f"{index}.wav", 300 + 80 * index, seed=index)
    return tmp_path / "my words"


def run(*arguments, **environment):
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "preprocess", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_help_answers_at_once_and_loads_nothing_heavy():
    code = "import sys, preprocess.__main__ as m\ntry: m.main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "SOURCE" in done.stdout and "--sample-rate" in done.stdout
    assert not any(f"'{module}'" in done.stdout for module in ("numpy", "soundfile", "tensorflow", "tqdm"))


LIGHT = """
import sys
allowed = {*sys.stdlib_module_names, "preprocess", "wavegan", "numpy", "filelock", "google_crc32c", "av", "soundfile",
           "_soundfile", "_soundfile_data", "soxr", "tqdm", "cffi", "_cffi_backend", "typing_extensions"}

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
import wavegan.cli.preprocess
raise SystemExit(wavegan.cli.preprocess.main(sys.argv[1:]))
"""


def test_preparing_data_needs_no_keras_and_no_tensorflow(words, tmp_path):
    """Nor anything else that a training needs: they cannot be imported here."""
    command = [sys.executable, "-c", LIGHT, words, "drums", "--out", tmp_path / "out", *SMALL]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert DatasetInfo.load(tmp_path / "out").splits["train"]["clips"] > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error: the following arguments are required: SOURCE, --out"),
        (["a", "--out", "b", "--colour"], "error: unrecognized arguments: --colour"),
        (["a", "--out", "b", "--length", "long"], "error: argument --length: invalid int value: 'long'"),
    ],
)
def test_usage_errors_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert ended.value.code == 2 and captured.out == ""
    assert captured.err.startswith(message) and captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--length", "20000"], "--length must be 16 × a power of two, such as 16384. Received: 20000."),
        (["--classes", ","], "--classes must name at least one folder, such as kick,snare. Received: nothing."),
        (["--channels", "5"], "--channels must be 1 or 2. Received: 5."),
        (["nowhere"], "SOURCE nowhere does not exist. Expected a folder"),
        (["--classes", "zero,one"], "--classes must name classes that are there: größe, zero. Not there: one."),
    ],
)
def test_a_user_s_mistake_is_one_line_and_leaves_nothing(words, tmp_path, arguments, message, capsys):
    assert main([str(words), *arguments, "--out", str(tmp_path / "new" / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.splitlines()[-1].startswith(f"error: {message}")
    assert os.listdir(tmp_path) == ["my words"]


def test_an_existing_data_set_needs_overwrite(words, tmp_path, capsys):
    command = [str(words), "--out", str(tmp_path / "out"), *SMALL]
    assert main(command) == 0
    assert main(command) == 2
    assert "exists. Choose another name, or replace it with --overwrite." in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_every_flag_arrives(words, tmp_path):
    flags = ["--sample-rate", "4000", "--length", "512", "--channels", "2", "--slices", "first", "--normalize", "peak"]
    flags += ["--label", "top", "--classes", " zero ,größe", "--validation", "10", "--test", "0", "--workers", "2"]
    assert main([str(words), "--out", str(tmp_path / "out"), *flags]) == 0
    assert DatasetInfo.load(tmp_path / "out").options == {
        "sample_rate": 4000,
        "length": 512,
        "channels": 2,
        "slices": "first",
        "normalize": "peak",
        "label": "top",
        "classes": ["zero", "größe"],
        "validation": 10.0,
        "test": 0.0,
    }


def test_the_report_accounts_for_everything_and_names_the_next_command(words, tmp_path, record, capsys):
    for index in range(5):
        (words / "zero" / f"text{index}.wav").write_text("not a sound")
    record(words / "zero" / "nan.wav", np.full(100, np.nan), subtype="FLOAT")
    (words / "README").write_text("x")
    assert main([str(words), "--out", str(tmp_path / "o u t"), *SMALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    info = DatasetInfo.load(tmp_path / "o u t")
    clips = info.report["clips"]
    assert lines[0].endswith(f"o u t: {clips} clips of 256 samples (0.032 s at 8000 Hz, mono), 2 classes")
    assert "files    22 found, 16 kept, 6 skipped; left alone as no audio: 1 × without extension" in lines
    reason = "not readable as audio: Format not recognised"
    named = "zero/text0.wav, zero/text1.wav, zero/text2.wav … (all in dataset.json)"
    assert f"       5 × {reason}: {named}" in lines
    assert "       1 × holds samples that are not finite (NaN or infinity): zero/nan.wav" in lines
    row = next(line.split() for line in lines if line.startswith("größe"))
    assert row[1:4] == [str(info.splits[split]["clips_per_class"]["größe"]) for split in SPLITS]
    assert any(line.startswith("loudness of train  mean RMS -") for line in lines)
    assert lines[-2:] == [
        f"next: python train_wavegan.py --data '{tmp_path}/o u t'",
        f"or:   python train_diffusion.py --data '{tmp_path}/o u t'   "
        "(on a CPU better sounds, each of which takes longer)",
    ]


def test_the_report_of_many_classes_fits_a_screen():
    classes = [f"class{index:02d}" for index in range(35)]
    split = {"files": [], "clips": 350, "hours": 0.1, "clips_per_class": dict.fromkeys(classes, 10)}
    counts = dict.fromkeys(("padded", "cut", "dropped_tails", "clipped", "silent", "other_classes"), 0)
    report = counts | dict.fromkeys(("found", "kept", "clips"), 1050)
    report |= {name: [] for name in ("other_files", "skipped", "left_out", "notes")}
    level = {"linear": 0.1, "dbfs": -20.0}
    loudness = dict.fromkeys(("rms_mean", "rms_p5", "rms_p50", "rms_p95", "peak"), level)
    splits = dict.fromkeys(SPLITS, split)
    info = DatasetInfo("many", 8000, 8192, 1, classes, splits, loudness, report, {}, [])
    lines = format_report(info, "data/many")
    assert len(lines) < 24 and max(map(len, lines)) <= WIDTH + 2
    assert " ".join(lines).count("10/10/10") == 35


def test_the_command_works_from_anywhere_and_its_log_stays_readable(words, tmp_path):
    (words / "zero" / "broken.mp3").write_bytes(b"ID3" + bytes(3000))  # the decoder would comment on it
    done = run(words, "--out", tmp_path / "o ü t", *SMALL)
    assert (done.returncode, "\r" in done.stderr) == (0, False)
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == {"listing my words", "converting"}
    assert "converting: 17 of 17 files (100 %)" in done.stderr and "zero/broken.mp3" in done.stdout


def test_a_broken_locale_breaks_nothing(words, tmp_path):
    shutil.copy(words / "zero" / "0.wav", os.fsencode(words) + b"/zero/\xff\x1b[31m.wav")
    (words / "zero" / "bad\nname.wav").write_text("not a sound")
    done = run(words, "--out", tmp_path / "out", *SMALL, LC_ALL="C", PYTHONIOENCODING="ascii:backslashreplace")
    assert done.returncode == 0, done.stderr
    assert "zero/bad\\nname.wav" in done.stdout and "\x1b" not in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupt_and_kill_leave_nothing_and_no_traceback(tmp_path, record, number, code):
    record(tmp_path / "in" / "a" / "long.wav", 8000 * 60 * 20)
    command = [sys.executable, "-m", "preprocess", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    command += ["--sample-rate", "48000", "--workers", "1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any(name.startswith(".out.partial") for name in os.listdir(tmp_path)) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), err
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == ["in"]
