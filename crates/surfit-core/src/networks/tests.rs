use super::*;
use crate::config::parse;

fn error(text: &str) -> String {
    parse(text, "x.toml").unwrap_err().to_string()
}

#[test]
fn widths_suit_the_network() {
    assert_eq!(
        error("[network]\nname = 'resnet18'\nwidths = [8, 16]\n"),
        "x.toml:3: `network.widths = [8, 16]` cannot be used; resnet18 takes 4 widths (the channels of each stage), \
         not 2; leave them out for its own"
    );
    assert!(error("[network]\nname = 'vgg16-cifar'\nwidths = [8]\n").contains("takes 5 widths"));
    assert!(error("[network]\nname = 'vit-tiny'\nwidths = [9, 1, 2]\n").contains("9 features"));
    assert!(error("[network]\nname = 'mlp'\npatch = 4\n").contains("network.patch"));
    assert!(parse("[network]\nname = 'vit-tiny'\nwidths = [8, 1, 2]\npatch = 4\n", "x").is_ok());
    assert!(parse("[network]\nname = 'cnn'\nwidths = [1, 2, 3, 4]\n", "x").is_ok());
}

#[test]
fn only_some_networks_have_a_classifier_with_hidden_layers() {
    let vgg = "[network]\nname = 'vgg16-bn-cifar'\nhidden = ";
    assert!(parse(&format!("{vgg}[512, 512]\n"), "x").is_ok());
    assert!(parse(&format!("{vgg}[4096]\n"), "x").is_ok());
    assert_eq!(
        error(&format!("{vgg}[512, 0]\n")),
        "x.toml:3: `network.hidden = [512, 0]` cannot be used; use at most 16 layers of 1 to 65536 units, such as \
         [512, 512]"
    );
    assert!(error(&format!("{vgg}{:?}\n", [8; 17])).contains("at most 16 layers"));
    assert!(
        error("[network]\nname = 'resnet18'\nhidden = [512]\n")
            .contains("resnet18 has no classifier with hidden layers; leave it empty")
    );
}

#[test]
fn images_suit_the_network() {
    let refuse = |text: &str, side| {
        let network = parse(&format!("[network]\n{text}\n"), "x").unwrap().network;
        describe_network(&network, [1, side, side], 2).err().map(|unsuitable| unsuitable.to_string())
    };
    assert_eq!(
        refuse("widths = [1, 2, 3, 4, 5, 6]", 28).unwrap(),
        "network.widths: a cnn halves its 28×28 images once per width but the last, which leaves nothing after 5 widths; it \
         was given 6"
    );
    assert_eq!(refuse("widths = [1, 2, 3, 4, 5]", 28), None);
    assert!(refuse("name = 'vgg16'", 28).unwrap().contains("use vgg16-cifar"));
    assert_eq!(refuse("name = 'vgg16-cifar'", 28), None);
    assert!(refuse("name = 'vit-tiny'\npatch = 5", 28).unwrap().contains("divisor of both"));
    assert_eq!(refuse("name = 'vit-tiny'", 28), None);
}

fn describe(name: &str, widths: &[usize], input: [usize; 3], classes: usize) -> Architecture {
    let config = NetworkConfig { name: name.into(), widths: widths.into(), ..NetworkConfig::default() };
    describe_network(&config, input, classes).unwrap()
}

/// Numbers of weights as their authors or libraries give them, for ImageNet or for CIFAR.
#[test]
fn networks_have_the_published_numbers_of_weights() {
    let (imagenet, cifar) = ([3, 224, 224], [3, 32, 32]);
    for (name, input, classes, published) in [
        ("resnet18", imagenet, 1000, 11_689_512),
        ("resnet18-cifar", cifar, 10, 11_173_962),
        ("vgg16", imagenet, 1000, 138_357_544),
        ("vgg16-bn", imagenet, 1000, 138_365_992),
        ("vgg16-bn-cifar", cifar, 10, 14_728_266),
        ("mlp", [1, 28, 28], 10, 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10),
    ] {
        assert_eq!(describe(name, &[], input, classes).layout.len(), published, "{name}");
    }
    let vit = |name: &str| {
        let config = NetworkConfig { name: name.into(), patch: 16, ..NetworkConfig::default() };
        describe_network(&config, imagenet, 1000).unwrap().layout.len()
    };
    assert_eq!((vit("vit-tiny"), vit("vit-small")), (5_717_416, 22_050_664));
}

/// Layout and forward pass come from the same calls, so that their numbers agree.
#[test]
fn a_forward_pass_reads_every_parameter_of_the_layout() {
    fn count(operations: &[Operation]) -> (usize, usize) {
        let of = |operation: &Operation| match operation {
            Operation::Convolution { has_bias, .. } => (1 + usize::from(*has_bias), 0),
            Operation::BatchNorm => (2, 1),
            Operation::LayerNorm | Operation::Linear => (2, 0),
            Operation::PatchTokens { .. } | Operation::Attention { .. } => (4, 0),
            Operation::Residual { branch, shortcut, .. } => {
                let (b, s) = (count(branch), count(shortcut));
                (b.0 + s.0, b.1 + s.1)
            }
            _ => (0, 0),
        };
        operations.iter().map(of).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1))
    }
    for spec in all_networks() {
        let network = describe(spec.name, &[], [3, 32, 32], 10);
        let layout = &network.layout;
        assert_eq!(count(&network.operations), (layout.parameters.len(), layout.norms.len()), "{}", spec.name);
        let head = layout.parameters.len() - 2 * network.head_layers;
        assert!(layout.parameters[head..].iter().step_by(2).all(|p| p.shape.len() == 2), "{}", spec.name);
        assert!(spec.widths.has_fixed_count || spec.widths.search_template.is_some() || head == 0, "{}", spec.name);
    }
}

/// The page's tables are the registry: a network that is added or changed has to be there.
#[test]
fn the_page_describes_every_network() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/networks.md");
    // A package of this crate alone is without the page.
    let Ok(text) = std::fs::read_to_string(page) else {
        return;
    };
    for table in describe_networks_as_markdown() {
        assert!(text.contains(&table), "docs/networks.md lacks:\n{table}");
    }
}
