#!/usr/bin/env bash
# torch.save writes, in the form from before PyTorch 1.6, files of 8-bit floats and of unsigned integers of 16 to 64 bits that
# torch.load of the same version refuses: AttributeError, type object 'torch.storage.UntypedStorage' has no attribute 'dtype'.
# The same tensors in today's zip form, and bfloat16 in the old form, come back as they were.
#
# The values are all in such a file: a reader that knows the form can take them out.
#
# Version: torch 2.15.0 (PyPI), CPU, Python 3.11. Source: torch.serialization, torch.storage of that package.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-cache-dir torch==2.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import torch

print("torch", torch.__version__)
expected = {
    (torch.bfloat16, True): "same", (torch.bfloat16, False): "same",
    (torch.float8_e4m3fn, True): "same", (torch.float8_e4m3fn, False): "AttributeError",
    (torch.float8_e5m2, True): "same", (torch.float8_e5m2, False): "AttributeError",
    (torch.uint16, True): "same", (torch.uint16, False): "AttributeError",
    (torch.uint32, True): "same", (torch.uint32, False): "AttributeError",
}
values = torch.arange(6, dtype=torch.float32)
for (kind, zipped), want in expected.items():
    written = values.to(kind)
    file = io.BytesIO()
    torch.save({"w": written}, file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    try:
        read = torch.load(file, weights_only=True)["w"]
        got = "same" if read.dtype == kind and torch.equal(read.float(), written.float()) else "other"
    except Exception as error:
        got = type(error).__name__
        print(f"{str(kind):22} {'zip' if zipped else 'old'}: {got}: {str(error).splitlines()[0]}")
    else:
        print(f"{str(kind):22} {'zip' if zipped else 'old'}: {got}")
    assert got == want, f"{kind}, zip {zipped}: {got}, was {want}"
print("as it was")
PYTHON
