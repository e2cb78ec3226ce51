//! Gradients of convolutions' weights as one matrix product each.
//!
//! On a processor with AMX oneDNN's own kernel for the `bf16` gradient of a convolution's weight falls far behind where
//! images are small and channels many: 43 ms for 512 channels of 4×4 pixels, batch 128, on two cores, where a product
//! `∂L/∂yᵀ · columns(x)` of the same arithmetic takes 9 ms with everything around it. Of 8×8 pixels it is 16 against
//! 12 ms, and from 16×16 on the kernel is the faster one. The weights of the last stages hold most of a network's
//! parameters, so that this is a fifth of a training step of ResNet-18.

use tch::Tensor;

/// Pixels of a convolution's result up to which the product is the faster one.
const MAX_DEFERRED_PIXELS: i64 = 64;

/// The parameters of a forward pass, in the layout's order, and what is to become of their gradients.
#[derive(Debug)]
pub struct ForwardWeights<'a> {
    pub views: &'a [Tensor],
    /// Where convolutions are noted down whose weight gradient is formed apart; `None` leaves all to automatic
    /// differentiation.
    pub deferred_grads: Option<&'a mut DeferredConvGrads>,
}

impl<'a> From<&'a [Tensor]> for ForwardWeights<'a> {
    fn from(views: &'a [Tensor]) -> Self {
        Self { views, deferred_grads: None }
    }
}

/// Convolutions of one forward pass whose weight gradient is formed apart.
#[derive(Debug, Default)]
pub struct DeferredConvGrads(Vec<SquareConvolution>);

/// A square convolution, padded by half its kernel; a bias is added behind it.
#[derive(Debug)]
struct SquareConvolution {
    /// Index of its weight among the parameters.
    parameter: usize,
    kernel: i64,
    stride: i64,
    /// `[N, C, H, W]`.
    input: Tensor,
    /// `[N, units, h, w]`.
    output: Tensor,
}

impl DeferredConvGrads {
    /// The convolution of `x` with the weight at index `parameter`, noted down; `None` when automatic differentiation
    /// does it as well.
    pub(super) fn convolve(&mut self, parameter: usize, weight: &Tensor, x: &Tensor, stride: i64) -> Option<Tensor> {
        let (kernel, size) = (weight.size()[2], x.size());
        let pixels = |side: i64| (side - 1) / stride + 1;
        // Without a gradient of the input there is nothing to differentiate at the output.
        if pixels(size[2]) * pixels(size[3]) > MAX_DEFERRED_PIXELS || !x.requires_grad() {
            return None;
        }
        let output = x.conv2d(&weight.detach(), None::<&Tensor>, stride, kernel / 2, 1, 1);
        self.0.push(SquareConvolution { parameter, kernel, stride, input: x.detach(), output: output.shallow_clone() });
        Some(output)
    }

    /// The gradients of a scalar `loss` with respect to all parameters, where those of the forward pass that led to
    /// it were `leaves`.
    pub fn backward(self, loss: &Tensor, leaves: &[Tensor]) -> Vec<Tensor> {
        // A convolution's output takes the place of its weight.
        let mut inputs: Vec<&Tensor> = leaves.iter().collect();
        for convolution in &self.0 {
            inputs[convolution.parameter] = &convolution.output;
        }
        let mut gradients = Tensor::run_backward(&[loss], &inputs, false, false);
        for convolution in self.0 {
            let gradient = &mut gradients[convolution.parameter];
            *gradient = convolution.weight_gradient(gradient);
        }
        gradients
    }
}

impl SquareConvolution {
    /// The gradient with respect to the weight, `[units, C, kernel, kernel]`, from that with respect to the output.
    fn weight_gradient(&self, output: &Tensor) -> Tensor {
        let units = output.size()[1];
        let channels = self.input.size()[1];
        // Transposed first: the product then runs 1.3 times as fast.
        let output = output.permute([1, 0, 2, 3]).reshape([units, -1]);
        output.mm(&self.im2col()).view([units, self.kernel, self.kernel, channels]).permute([0, 3, 1, 2]).contiguous()
    }

    /// What every pixel of the output saw, `[N·h·w, kernel·kernel·C]`.
    fn im2col(&self) -> Tensor {
        let (size, output) = (self.input.size(), self.output.size());
        let (n, channels) = (size[0], size[1]);
        let pad = self.kernel / 2;
        let (high, wide) = (size[2] + 2 * pad, size[3] + 2 * pad);
        let pixels = self.input.permute([0, 2, 3, 1]);
        let padded = pixels.constant_pad_nd([0, 0, pad, pad, pad, pad]).contiguous();
        let (pixel, line) = (channels, wide * channels);
        let windows = padded.as_strided(
            [n, output[2], output[3], self.kernel, self.kernel, channels],
            [high * line, self.stride * line, self.stride * pixel, line, pixel, 1],
            None,
        );
        windows.reshape([n * output[2] * output[3], -1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn only_small_images_behind_a_gradient_are_noted_down() {
        let options = (Kind::Float, Device::Cpu);
        let weight = Tensor::randn([4, 3, 3, 3], options);
        let image = |side: i64| Tensor::randn([2, 3, side, side], options);
        let leaf = |side: i64| image(side).set_requires_grad(true);
        let mut products = DeferredConvGrads::default();
        assert!(products.convolve(0, &weight, &image(8), 1).is_none());
        assert!(products.convolve(0, &weight, &leaf(9), 1).is_none());
        let y = products.convolve(0, &weight, &leaf(16), 2);
        assert_eq!(y.map(|y| y.size()), Some(vec![2, 4, 8, 8]));
        assert_eq!(products.0.len(), 1);
    }
}
