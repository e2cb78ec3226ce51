//! What a network computes: the layout of its weights, and operations that read them in this order.

use super::layout::WeightLayout;

/// A network's weights and its forward pass, without tensors.
#[derive(Clone, Debug)]
pub struct Architecture {
    /// The positions of the weights in the flat vector.
    pub layout: WeightLayout,
    /// The forward pass. Operations with weights read the parameters and batch norms of the layout one after the other.
    pub operations: Vec<Operation>,
    /// Linear layers that the network ends with: weight and bias of each are its last parameters.
    pub head_layers: usize,
    /// Rows and columns of patches in an image, where the network divides it into patches.
    pub patch_grid: Option<[i64; 2]>,
}

/// A step of a forward pass on feature maps `[N, C, H, W]`, tokens `[N, T, features]` or features `[N, features]`.
///
/// `group` is the permutation group of the units that alignment compares there.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A convolution, padded by half its kernel.
    Convolution {
        /// Pixels from one output to the next.
        stride: i64,
        /// Whether a bias follows the weight.
        has_bias: bool,
        /// Whether the engine may form the weight's gradient apart, as one matrix product.
        is_deferrable: bool,
    },
    /// Batch norm over channels.
    BatchNorm,
    /// Layer norm over features, with timm's epsilon.
    LayerNorm,
    /// A linear layer with bias.
    Linear,
    /// ReLU of every value.
    Relu {
        /// Group of the channels or features.
        group: Option<usize>,
    },
    /// GELU by the error function, not its approximation.
    Gelu {
        /// Group of the features.
        group: Option<usize>,
    },
    /// Max pooling over square windows.
    MaxPool(MaxPooling),
    /// The mean of every channel, `[N, C]`.
    GlobalAveragePooling,
    /// The means over `side × side` parts of the image, as features in the order of channels, then pixels.
    AdaptiveAveragePooling {
        /// Parts along a side.
        side: i64,
    },
    /// All values of an image as features.
    Flatten,
    /// A class token and a token for each square patch, with learned positions added.
    PatchTokens {
        /// Height and width of a patch in pixels.
        patch: i64,
        /// Group of the features.
        group: usize,
    },
    /// Self-attention: one linear layer for queries, keys and values, one behind the heads.
    Attention {
        /// Number of heads.
        heads: i64,
        /// Group of the heads.
        group: usize,
    },
    /// The class token's features alone, `[N, features]`.
    ClassToken,
    /// The sum of two paths from the same values. A path without operations is the values themselves.
    Residual {
        /// The path whose weights come first.
        branch: Vec<Operation>,
        /// The path around it.
        shortcut: Vec<Operation>,
        /// Group of the features of the sum, where it is compared before any nonlinearity.
        group: Option<usize>,
    },
}

/// Sizes of a max pooling over squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPooling {
    /// Pixels along a side.
    pub kernel: i64,
    /// Pixels from one output to the next.
    pub stride: i64,
    /// Pixels around the image.
    pub padding: i64,
    /// Whether an incomplete square at the end counts.
    pub rounds_up: bool,
}

impl MaxPooling {
    /// 2×2 pixels become one.
    pub const HALVE: Self = Self { kernel: 2, stride: 2, padding: 0, rounds_up: false };
}
