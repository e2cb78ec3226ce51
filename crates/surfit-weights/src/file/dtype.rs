//! Types of values, and what their bytes mean as `f32`.

use safetensors::Dtype;

/// True for types whose values are read as `f32`; of 64-bit floats and integers the nearest.
pub(super) fn is_readable(dtype: Dtype) -> bool {
    !matches!(dtype, Dtype::F4 | Dtype::F6_E2M3 | Dtype::F6_E3M2 | Dtype::C64)
}

/// True for floats of 8 to 64 bits.
pub(crate) fn is_float(dtype: Dtype) -> bool {
    small_float(dtype).is_some() || matches!(dtype, Dtype::BF16 | Dtype::F32 | Dtype::F64)
}

/// Bytes of one value of a type that is readable.
pub(super) fn item_size(dtype: Dtype) -> usize {
    dtype.bitsize().div_ceil(8)
}

/// Appends the values of little-endian `bytes`.
pub(super) fn decode(dtype: Dtype, bytes: &[u8], values: &mut Vec<f32>) {
    macro_rules! each {
        ($number:ty, $size:literal) => {{
            let (items, _) = bytes.as_chunks::<$size>();
            values.extend(items.iter().map(|b| <$number>::from_le_bytes(*b) as f32));
        }};
    }
    match dtype {
        Dtype::F32 => each!(f32, 4),
        Dtype::F64 => each!(f64, 8),
        Dtype::I64 => each!(i64, 8),
        Dtype::U64 => each!(u64, 8),
        Dtype::I32 => each!(i32, 4),
        Dtype::U32 => each!(u32, 4),
        Dtype::I16 => each!(i16, 2),
        Dtype::U16 => each!(u16, 2),
        Dtype::I8 => each!(i8, 1),
        Dtype::U8 => each!(u8, 1),
        Dtype::BOOL => values.extend(bytes.iter().map(|&b| f32::from(u8::from(b != 0)))),
        Dtype::BF16 => {
            let (items, _) = bytes.as_chunks::<2>();
            let wide = |b: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
            values.extend(items.iter().map(wide));
        }
        Dtype::F16 => {
            let (items, _) = bytes.as_chunks::<2>();
            let half = |b: &[u8; 2]| HALF.value(u16::from_le_bytes(*b).into());
            values.extend(items.iter().map(half));
        }
        other => {
            if let Some(format) = small_float(other) {
                values.extend(bytes.iter().map(|&b| format.value(b.into())));
            }
        }
    }
}

/// A float of at most 16 bits: sign, exponent, mantissa, from the highest bit on.
#[derive(Clone, Copy)]
struct SmallFloat {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    /// What is no finite number.
    special: SpecialType,
}

#[derive(Clone, Copy, PartialEq)]
enum SpecialType {
    /// As in IEEE 754: the largest exponent is of infinities and NaN.
    Ieee,
    /// All bits but the sign set is NaN; there are no infinities.
    AllOnes,
    /// What would be −0 is NaN; there are no infinities.
    NegativeZero,
}

const HALF: SmallFloat = SmallFloat { exponent_bits: 5, mantissa_bits: 10, bias: 15, special: SpecialType::Ieee };

fn small_float(dtype: Dtype) -> Option<SmallFloat> {
    let (exponent_bits, mantissa_bits, bias, special) = match dtype {
        Dtype::F16 => return Some(HALF),
        Dtype::F8_E4M3 => (4, 3, 7, SpecialType::AllOnes),
        Dtype::F8_E5M2 => (5, 2, 15, SpecialType::Ieee),
        Dtype::F8_E4M3FNUZ => (4, 3, 8, SpecialType::NegativeZero),
        Dtype::F8_E5M2FNUZ => (5, 2, 16, SpecialType::NegativeZero),
        // Only powers of two, without a sign.
        Dtype::F8_E8M0 => (8, 0, 127, SpecialType::AllOnes),
        _ => return None,
    };
    Some(SmallFloat { exponent_bits, mantissa_bits, bias, special })
}

impl SmallFloat {
    fn value(self, bits: u32) -> f32 {
        let mantissa = bits & ((1 << self.mantissa_bits) - 1);
        let exponent = (bits >> self.mantissa_bits) & ((1 << self.exponent_bits) - 1);
        let sign = bits >> (self.mantissa_bits + self.exponent_bits) & 1;
        let largest = exponent == (1 << self.exponent_bits) - 1;
        let full = mantissa == (1 << self.mantissa_bits) - 1;
        let magnitude = match self.special {
            SpecialType::Ieee if largest && mantissa == 0 => f32::INFINITY,
            SpecialType::Ieee if largest => f32::NAN,
            SpecialType::AllOnes if largest && full => f32::NAN,
            SpecialType::NegativeZero if sign == 1 && exponent == 0 && mantissa == 0 => f32::NAN,
            _ if self.mantissa_bits == 0 => 2f64.powi(exponent as i32 - self.bias) as f32,
            _ if exponent == 0 => mantissa as f32 * 2f32.powi(1 - self.bias - self.mantissa_bits as i32),
            _ => f32::from_bits((exponent + 127 - self.bias as u32) << 23 | mantissa << (23 - self.mantissa_bits)),
        };
        if sign == 1 { -magnitude } else { magnitude }
    }
}

/// The type that PyTorch calls `torch.NAME`.
pub(super) fn dtype_named(name: &str) -> Option<Dtype> {
    Some(match name {
        "float32" => Dtype::F32,
        "float64" => Dtype::F64,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::BF16,
        "float8_e4m3fn" => Dtype::F8_E4M3,
        "float8_e5m2" => Dtype::F8_E5M2,
        "float8_e4m3fnuz" => Dtype::F8_E4M3FNUZ,
        "float8_e5m2fnuz" => Dtype::F8_E5M2FNUZ,
        "float8_e8m0fnu" => Dtype::F8_E8M0,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint8" => Dtype::U8,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "bool" => Dtype::BOOL,
        "complex64" => Dtype::C64,
        _ => return None,
    })
}
