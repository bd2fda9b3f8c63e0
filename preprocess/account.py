"""What became of every file and every clip, counted while it happens."""

from array import array
from collections import defaultdict
from typing import Any

import numpy as np

from preprocess.clips import Slices
from preprocess.labels import few_clips_note
from preprocess.options import SAMPLE_RATES
from preprocess.plan import Plan, PlannedFile
from wavegan.base.text import printable
from wavegan.data.schema import SPLITS

EXAMPLES = 3  # names shown for a remark; all are in `remarks`
FAINT = 10**-1.5  # in RMS, 30 dB below the beginning of the same recording: what is left of a sound that fades away
MANY_FAINT = 0.1  # share of all clips from which they are worth a note


class Account:
    """The counts of one conversion.

    Attributes:
        kept: files that gave at least one clip.
        skipped: (name, reason) of those that gave none.
        remarks: what is to be said of files that were kept, and of which.
        merged: whether the clips of all splits were counted as train's.
        faint: clips that are the faint ends of recordings whose first clip is the loudest.
        rate: the highest sample rate of a file that was kept, Hz.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kept = 0
        self.skipped = list(plan.skipped)
        self.merged = False
        self.padded = self.cut = self.dropped_tails = self.clipped = self.silent = self.faint = self.rate = 0
        self.per_class = {split: dict.fromkeys(plan.classes, 0) for split in SPLITS}
        self.rms = {split: array("d") for split in SPLITS}
        self.peak = dict.fromkeys(SPLITS, 0.0)
        self.remarks: dict[str, list[str]] = defaultdict(list)

    def keep(self, file: PlannedFile, slices: Slices) -> None:
        """Adds a file that gave clips."""
        self.kept += 1
        self.padded += slices.padded
        self.cut += slices.cut
        self.dropped_tails += slices.dropped_tail
        self.clipped += slices.clipped
        self.silent += slices.silent
        self.rate = max(self.rate, slices.rate)
        if slices.rms[0] == max(slices.rms):
            self.faint += sum(rms < FAINT * slices.rms[0] for rms in slices.rms)
        self.per_class[file.split][file.label] += len(slices.starts)
        self.rms[file.split].extend(slices.rms)
        self.peak[file.split] = max(self.peak[file.split], slices.peak)
        for remark in slices.remarks:
            self.remarks[remark].append(printable(file.name))

    def skip(self, file: PlannedFile, reason: str) -> None:
        """Adds a file that gave none."""
        self.skipped.append((file.name, reason))

    def merge_into_train(self) -> None:
        """Counts the clips of all splits as train's."""
        self.merged = True
        for split in SPLITS[1:]:
            for name in self.plan.classes:
                self.per_class["train"][name] += self.per_class[split][name]
                self.per_class[split][name] = 0
            self.rms["train"].extend(self.rms[split])
            self.rms[split] = array("d")
            self.peak["train"] = max(self.peak["train"], self.peak[split])

    @property
    def clips(self) -> int:
        """Clips in all splits."""
        return sum(len(rms) for rms in self.rms.values())

    def splits(self, files: dict[str, list[dict]]) -> dict[str, dict]:
        """Each split's part of `dataset.json`; `files` are as `Shards.finish` returns them."""
        seconds = self.plan.options.clip_length / self.plan.options.sample_rate
        return {
            split: {
                "files": files[split],
                "clips": len(self.rms[split]),
                "hours": round(len(self.rms[split]) * seconds / 3600, 6),
                "clips_per_class": self.per_class[split],
            }
            for split in SPLITS
        }

    def loudness(self) -> dict[str, dict[str, float]]:
        """Of the clips in train: root mean squares and the largest magnitude, linear in [0, 1] and in dBFS."""
        rms = np.frombuffer(self.rms["train"])
        p5, p50, p95 = np.percentile(rms, [5, 50, 95])
        values = {"rms_mean": rms.mean(), "rms_p5": p5, "rms_p50": p50, "rms_p95": p95, "peak": self.peak["train"]}
        return {
            name: {"linear": round(float(value), 6), "dbfs": round(float(20 * np.log10(value)), 2)}
            for name, value in values.items()
        }

    def report(self) -> dict[str, Any]:
        """The counts as stored.

        found: audio files of the chosen classes, = kept + skipped.   kept: files that gave clips.
        clips: in all splits.   padded: clips completed with silence.   clipped: clips with samples above full scale.
        cut: kept files of whose end a part is in no clip.   dropped_tails: those where that part is a last window less
        than a quarter full.   silent: windows left out because all their samples are zero.
        other_files: paths of files that are no audio.   other_classes: audio files of no chosen class.
        skipped: path and reason of every file that gave no clip.   left_out: path and reason of files and folders that
        are no recordings by their names, and were not read.   remarks: what is to be said of files that were kept, and
        the paths of these.   notes: what a person should know.
        """
        names = ("kept", "clips", "padded", "cut", "dropped_tails", "clipped", "silent")
        return {
            "found": self.kept + len(self.skipped),
            **{name: getattr(self, name) for name in names},
            "other_files": [printable(path) for path in self.plan.other_files],
            "other_classes": self.plan.other_classes,
            "skipped": [{"path": printable(path), "reason": reason} for path, reason in self.skipped],
            "left_out": [{"path": printable(path), "reason": reason} for path, reason in self.plan.left_out],
            "remarks": dict(sorted(self.remarks.items())),
            "notes": self._notes(),
        }

    def _notes(self) -> list[str]:
        notes = self.plan.notes()
        if self.merged:
            notes.append("too few files to split: all clips are in train, although some were drawn to be held out")
        clips = {name: sum(self.per_class[split][name] for split in SPLITS) for name in self.plan.classes}
        for name, count in clips.items():
            if not count:
                notes.append(f"class {name} is without clips: none of its files was usable")
        if self.faint >= MANY_FAINT * self.clips:
            notes.append(
                f"{self.faint:,} of {self.clips:,} clips are the ends of sounds that fade away, 30 dB or more below "
                "their beginning, and a model would learn near silence from them: --slices first keeps the beginnings "
                "alone"
            )
        if 2 * (enough := max(self.rate, SAMPLE_RATES[0])) <= self.plan.options.sample_rate:
            notes.append(
                f"no recording has more than {enough} Hz: --sample-rate {enough} loses nothing, and with fewer samples "
                "a clip trainings are faster"
            )
        if note := few_clips_note(clips):
            notes.append(note)
        return notes + [_noted(remark, names) for remark, names in sorted(self.remarks.items())]


def _noted(remark: str, names: list[str]) -> str:
    more = ", …" if len(names) > EXAMPLES else ""
    files = "1 file" if len(names) == 1 else f"{len(names):,} files"
    return f"{files} {remark}: {', '.join(names[:EXAMPLES])}{more}"
