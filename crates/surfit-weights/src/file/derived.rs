//! Weights that a module computes from others: pruned and weight-normed ones.

use super::error::{ReadStep, quote, refuse};
use super::value_source::{FileTensor, ValueSource};
use safetensors::Dtype;
use std::collections::{BTreeMap, HashMap};

/// Puts computed weights in the place of what they are computed from, and refuses what only the module's code could compute.
pub(super) fn derive_weights(tensors: Vec<FileTensor>, notes: &mut Vec<String>) -> ReadStep<Vec<FileTensor>> {
    let names: HashMap<&str, usize> =
        tensors.iter().enumerate().map(|(index, tensor)| (tensor.name.as_str(), index)).collect();
    check_no_scales(&tensors, &names)?;
    // At the place of a computed weight's first part the weight, at the others' nothing.
    let mut computed: HashMap<usize, Option<FileTensor>> = HashMap::new();
    let mut put = |name: &str, [first, second]: [usize; 2], masked: bool| {
        let parts = Box::new([tensors[first].clone(), tensors[second].clone()]);
        let whole = if masked { first } else { second };
        let tensor = FileTensor {
            name: name.into(),
            shape: tensors[whole].shape.clone(),
            dtype: tensors[whole].dtype,
            source: match masked {
                true => ValueSource::Masked(parts),
                false => ValueSource::WeightNorm(parts),
            },
        };
        computed.insert(first.min(second), Some(tensor));
        computed.insert(first.max(second), None);
    };
    let (mut pruned, mut normed) = (0, 0);
    for (index, tensor) in tensors.iter().enumerate() {
        let name = tensor.name.as_str();
        let other = |base: &str, suffix: &str| names.get(format!("{base}{suffix}").as_str()).copied();
        let given = |base: &str| names.contains_key(base);
        if let Some(base) = name.strip_suffix("_orig") {
            if let Some(mask) = other(base, "_mask").filter(|_| !given(base)) {
                if tensors[mask].shape != tensor.shape {
                    return refuse(format!(
                        "is damaged: the mask of {} has another shape; copy or download it again",
                        quote(base)
                    ));
                }
                put(base, [index, mask], true);
                pruned += 1;
            } else if other(base, "_u").is_some() {
                return refuse_parametrized(base, "torch.nn.utils.remove_spectral_norm(module)");
            }
        } else if let Some(base) = name.strip_suffix("_g")
            && let Some(direction) = other(base, "_v").filter(|_| !given(base))
            && is_magnitude_of(&tensor.shape, &tensors[direction].shape)
        {
            put(base, [index, direction], false);
            normed += 1;
        }
    }
    for ((module, weight), parts) in find_parametrizations(&tensors) {
        let base = format!("{module}{weight}");
        match parts[..] {
            [("original0", magnitude), ("original1", direction)]
                if is_magnitude_of(&tensors[magnitude].shape, &tensors[direction].shape)
                    && !names.contains_key(base.as_str()) =>
            {
                put(&base, [magnitude, direction], false);
                normed += 1;
            }
            _ => {
                let remedy = format!(
                    "torch.nn.utils.parametrize.remove_parametrizations(module, {})",
                    quote(weight).replace('`', "\"")
                );
                return refuse_parametrized(&base, &remedy);
            }
        }
    }
    if pruned > 0 {
        notes.push(format!("{pruned} pruned tensors were multiplied by their masks"));
    }
    if normed > 0 {
        notes.push(format!("{normed} weight-normed tensors were computed"));
    }
    if computed.is_empty() {
        return Ok(tensors);
    }
    let tensors = tensors.into_iter().enumerate();
    Ok(tensors.filter_map(|(index, tensor)| computed.remove(&index).unwrap_or(Some(tensor))).collect())
}

fn refuse_parametrized<T>(weight: &str, remedy: &str) -> ReadStep<T> {
    refuse(format!("needs the model's code to compute {}; call {remedy} and save it again", quote(weight)))
}

/// 8-bit floats with scales beside them are not the weights.
fn check_no_scales(tensors: &[FileTensor], names: &HashMap<&str, usize>) -> ReadStep<()> {
    const SCALE_SUFFIXES: [&str; 3] = ["_scale", "_scale_inv", ".scale"];
    let mut small = tensors.iter().filter(|t| t.dtype.bitsize() == 8);
    let is_float = |t: &FileTensor| !matches!(t.dtype, Dtype::U8 | Dtype::I8 | Dtype::BOOL);
    let scaled = small.find(|t| {
        let scale = |s: &&str| names.contains_key(format!("{}{s}", t.name).as_str());
        is_float(t) && SCALE_SUFFIXES.iter().any(scale)
    });
    scaled.map_or(Ok(()), |tensor| {
        refuse(format!(
            "holds {} as 8-bit floats to be scaled, which is not read; save it as float32",
            quote(&tensor.name)
        ))
    })
}

/// The parts of parametrized weights, by the module's name (with its point) and the weight's, sorted.
fn find_parametrizations(tensors: &[FileTensor]) -> BTreeMap<(&str, &str), Vec<(&str, usize)>> {
    const PARAMETRIZATION_MARK: &str = "parametrizations.";
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let Some(at) = tensor.name.find(PARAMETRIZATION_MARK) else {
            continue;
        };
        let (module, rest) = tensor.name.split_at(at);
        if let Some((weight, part)) = rest[PARAMETRIZATION_MARK.len()..].split_once('.')
            && (module.is_empty() || module.ends_with('.'))
        {
            all.entry((module, weight)).or_default().push((part, index));
        }
    }
    all.values_mut().for_each(|parts| parts.sort_unstable());
    all
}

/// True when `magnitude` is a number for each slice of `direction` along one of its axes, or one for all of it.
fn is_magnitude_of(magnitude: &[usize], direction: &[usize]) -> bool {
    if magnitude.is_empty() {
        return true;
    }
    let mut axes = magnitude.iter().zip(direction).filter(|(g, _)| **g != 1);
    magnitude.len() == direction.len() && axes.next().is_none_or(|(g, v)| g == v) && axes.next().is_none()
}

/// Weight normalization: `g · v / ‖v‖`, the norm taken over all axes but the one that `g` has.
pub(super) fn scale_directions(
    magnitudes: &[f32],
    mut directions: Vec<f32>,
    shape: &[usize],
    whole: &[usize],
) -> Vec<f32> {
    let axis = shape.iter().position(|&n| n != 1);
    let inner: usize = axis.map_or(1, |a| whole[a + 1..].iter().product());
    let slice = |index: usize| (index / inner.max(1)) % magnitudes.len().max(1);
    let mut squares = vec![0f64; magnitudes.len()];
    for (index, v) in directions.iter().enumerate() {
        squares[slice(index)] += f64::from(*v) * f64::from(*v);
    }
    let factors: Vec<f64> = magnitudes.iter().zip(squares).map(|(g, square)| f64::from(*g) / square.sqrt()).collect();
    for (index, v) in directions.iter_mut().enumerate() {
        *v = (f64::from(*v) * factors[slice(index)]) as f32;
    }
    directions
}
