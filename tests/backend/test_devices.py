"""What is known of the processor."""

import pytest

from wavegan.backend import devices


@pytest.mark.parametrize(
    ("vendor", "flags", "faster"),
    [
        ("AuthenticAMD", "fpu avx512f avx512_bf16", True),
        ("AuthenticAMD", "fpu avx2", False),
        ("GenuineIntel", "fpu avx512f avx512_bf16", False),
        ("GenuineIntel", "fpu avx512f avx512_bf16 amx_bf16", True),
    ],
)
def test_bfloat16_is_for_processors_that_are_faster_in_it(monkeypatch, tmp_path, vendor, flags, faster):
    first, second = (f"processor\t: {core}\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n" for core in range(2))
    path = tmp_path / "cpuinfo"
    path.write_text(f"{first}\n{second}")
    monkeypatch.setattr(devices, "Path", lambda name: path if name == "/proc/cpuinfo" else None)
    monkeypatch.setattr(devices, "accelerators", lambda: [])
    monkeypatch.setattr(devices, "BACKEND", "tensorflow")
    assert devices.computes_bfloat16() == faster
    monkeypatch.setattr(devices, "BACKEND", "jax")
    assert not devices.computes_bfloat16()
    path.unlink()
    monkeypatch.setattr(devices, "BACKEND", "tensorflow")
    assert not devices.computes_bfloat16()
