//! `wrn16-4`: a wide residual network of pre-activation blocks (Zagoruyko, Komodakis 2016).
//!
//! As a PyTorch module this is `WideResNet(depth=16, num_classes=…, widen_factor=4)` of xternalz/WideResNet-pytorch, without
//! dropout. Its average pooling over 8×8 pixels is one over the whole image here.
//!
//! A block that changes the number of channels normalizes its input for both paths, another one for its branch alone. The
//! channels of a stage's residual stream form one permutation group.

use super::builder::{ConvolutionSpec, LayerInit, NetworkBuilder};
use super::{FamilyNaming, NetworkShape, NetworkSpec, WidthSpec};

const BLOCKS_PER_STAGE: usize = 2;

pub(super) const WRN16_4: NetworkSpec = NetworkSpec {
    name: "wrn16-4",
    description: "`WideResNet(16, classes, widen_factor=4)` of xternalz/WideResNet-pytorch, for small images",
    widths: WidthSpec {
        meaning: "the channels of the stem and of each stage",
        default: &[16, 64, 128, 256],
        has_fixed_count: true,
        ..WidthSpec::ANY
    },
    namings: &[FamilyNaming::own_names("xternalz/WideResNet-pytorch")],
    ..NetworkSpec::new(build)
};

fn build(shape: &NetworkShape, network: &mut NetworkBuilder) {
    let convolution = ConvolutionSpec::KAIMING_3X3;
    let mut stream = network.add_group("conv1", shape.widths[0]);
    network.convolution("conv1", stream, convolution);
    for (stage, pair) in shape.widths.windows(2).enumerate() {
        for index in 0..BLOCKS_PER_STAGE {
            let name = |part: &str| format!("block{}.layer.{index}.{part}", stage + 1);
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let changes = index == 0 && (stride > 1 || pair[0] != pair[1]);
            if changes {
                stream = network.add_group(&format!("block{}", stage + 1), pair[1]);
            }
            let hidden = network.add_group(&name("conv1"), pair[1]);
            let normalize = |path: &mut NetworkBuilder| {
                path.batch_norm(&name("bn1"));
                path.relu();
            };
            let convolve = |branch: &mut NetworkBuilder| {
                branch.convolution(&name("conv1"), hidden, ConvolutionSpec { stride, ..convolution });
                branch.batch_norm(&name("bn2"));
                branch.relu();
                branch.convolution(&name("conv2"), stream, convolution);
            };
            if changes {
                normalize(network);
                let shortcut = ConvolutionSpec { kernel: 1, stride, ..convolution };
                network.residual(convolve, |path| path.convolution(&name("convShortcut"), stream, shortcut));
            } else {
                network.residual(
                    |branch| {
                        normalize(branch);
                        convolve(branch);
                    },
                    |_| {},
                );
            }
        }
    }
    network.batch_norm("bn1");
    network.relu();
    network.global_average_pooling();
    network.logits("fc", shape.classes, LayerInit::PyTorch);
}

#[cfg(test)]
mod tests {
    use crate::config::NetworkConfig;
    use crate::networks::describe_network;

    #[test]
    fn shapes_and_number_of_weights_are_its_authors() {
        let config = NetworkConfig { name: "wrn16-4".into(), ..NetworkConfig::default() };
        let layout = describe_network(&config, [3, 32, 32], 10).unwrap().layout;
        // The paper gives 2.8 million.
        assert_eq!(layout.len(), 2_748_890);
        let shape = |name: &str| layout.parameters.iter().find(|p| p.name == name).map(|p| p.shape.as_slice());
        assert_eq!(shape("block1.layer.0.convShortcut.weight"), Some([64, 16, 1, 1].as_slice()));
        assert_eq!(shape("block3.layer.0.bn1.weight"), Some([128].as_slice()));
        assert_eq!(shape("block3.layer.1.conv2.weight"), Some([256, 256, 3, 3].as_slice()));
        assert_eq!(shape("block3.layer.1.convShortcut.weight"), None);
        assert_eq!(shape("bn1.weight"), Some([256].as_slice()));
    }
}
