"""What names say: paths in one form, what is left out because of its name, and names in an unknown encoding."""

import re
import unicodedata

BACKGROUND_NOISE = "_background_noise_"  # Speech Commands' recordings of noise, which are no class
IN_CLOUD = "not downloaded from iCloud: download it in the Finder first"
_PLACEHOLDER = re.compile(r"\.(.+)\.icloud")
_JAPANESE = re.compile("[\u3041-\u30fe\u3400-\u9fff]{2}")
_MISREAD = re.compile("[\uff61-\uff9f\ue000-\uf8ff]")


def normal(path: str) -> str:
    """A relative path in the form that is compared and hashed: composed Unicode and slashes, whichever system wrote it.

    >>> normal(r"./kick\\1.wav")
    'kick/1.wav'
    """
    path = unicodedata.normalize("NFC", path.replace("\\", "/"))
    return path.removeprefix("./")


def left_out(path: str) -> tuple[str, str] | None:
    """The first part of a relative path, with all before it, whose name says that it is no recording, and why.

    >>> left_out("kit/__MACOSX/kick/._1.wav")
    ('kit/__MACOSX', "macOS' notes about other files, no sound")
    """
    parts = path.replace("\\", "/").split("/")
    for count, part in enumerate(parts, 1):
        if reason := _reason(part):
            return "/".join(parts[:count]), reason
    return None


def _reason(name: str) -> str | None:
    if name == "__MACOSX" or name.startswith("._"):
        return "macOS' notes about other files, no sound"
    if name == BACKGROUND_NOISE:
        return "background noise, which is no class"
    return "hidden: the name begins with a dot" if name.startswith(".") else None


def in_cloud(path: str) -> str | None:
    """The path of the recording that a file of iCloud stands for; None where it is no such file.

    >>> in_cloud("kick/.1.wav.icloud")
    'kick/1.wav'
    """
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    match = _PLACEHOLDER.fullmatch(name)
    return f"{folder}{slash}{match[1]}" if match else None


def decoded(names: list[bytes]) -> tuple[list[str], str]:
    """Names of one archive that does not say their encoding: UTF-8 or Shift-JIS, where all of them can be that.

    Shift-JIS can be read out of most bytes. It is believed where characters of Japanese follow each other, and none is
    there that other encodings' bytes turn into: narrow kana, and what has no character at all.

    Returns:
        The names, and the name of the encoding. What is neither is read as code page 437, as the zip format says.
    """
    together = b"\n".join(names)
    for codec, encoding in (("utf-8", "UTF-8"), ("cp932", "Shift-JIS")):
        try:
            text = together.decode(codec)
        except UnicodeDecodeError:
            continue
        if codec == "utf-8" or (_JAPANESE.search(text) and not _MISREAD.search(text)):
            return [name.decode(codec) for name in names], encoding
    return [name.decode("cp437") for name in names], "code page 437"
