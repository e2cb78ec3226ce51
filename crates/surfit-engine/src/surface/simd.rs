//! Numbers that a processor computes with at once.
#![expect(unsafe_code, reason = "threads write disjoint columns of shared rows with vector instructions")]

/// Some `f32` numbers side by side, with slots of `bf16` numbers by their bits.
///
/// # Safety
/// Every method asks that the processor has the instructions of the implementation; those with a pointer also that all
/// numbers behind it may be read or written.
pub(super) trait SimdVector: Copy {
    /// Number of `f32` values in a vector.
    const LANES: usize;
    /// A single number, computed with alike to the last bit.
    type Single: SimdVector;

    /// All the same.
    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Loads `bf16` numbers as `f32`.
    unsafe fn load_bf16(from: *const u16) -> Self;
    /// To `bf16`, rounded to the nearest, ties to even, as libtorch does.
    unsafe fn store_bf16(self, to: *mut u16);
    /// `self·b + c`.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    /// The sum of the numbers.
    unsafe fn sum(self) -> f64;
}

/// The bits of a `bf16` number.
fn to_bf16(x: f32) -> u16 {
    const NAN: u16 = 0x7fc0;
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if x.is_nan() { NAN } else { rounded as u16 }
}

/// `N` numbers by whatever the compiler makes of them; `FUSED` where `a·b + c` is rounded once.
#[derive(Clone, Copy)]
pub(super) struct ScalarVector<const N: usize, const FUSED: bool>([f32; N]);

impl<const N: usize, const FUSED: bool> SimdVector for ScalarVector<N, FUSED> {
    const LANES: usize = N;
    type Single = ScalarVector<1, FUSED>;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { from.cast::<[f32; N]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; N]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self {
        // SAFETY: the caller's promise.
        let bits = unsafe { from.cast::<[u16; N]>().read() };
        Self(bits.map(|b| f32::from_bits(u32::from(b) << 16)))
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[u16; N]>().write(self.0.map(to_bf16)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        let one = |i: usize| {
            if FUSED { self.0[i].mul_add(b.0[i], c.0[i]) } else { self.0[i] * b.0[i] + c.0[i] }
        };
        Self(std::array::from_fn(one))
    }

    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * b.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - b.0[i]))
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        self.0.iter().map(|&x| f64::from(x)).sum()
    }
}

/// Eight numbers by AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(std::arch::x86_64::__m256);

#[cfg(target_arch = "x86_64")]
impl SimdVector for Avx2 {
    const LANES: usize = 8;
    type Single = ScalarVector<1, true>;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        use std::arch::x86_64::_mm256_set1_ps;
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        use std::arch::x86_64::_mm256_loadu_ps;
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        use std::arch::x86_64::_mm256_storeu_ps;
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self {
        use std::arch::x86_64::*;
        // SAFETY: the caller's promise.
        unsafe {
            let bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            Self(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits)))
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16) {
        use std::arch::x86_64::*;
        // SAFETY: the caller's promise.
        unsafe {
            let bits = _mm256_castps_si256(self.0);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let up = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
            let rounded = _mm256_srli_epi32::<16>(_mm256_add_epi32(bits, up));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0));
            let rounded = _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), nan);
            // Packing works within halves of a register; the middle quarters change places.
            let packed = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi32(rounded, rounded));
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(packed));
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        use std::arch::x86_64::_mm256_fmadd_ps;
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        use std::arch::x86_64::_mm256_mul_ps;
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_mul_ps(self.0, b.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        use std::arch::x86_64::_mm256_sub_ps;
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_sub_ps(self.0, b.0) })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let mut lanes = [0.0f32; 8];
        // SAFETY: the caller's promise, and the array holds eight.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.iter().map(|&x| f64::from(x)).sum()
    }
}
