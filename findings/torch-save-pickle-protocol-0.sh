#!/usr/bin/env bash
# torch.save takes pickle_protocol=0 without a word, and no torch.load reads what it writes. That protocol stores the name of
# a storage as text, so that the tuple with the storage's type, key and length comes back as one string: AssertionError,
# "saved_id must be a tuple, got str". The file does not say which of its storages belongs to which tensor.
# With protocol 1 the file is read, but only with weights_only=False; with the default, weights_only=True, it is refused.
#
# Version: torch 2.15.0 (PyPI), CPU, Python 3.11. Source: torch.serialization and torch._weights_only_unpickler of that package.
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
    (0, True): "UnpicklingError", (0, False): "AssertionError",
    (1, True): "UnpicklingError", (1, False): "same",
    (2, True): "same", (2, False): "same",
}
values = torch.arange(6, dtype=torch.float32)
for (protocol, weights_only), want in expected.items():
    file = io.BytesIO()
    torch.save({"w": values}, file, pickle_protocol=protocol)
    file.seek(0)
    try:
        got = "same" if torch.equal(torch.load(file, weights_only=weights_only)["w"], values) else "other"
        said = ""
    except Exception as error:
        got, said = type(error).__name__, f": {str(error).splitlines()[0][:110]}"
    print(f"protocol {protocol}, weights_only={weights_only}: {got}{said}")
    assert got == want, f"protocol {protocol}, weights_only={weights_only}: {got}, was {want}"
print("as it was")
PYTHON
