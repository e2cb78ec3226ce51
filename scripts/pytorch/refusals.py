"""Files of real PyTorch that are no state dict of the network, and the types of numbers that are."""

import copy

import safetensors.torch
import torch
import torchvision


class Accepted(Exception):
    """Says which file was not treated as it should be."""


def files(model, folder):
    """Writes a file of each kind; gives it with words that the refusal must have."""
    state = model.state_dict()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.eval()

    torch.save(model, folder / "module.pt")
    yield "module.pt", ["ResNet", "state_dict"]
    torch.jit.script(model).save(folder / "script.pt")
    yield "script.pt", ["TorchScript", "state_dict"]
    torch.save(optimizer.state_dict(), folder / "optimizer.pt")
    yield "optimizer.pt", ["not a tensor"]
    torch.save({k: v.to(torch.int8) for k, v in state.items()}, folder / "whole.pt")
    yield "whole.pt", ["I8", "floats"]
    torch.save({k: v.to(torch.complex64) for k, v in state.items()}, folder / "complex.pt")
    yield "complex.pt", ["C64", "floats"]
    torch.save({k: v for k, v in state.items() if k != "fc.bias"}, folder / "less.pt")
    yield "less.pt", ["lacks `fc.bias`"]
    other = torchvision.models.resnet18(num_classes=1000).state_dict()
    safetensors.torch.save_file(other, folder / "classes.safetensors")
    yield "classes.safetensors", ["1000 classes", "10"]
    torch.save(torchvision.models.squeezenet1_1(num_classes=10).state_dict(), folder / "squeeze.pt")
    yield "squeeze.pt", ["lacks", "[network]"]
    broken = {k: v.clone() for k, v in state.items()}
    broken["conv1.weight"][0, 0, 0, 0] = float("inf")
    torch.save(broken, folder / "infinite.pt")
    yield "infinite.pt", ["`conv1.weight`", "not finite"]


def check(surfit, model, config, folder, measure):
    """Each of those is refused in one sentence that names it; floats of other widths are read."""
    for name, words in files(model, folder):
        done = surfit.start("eval", folder / name, "--config", config, "--split", "test")
        said = done.stderr.strip()
        missing = [word for word in [name, *words] if word not in said]
        if done.returncode != 1 or "\n" in said or missing:
            raise Accepted(f"{name}: ended with {done.returncode} and said: {said} (expected {words})")
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        state = {k: v.to(kind) if v.is_floating_point() else v for k, v in model.state_dict().items()}
        torch.save(state, folder / "kind.pt")
        rounded = copy.deepcopy(model)
        rounded.load_state_dict(state, strict=True)
        ours, theirs = surfit.eval(folder / "kind.pt", config), measure(rounded)
        if abs(ours[0] - theirs[0]) > 1 or abs(ours[1] - theirs[1]) > 1e-3 * max(1.0, theirs[1]):
            raise Accepted(f"weights of {kind}: surfit measures {ours}, PyTorch {theirs}")
