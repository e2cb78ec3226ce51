//! Whatever a file's names and shapes are, nothing is mapped wrongly.

use super::*;

/// Small forms of all families.
pub(super) fn any_network() -> impl Strategy<Value = ExpectedNetwork> {
    prop_oneof![
        Just(network("cnn", &[4, 5], &[])),
        Just(network("mlp", &[7, 9], &[])),
        Just(network("resnet18", &[4, 5, 6, 7], &[])),
        Just(network("resnet18-cifar", &[4, 4, 6, 6], &[])),
        Just(network("vgg16-cifar", &[3, 4, 5, 6, 7], &[])),
        Just(network("vgg16-bn-cifar", &[3, 3, 3, 3, 3], &[9, 9])),
        Just(network("vit-tiny", &[12, 2, 3], &[])),
    ]
}

/// A file as somebody may have it, with what each of its tensors is.
#[derive(Debug)]
struct WrittenFile {
    entries: NamedEntries,
    /// For each entry the layout's name and which part it is of it; nothing for what is no weight.
    truth: Vec<Option<(String, usize)>>,
}

const PREFIXES: [&str; 6] = ["", "model.", "net.backbone.", "0.", "module.", "encoder._orig_mod."];
const EXTRAS: [&str; 5] = ["n_averaged", "acc.tp", "x._extra_state", "normalize.mean", "criterion.weight"];

fn write(
    network: &ExpectedNetwork,
    naming: usize,
    prefix: usize,
    wrap: u64,
    statistics: bool,
    extras: usize,
    order: u64,
) -> WrittenFile {
    let namings = network.namings();
    let naming = &namings[naming % namings.len()];
    /// Name, shape, and what it is.
    type KnownTensor = (String, Vec<i64>, Option<(String, usize)>);
    let mut all: Vec<KnownTensor> = Vec::new();
    for (name, mut shape) in super::entries(network) {
        let is_statistic = name.contains("running_") || name.ends_with(BATCH_COUNTER);
        if is_statistic && !statistics {
            continue;
        }
        let calls = (naming.translate)(&network.architecture, &name);
        if calls.len() > 1 {
            shape[0] /= calls.len() as i64;
        }
        for (part, call) in calls.into_iter().enumerate() {
            // A wrapper behind some first components, the same for all below them.
            let (first, rest) = call.split_once('.').unwrap_or((&call, ""));
            let bit = first.bytes().fold(7, |h: u64, b| (h * 31 + u64::from(b)) % 64);
            let mut path = format!("{}{first}", PREFIXES[prefix % PREFIXES.len()]);
            if !rest.is_empty() {
                if wrap >> bit & 1 == 1 {
                    path.push_str("._checkpoint_wrapped_module");
                }
                path.push('.');
                path.push_str(rest);
            }
            let truth = (!name.ends_with(BATCH_COUNTER)).then(|| (name.clone(), part));
            all.push((path, shape.clone(), truth));
        }
    }
    for extra in &EXTRAS[..extras % (EXTRAS.len() + 1)] {
        all.push(((*extra).into(), vec![3], None));
    }
    // Any order.
    let key = |name: &str| name.bytes().fold(order, |h, b| h.wrapping_mul(1099511628211) ^ u64::from(b));
    all.sort_by_key(|(name, ..)| key(name));
    WrittenFile {
        entries: all.iter().map(|(n, s, _)| (n.clone(), s.clone())).collect(),
        truth: all.into_iter().map(|(.., truth)| truth).collect(),
    }
}

/// Nothing is used twice, everything has its shape, and where it is known what is what, it is that.
fn check(network: &ExpectedNetwork, map: &NameMap, file: &WrittenFile) {
    let mut used = HashSet::new();
    for tensor in &map.tensors {
        let mut rows = 0;
        for (part, source) in tensor.sources.iter().enumerate() {
            assert!(used.insert(source.clone()), "{source} is used twice");
            let at = file.entries.iter().position(|(n, _)| n == source).unwrap();
            rows += file.entries[at].1.first().copied().unwrap_or(1);
            let truth = file.truth[at].clone();
            assert_eq!(truth, Some((tensor.name.clone(), part)), "{source}");
        }
        if tensor.stored.is_none() {
            assert_eq!(rows, tensor.shape[0], "{}", tensor.name);
        }
    }
    let parameters = network.layout().parameters.iter().map(|p| p.name.as_str());
    let mapped = map.tensors.iter().map(|t| t.name.as_str());
    assert!(parameters.eq(mapped.take(network.layout().parameters.len())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_known_file_is_mapped_to_what_it_is(
        network in any_network(), naming in 0usize..8, prefix in 0usize..8, wrap: u64, statistics: bool, extras in 0usize..8,
        order: u64,
    ) {
        let file = write(&network, naming, prefix, wrap, statistics, extras, order);
        let map = match_names(&network, &file.entries, &RenameRules::default())
            .unwrap_or_else(|e| panic!("{e}: {:?}", file.entries));
        check(&network, &map, &file);
        // The way back: everything that was written has its name again.
        for (index, (name, _)) in file.entries.iter().enumerate() {
            if let Some((ours, part)) = &file.truth[index] {
                prop_assert_eq!(&map.names_in_file(ours).unwrap()[*part], name);
            }
        }
    }

    #[test]
    fn a_changed_file_is_refused_or_still_mapped_to_what_it_is(
        network in any_network(), naming in 0usize..8, prefix in 0usize..8, at: usize, other: usize, kind in 0u8..4, word in "[a-z0-9.]{0,12}",
    ) {
        let mut file = write(&network, naming, prefix, 0, true, 0, 1);
        let (at, other) = (at % file.entries.len(), other % file.entries.len());
        match kind {
            0 => {
                file.entries.remove(at);
                file.truth.remove(at);
            }
            1 => {
                file.entries[at].0.push_str(&word);
                if !word.is_empty() {
                    file.truth[at] = None;
                }
            }
            2 => {
                file.entries[at].1.push(1);
                file.truth[at] = None;
            }
            _ => {
                // A copy elsewhere.
                let copy = (word.clone(), file.entries[other].1.clone());
                file.entries.push(copy);
                file.truth.push(None);
            }
        }
        match match_names(&network, &file.entries, &RenameRules::default()) {
            Ok(map) => check(&network, &map, &file),
            Err(why) => prop_assert!(why.to_string().len() < 2000),
        }
    }

    #[test]
    fn any_names_and_shapes_give_a_map_or_a_sentence(
        network in any_network(),
        names in prop::collection::vec(("[a-z_.0-9]{0,30}|\\PC{0,20}", prop::collection::vec(0i64..9, 0..5)), 0..30),
    ) {
        let why = match_names(&network, &names, &RenameRules::default()).unwrap_err().to_string();
        prop_assert!(why.len() < 2000 && !why.contains(char::is_control));
    }
}
