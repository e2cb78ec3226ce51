//! Checkpoints as training scripts keep them: a state dict beside anything.

use super::super::pickle_tensors;
use super::pytorch_files::{PickleWriter, archive, check_state_dict, state_dict, storages};
use super::*;
use std::time::{Duration, Instant};

impl PickleWriter {
    /// A number of NumPy: `scalar(dtype, bytes)`, in the folder that NumPy 1 or 2 has for it.
    fn numpy_scalar(self, folder: &str) -> Self {
        self.global(&format!("numpy.{folder}.multiarray"), "scalar")
            .global("numpy", "dtype")
            .raw(b"(")
            .text("f8")
            .raw(b"\x89\x88tR(K\x03")
            .text("<")
            .raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
            .global("_codecs", "encode")
            .text("12345678")
            .text("latin1")
            .raw(b"\x86R\x86R")
    }

    /// What stands beside state dicts, as `torch.save` writes it.
    fn training_state(self) -> Self {
        self.text("epoch")
            .raw(b"K\x07")
            .text("args")
            .global("argparse", "Namespace")
            .raw(b")\x81}(")
            .text("lr")
            .raw(b"G\x3f\xb9\x99\x99\x99\x99\x99\x9a")
            .text("out")
            .global("pathlib", "PosixPath")
            .raw(b"(")
            .text("/")
            .raw(b"tRub")
            .text("best")
            .numpy_scalar("core")
            .text("last")
            .numpy_scalar("_core")
            .text("history")
            .global("collections", "defaultdict")
            .global("builtins", "list")
            .raw(b"\x85R")
            .text("loss")
            .raw(b"](K\x01K\x02es")
            .text("recent")
            .global("collections", "deque")
            .raw(b")R(K\x01K\x02e")
            .text("counts")
            .global("collections", "Counter")
            .raw(b"}\x85R")
            .text("seen")
            .raw(b"\x8f(K\x01K\x02\x90")
            .text("frozen")
            .raw(b"(K\x01\x91")
            .text("seed")
            .raw(b"\x8b\x09\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09")
            .text("late")
            .global("thing", "Made")
            .raw(b")}\x92")
            .text("optimizer")
            .raw(b"}(")
            .text("state")
            .raw(b"}K\x00}")
            .text("exp_avg")
            // Its storage is not in the archive: nothing beside the state dict is looked up.
            .tensor("FloatStorage", "99", 6, 0, &[6], &[1])
            .raw(b"ss")
            .text("param_groups")
            .raw(b"](}")
            .text("params")
            .raw(b"](K\x00eseu")
    }
}

fn inner() -> Vec<u8> {
    state_dict().0.split_off(2)
}

#[test]
fn other_values_beside_a_state_dict_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["state_dict", "model_state_dict", "model", "net"] {
        for outer in
            [&b"}("[..], b"ccollections\nOrderedDict\n)R(", b"ccollections\ndefaultdict\ncbuiltins\ndict\n\x85R("]
        {
            let file = PickleWriter::new().raw(outer).training_state().text(name).raw(&inner());
            check_state_dict(&archive(dir.path(), file.training_state().raw(b"u").end(), storages()));
        }
    }
    // The name of the network under a name that others use for its weights.
    let named = PickleWriter::new()
        .raw(b"}(")
        .text("model_state_dict")
        .raw(b"}")
        .text("depth")
        .raw(b"K\x12s")
        .text("state_dict")
        .text("resnet18")
        .text("net")
        .raw(&inner())
        .raw(b"u");
    check_state_dict(&archive(dir.path(), named.end(), storages()));
}

/// A parameter or tensor with attributes of its own is what it was without them.
#[test]
fn tensors_with_attributes_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = |p: PickleWriter| {
        // The call's arguments without the call.
        let mut tensor = PickleWriter::new().tensor("FloatStorage", "0", 6, 2, &[3], &[1]).0;
        tensor.drain(..2 + b"ctorch._utils\n_rebuild_tensor_v2\n".len());
        assert_eq!(tensor.pop(), Some(b'R'));
        p.raw(&tensor)
    };
    for class in [("torch", "Tensor"), ("torch.nn.parameter", "Parameter")] {
        let typed = PickleWriter::new()
            .raw(b"}")
            .text("w")
            .global("torch._tensor", "_rebuild_from_type_v2")
            .raw(b"(")
            .global("torch._utils", "_rebuild_tensor_v2")
            .global(class.0, class.1);
        let typed = arguments(typed).raw(b"}").text("note").raw(b"K\x01stRs");
        let tensors = read(&archive(dir.path(), typed.end(), storages())).unwrap();
        assert_eq!(tensors[0].2, [2., 3., 4.]);
    }
    let parameter = PickleWriter::new()
        .raw(b"}")
        .text("w")
        .global("torch._utils", "_rebuild_parameter_with_state")
        .raw(b"(")
        .tensor("FloatStorage", "0", 6, 2, &[3], &[1])
        .raw(&[0x88])
        .ordered_dict()
        .raw(b"}")
        .text("note")
        .raw(b"K\x01stRs");
    let tensors = read(&archive(dir.path(), parameter.end(), storages())).unwrap();
    assert_eq!(tensors[0].2, [2., 3., 4.]);
}

#[test]
fn what_would_have_to_be_executed_for_a_weight_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let in_place_of_a_tensor = |p: fn(PickleWriter) -> PickleWriter| {
        p(PickleWriter::new().raw(b"}").text("state_dict").raw(b"}(").text("w"))
            .text("v")
            .tensor("FloatStorage", "0", 6, 0, &[6], &[1])
            .raw(b"us")
    };
    let module = |p: PickleWriter| p.global("net", "Net").raw(b")\x81}").text("training").raw(b"\x88sb");
    let cases: Vec<(&str, PickleWriter, &[&str])> = vec![
        ("a module", module(PickleWriter::new()), &["a whole object of `net.Net`", "ever executed", "state_dict()"]),
        (
            "a module in a checkpoint",
            module(PickleWriter::new().raw(b"}").text("model")).raw(b"s"),
            &["holds `model` as a whole object of `net.Net`", "state_dict()"],
        ),
        (
            "a call",
            in_place_of_a_tensor(|p| p.global("os", "system").text("true").raw(b"\x85R")),
            &["holds `w`", "`os.system` would have to make", "ever executed"],
        ),
        (
            "a number of NumPy",
            in_place_of_a_tensor(|p| p.numpy_scalar("_core")),
            &["holds `w`", "`numpy._core.multiarray.scalar`"],
        ),
        (
            "what a call's result was called with",
            in_place_of_a_tensor(|p| p.global("builtins", "getattr").raw(b")R").raw(b")R")),
            &["holds `w`, which is not a tensor"],
        ),
        (
            "a class of tensors of its own",
            in_place_of_a_tensor(|p| {
                p.global("torch._tensor", "_rebuild_from_type_v2")
                    .raw(b"(")
                    .global("torch._utils", "_rebuild_tensor_v2")
                    .global("mine", "Tensor")
                    .raw(b")}tR")
            }),
            &["holds `w`", "`mine.Tensor`"],
        ),
        (
            "a tensor that is changed when it is loaded",
            in_place_of_a_tensor(|p| p.tensor("FloatStorage", "0", 6, 0, &[6], &[1]).raw(b"}b")),
            &["holds `w`", "would have to"],
        ),
        (
            "no usual name",
            PickleWriter::new().raw(b"}(").training_state().text("mine").raw(&inner()).raw(b"u"),
            &["holds `epoch`, which is not a tensor", "`model_state_dict`"],
        ),
        ("nothing", PickleWriter::new().raw(b"}"), &["an empty dictionary"]),
        (
            "a list of calls that is cut",
            PickleWriter::new().raw(b"}").text("args").global("argparse", "Namespace").raw(b"\x81"),
            &["list of tensors cannot be read"],
        ),
    ];
    for (case, pickle, parts) in cases {
        let path = archive(dir.path(), pickle.end(), storages());
        let error = refusal(read(&path));
        assert!(error.starts_with(path.to_str().unwrap()), "{case}: {error}");
        for part in parts {
            assert!(error.contains(part), "{case}: {error}");
        }
    }
}

/// A parameter of a parameter of a parameter, 300,000 deep, with a name for each: every one is the first's tensor, and
/// finding that out takes no longer for the last than for the first.
#[test]
fn chains_of_parameters_take_no_time() {
    let mut bytes = PickleWriter::new()
        .global("torch._utils", "_rebuild_parameter")
        .raw(b"q\x01")
        .tensor("FloatStorage", "0", 6, 0, &[6], &[1])
        .raw(b"q\x020]q\x03");
    for _ in 0..300_000 {
        bytes.0.extend(b"h\x01h\x02\x85Rq\x02a");
    }
    let bytes = bytes.end();
    let began = Instant::now();
    let (objects, list, _) = pickle_tensors::read_first(&bytes).unwrap();
    for value in objects.items(list).unwrap() {
        assert!(objects.is_tensor(*value));
        assert_eq!(objects.tensor("w", *value).unwrap().shape, [6]);
    }
    assert_eq!(objects.items(list).unwrap().len(), 300_000);
    // Step by step it would be 45 thousand million steps.
    assert!(began.elapsed() < Duration::from_secs(20));

    let dir = tempfile::tempdir().unwrap();
    let mut many = PickleWriter::new().raw(b"}(").tensor("FloatStorage", "0", 6, 0, &[6], &[1]).raw(b"q\x020");
    for _ in 0..70_000 {
        many = many.text("w").raw(b"h\x02");
    }
    let path = archive(dir.path(), many.raw(b"u").end(), storages());
    assert!(refusal(read(&path)).contains("more than 65536 tensors"));
}
