//! Tensors of other modules beside the network's.

use super::*;

fn with(entries: &NamedEntries, more: &[(&str, &[i64])]) -> NamedEntries {
    let more = more.iter().map(|(n, shape)| ((*n).into(), shape.to_vec()));
    entries.iter().cloned().chain(more).collect()
}

fn under(network: &ExpectedNetwork, prefix: &str) -> NamedEntries {
    renamed(&entries(network), |n| format!("{prefix}{n}"))
}

/// The head under `head.`, the rest under `backbone.`.
fn apart(network: &ExpectedNetwork) -> NamedEntries {
    renamed(&entries(network), |n| match n.strip_prefix("fc.") {
        Some(what) => format!("head.{what}"),
        None => format!("backbone.{n}"),
    })
}

fn resnet() -> ExpectedNetwork {
    network("resnet18-cifar", &[4, 5, 6, 7], &[])
}

#[test]
fn tensors_outside_the_networks_prefix_are_ignored_with_a_notice() {
    let resnet = resnet();
    let all = with(
        &under(&resnet, "net."),
        &[
            ("loss.weight", &[10]),
            ("train_f1.counts", &[10, 10]),
            ("temperature", &[]),
            ("projector.0.weight", &[64, 7]),
            ("projector.0.bias", &[64]),
        ],
    );
    let map = matched(&resnet, &all);
    assert_eq!(map.beside, all[all.len() - 5..].iter().map(|(n, _)| n.clone()).collect::<Vec<_>>());
    assert_eq!(
        map.other_modules_notice().unwrap(),
        "5 tensors beside the network were ignored: `loss.weight`, `train_f1.counts`, `temperature` and 2 more"
    );
    assert_eq!(matched(&resnet, &under(&resnet, "net.")).other_modules_notice(), None);
    // The head's prefix is another, and all that they share is outside of the rest.
    let both = renamed(&apart(&resnet), |n| format!("model.{n}"));
    let map = matched(&resnet, &with(&both, &[("ema.decay_rate", &[1])]));
    assert_eq!(map.beside, ["ema.decay_rate"]);
    assert_eq!(source(&map, "fc.weight"), ["model.head.weight"]);
}

#[test]
fn losses_and_metrics_are_ignored_at_every_prefix() {
    let resnet = resnet();
    for (all, name) in [
        (entries(&resnet), "criterion.weight"),
        (entries(&resnet), "loss.weight"),
        (apart(&resnet), "loss_fn.pos_weight"),
        (under(&resnet, "model."), "model.ce_loss.weight"),
        (under(&resnet, "model."), "val_metrics.auroc.thresholds"),
    ] {
        let map = matched(&resnet, &with(&all, &[(name, &[10])]));
        assert_eq!(map.beside, [name]);
    }
    let mlp = network("mlp", &[7, 9], &[]);
    let all = renamed(&entries(&mlp), |n| n.replace("layers.", "net."));
    let map = matched(&mlp, &with(&all, &[("loss.weight", &[10])]));
    assert_eq!(map.beside, ["loss.weight"]);
}

#[test]
fn what_may_be_part_of_the_network_is_refused() {
    let resnet = resnet();
    let net = under(&resnet, "net.");
    let refused = |all: &NamedEntries, more: &[(&str, &[i64])], said: &str| {
        let why = refusal(&resnet, &with(all, more));
        assert!(why.contains(said), "{said}: {why}");
    };
    // Inside of its prefix; beside a body and a head that share none.
    refused(&net, &[("net.neck.weight", &[7])], "`net.neck.weight` is unknown");
    refused(&entries(&resnet), &[("neck.weight", &[7])], "`neck.weight` is unknown");
    refused(&apart(&resnet), &[("neck.weight", &[7])], "`neck.weight` is unknown");
    // `loss` is the tensor here, and no module.
    refused(&entries(&resnet), &[("neck.loss", &[7])], "`neck.loss` is unknown");
    // Another head for the same classes.
    refused(&net, &[("probe.weight", &[10, 7]), ("probe.bias", &[10])], "`probe.bias`, `probe.weight` are unknown");
    // The network a second time, under the same names and under others.
    let twice = [net.clone(), under(&resnet, "teacher.")].concat();
    refused(&twice, &[("loss.weight", &[10])], "2 times, behind `net.` and `teacher.`");
    let kuangliu = |n: &str| {
        let n = n.replace(".downsample.", ".shortcut.");
        format!("teacher.{}", n.replace("fc.", "linear."))
    };
    let twice = [net.clone(), renamed(&entries(&resnet), kuangliu)].concat();
    refused(&twice, &[], "2 times, behind `net.` and `teacher.`");
    // What is beside an incomplete network may be what it lacks.
    let less: NamedEntries = net.into_iter().filter(|(n, _)| n != "net.bn1.bias").collect();
    refused(&less, &[("shift", &[4])], "it lacks `bn1.bias`, `shift` is unknown");
    // A layer before those of an MLP, in whatever they lie.
    let mlp = network("mlp", &[7, 9], &[]);
    let why = refusal(&mlp, &with(&entries(&mlp), &[("norm.weight", &[3072])]));
    assert!(why.contains("`norm.weight` is unknown"), "{why}");
}

#[test]
fn settings_that_would_fit_are_suggested_beside_the_tensors_of_a_loss() {
    let narrow = network("resnet18-cifar", &[4, 4, 4, 4], &[]);
    let all = with(&under(&narrow, "net."), &[("loss.weight", &[10])]);
    let why = refusal(&resnet(), &all);
    assert!(why.contains("it fits network.widths = [4, 4, 4, 4]"), "{why}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tensors_of_other_modules_do_not_change_the_map(
        network in super::properties::any_network(),
        strangers in prop::collection::btree_map("[a-e]{1,3}(\\.[a-z_0-9]{1,8}){0,3}", prop::collection::vec(1i64..12, 0..4), 0..8),
        at: prop::sample::Index,
    ) {
        let all = under(&network, "net.");
        let plain = matched(&network, &all);
        let strangers: NamedEntries = strangers.into_iter().collect();
        let names: Vec<&str> = strangers.iter().map(|(n, _)| n.as_str()).collect();
        let mut mixed = all.clone();
        let at = at.index(all.len() + 1);
        mixed.splice(at..at, strangers.iter().cloned());
        match match_names(&network, &mixed, &RenameRules::default()) {
            Ok(map) => {
                prop_assert_eq!(&map.tensors, &plain.tensors);
                let told = map.beside.iter().chain(&map.passed_over);
                let mut told: Vec<&str> = told.map(String::as_str).collect();
                told.sort_unstable();
                prop_assert_eq!(told, names);
            }
            // An MLP has no names of its own, and any of its neighbours may belong to it.
            Err(why) => prop_assert!(network.config.name == "mlp", "{}", why),
        }
    }

    #[test]
    fn strangers_inside_the_prefix_are_refused(
        network in super::properties::any_network(), name in "[a-d]{1,3}\\.x[a-z_0-9]{1,8}",
    ) {
        let stranger = format!("net.{name}");
        let why = refusal(&network, &with(&under(&network, "net."), &[(&stranger, &[2, 3, 5])]));
        prop_assert!(why.contains(&stranger), "{}", why);
    }
}
