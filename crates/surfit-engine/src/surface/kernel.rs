//! The arithmetic of a step on a CPU, in one pass over the large matrices.
//!
//! Beside its networks a step costs what it moves through memory. Composed of library calls, velocity, control points,
//! networks and gradients pass several times, in pieces that fit no cache well; here a few columns of all of them stay in
//! registers from the gradients to the networks of the next step. For ResNet-18 at 4×4 control points with four draws in
//! `bf16` that is 80 ms instead of 200 on two cores.
//!
//! Every column is computed for itself, in the order of the rows: control points depend neither on the number of threads
//! nor on whether networks are made by a sweep or for themselves.
#![expect(unsafe_code, reason = "threads write disjoint columns of shared rows with vector instructions")]

#[cfg(target_arch = "x86_64")]
use super::simd::Avx2;
use super::simd::{ScalarVector, SimdVector};
use std::ops::Range;

/// Networks and gradients that a pass can hold: draws of a minibatch that are interpolated together.
pub(super) const MAX_SAMPLES_PER_PASS: usize = surfit_core::cost::DRAWS_PER_PASS;

/// Columns between sums in `f64` of a norm.
const BLOCK_COLUMNS: usize = 1024;

/// Columns by which memory is asked for before it is needed: processors foresee fewer rows than a surface has.
const PREFETCH_COLUMNS: usize = 256;

/// A row of a matrix, or a flat vector, that threads write to at columns of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedRow<T>(*mut T);

// SAFETY: a row is only read and written by `tile`, and `run` gives every thread columns of its own.
unsafe impl<T> Send for SharedRow<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for SharedRow<T> {}

impl<T> SharedRow<T> {
    /// The row that begins at `first`.
    pub fn new(first: *mut T) -> Self {
        Self(first)
    }

    /// The row that begins `count` elements further.
    pub fn offset(self, count: usize) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// Where its column `column` is.
    #[inline(always)]
    fn pointer_at(self, column: usize) -> *mut T {
        self.0.wrapping_add(column)
    }

    /// Asks for what lies some columns behind `first`.
    #[inline(always)]
    fn prefetch(self, first: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a hint reads nothing, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.0.wrapping_add(first + PREFETCH_COLUMNS).cast()) };
        }
    }
}

/// Columns in a row whose networks and gradients lie in one type.
#[derive(Clone, Debug)]
pub(super) struct TypedSegment {
    /// Range of columns that the segment covers.
    pub columns: Range<usize>,
    /// Where networks and gradients of these columns lie, one for each draw: the first column of the segment at 0.
    pub slots: SampleSlots,
}

/// Where networks and gradients lie.
#[derive(Clone, Debug)]
pub(super) enum SampleSlots {
    /// Slots of `f32` numbers.
    F32(Vec<SharedRow<f32>>),
    /// In `bf16`, by its bits.
    Bf16(Vec<SharedRow<u16>>),
}

/// What a pass does with the gradients in the slots.
#[derive(Clone, Debug, Default)]
pub(super) struct GradientUse {
    /// Bernstein weights of their networks, for each draw one for each control point.
    pub network_weights: Vec<Vec<f32>>,
    /// Weight decay `λ`: a gradient `g` of the network `w` becomes `(g + λw)/(1 + λ)`.
    pub weight_decay: f32,
    /// What they are weighted with in the velocity, for each draw one for each trainable point; empty leaves velocity
    /// and control points as they are.
    pub step_weights: Vec<Vec<f32>>,
    /// What the velocity is multiplied with first.
    pub velocity_factor: f32,
    /// Whether the control points then move by the velocity.
    pub moves_points: bool,
}

/// A pass: `U ← keep·U + stepsᵀ·gradients`, then `Θ ← Θ − U` on the trainable rows, then networks of the new `Θ` in place
/// of the gradients.
#[derive(Clone, Debug)]
pub(super) struct FusedPass {
    /// Rows of `Θ`, the corners first.
    pub theta: Vec<SharedRow<f32>>,
    /// Rows of `U`.
    pub velocity: Vec<SharedRow<f32>>,
    /// All columns, in order.
    pub segments: Vec<TypedSegment>,
    /// What becomes of gradients in the slots; `None` when there are none.
    pub gradients: Option<GradientUse>,
    /// Bernstein weights of the networks to put into the slots, at most [`MAX_SAMPLES_PER_PASS`]; none leaves the slots as they are.
    pub next_weights: Vec<Vec<f32>>,
}

/// A number in a slot.
trait SlotNumber: Copy {
    /// # Safety
    /// As for [`SimdVector`].
    unsafe fn load<V: SimdVector>(from: *const Self) -> V;
    /// # Safety
    /// As for [`SimdVector`].
    unsafe fn store<V: SimdVector>(x: V, to: *mut Self);
}

impl SlotNumber for f32 {
    #[inline(always)]
    unsafe fn load<V: SimdVector>(from: *const Self) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(from) }
    }

    #[inline(always)]
    unsafe fn store<V: SimdVector>(x: V, to: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { x.store(to) }
    }
}

impl SlotNumber for u16 {
    #[inline(always)]
    unsafe fn load<V: SimdVector>(from: *const Self) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load_bf16(from) }
    }

    #[inline(always)]
    unsafe fn store<V: SimdVector>(x: V, to: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { x.store_bf16(to) }
    }
}

/// Coefficients of a row, one for each draw; 0 for draws that are not.
type DrawCoefficients = [f32; MAX_SAMPLES_PER_PASS];

/// A pass with its coefficients row by row.
struct PassRows<'a> {
    pass: &'a FusedPass,
    /// Weights of the networks that gradients belong to.
    network_weights: Vec<DrawCoefficients>,
    /// Weights of gradients in the velocity, for trainable rows.
    step_weights: Vec<DrawCoefficients>,
    /// Weights of the networks to make.
    next_weights: Vec<DrawCoefficients>,
}

impl FusedPass {
    /// Its coefficients row by row.
    fn row_coefficients(&self) -> PassRows<'_> {
        let by_row = |draws: &[Vec<f32>]| -> Vec<DrawCoefficients> {
            let rows = draws.first().map_or(0, Vec::len);
            let of = |row: usize| std::array::from_fn(|draw| draws.get(draw).map_or(0.0, |d| d[row]));
            (0..rows).map(of).collect()
        };
        let gradients = self.gradients.as_ref();
        PassRows {
            pass: self,
            network_weights: gradients.map_or(Vec::new(), |g| by_row(&g.network_weights)),
            step_weights: gradients.map_or(Vec::new(), |g| by_row(&g.step_weights)),
            next_weights: by_row(&self.next_weights),
        }
    }

    /// Does it on so many threads; gives the squared norms of the gradients, weight decay included.
    ///
    /// # Safety
    /// All rows have the columns of the segments and the slots those of theirs, as many slots as there are draws; none
    /// overlaps another, and nobody else reads or writes them meanwhile.
    pub unsafe fn run(&self, threads: usize) -> Vec<f64> {
        let rows = self.row_coefficients();
        let columns = self.segments.last().map_or(0, |s| s.columns.end);
        let share = columns.div_ceil(threads.max(1)).next_multiple_of(BLOCK_COLUMNS);
        let shares: Vec<Range<usize>> =
            (0..columns).step_by(share.max(1)).map(|first| first..(first + share).min(columns)).collect();
        let mut sums = [0.0; MAX_SAMPLES_PER_PASS];
        let mut add = |part: [f64; MAX_SAMPLES_PER_PASS]| sums.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        std::thread::scope(|scope| {
            let Some((own, others)) = shares.split_first() else {
                return;
            };
            let others: Vec<_> = others
                .iter()
                .map(|share| {
                    let work = || rows.run_columns(share.clone());
                    std::thread::Builder::new().spawn_scoped(scope, work).map_err(|_| share)
                })
                .collect();
            add(rows.run_columns(own.clone()));
            for other in others {
                add(match other {
                    Ok(thread) => thread.join().expect("arithmetic does not panic"),
                    // Where the system gives no thread, it takes longer.
                    Err(share) => rows.run_columns(share.clone()),
                });
            }
        });
        sums[..rows.draw_count()].to_vec()
    }
}

impl PassRows<'_> {
    /// Draws whose gradients are in the slots.
    fn draw_count(&self) -> usize {
        let gradients = self.pass.gradients.as_ref();
        gradients.map_or(0, |g| g.network_weights.len())
    }

    /// Some of the columns, as fast as the processor can.
    fn run_columns(&self, columns: Range<usize>) -> [f64; MAX_SAMPLES_PER_PASS] {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has both.
            return unsafe { self.run_columns_avx2(columns) };
        }
        // SAFETY: this needs nothing that a processor may not have.
        unsafe { self.segments::<ScalarVector<8, false>>(columns) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn run_columns_avx2(&self, columns: Range<usize>) -> [f64; MAX_SAMPLES_PER_PASS] {
        // SAFETY: as this function is called, the processor has what it needs.
        unsafe { self.segments::<Avx2>(columns) }
    }

    /// # Safety
    /// The processor has what `V` needs, and what `run` asks for holds. So for the others.
    #[inline(always)]
    unsafe fn segments<V: SimdVector>(&self, columns: Range<usize>) -> [f64; MAX_SAMPLES_PER_PASS] {
        let mut norms = [0.0; MAX_SAMPLES_PER_PASS];
        for segment in &self.pass.segments {
            let first = segment.columns.start.max(columns.start);
            let end = segment.columns.end.min(columns.end).max(first);
            for first in (first..end).step_by(BLOCK_COLUMNS) {
                let block = first..(first + BLOCK_COLUMNS).min(end);
                let within = first - segment.columns.start;
                // SAFETY: the caller's promise.
                let squares = unsafe {
                    match &segment.slots {
                        SampleSlots::F32(slots) => self.block::<V, f32>(block, slots, within),
                        SampleSlots::Bf16(slots) => self.block::<V, u16>(block, slots, within),
                    }
                };
                norms.iter_mut().zip(squares).for_each(|(n, s)| *n += s);
            }
        }
        norms
    }

    /// A block of columns; in the slots it begins at `within`.
    #[inline(always)]
    unsafe fn block<V: SimdVector, T: SlotNumber>(
        &self,
        columns: Range<usize>,
        slots: &[SharedRow<T>],
        within: usize,
    ) -> [f64; MAX_SAMPLES_PER_PASS] {
        let draws = self.draw_count();
        // One draw, two and four, as fits are made; with others a few products are with zero.
        // SAFETY: the caller's promise.
        unsafe {
            match (draws, self.pass.next_weights.len()) {
                (0, 0) => [0.0; MAX_SAMPLES_PER_PASS],
                (0, _) => self.tiles::<V, T, 0, MAX_SAMPLES_PER_PASS>(columns, slots, within),
                (1, 0) => self.tiles::<V, T, 1, 0>(columns, slots, within),
                (1, 1) => self.tiles::<V, T, 1, 1>(columns, slots, within),
                (1, _) => self.tiles::<V, T, 1, MAX_SAMPLES_PER_PASS>(columns, slots, within),
                (2, 0) => self.tiles::<V, T, 2, 0>(columns, slots, within),
                (2, 1 | 2) => self.tiles::<V, T, 2, 2>(columns, slots, within),
                (2, _) => self.tiles::<V, T, 2, MAX_SAMPLES_PER_PASS>(columns, slots, within),
                (_, 0) => self.tiles::<V, T, MAX_SAMPLES_PER_PASS, 0>(columns, slots, within),
                _ => self.tiles::<V, T, MAX_SAMPLES_PER_PASS, MAX_SAMPLES_PER_PASS>(columns, slots, within),
            }
        }
    }

    /// A block with gradients of up to `G` draws, and up to `N` networks to make.
    #[inline(always)]
    unsafe fn tiles<V: SimdVector, T: SlotNumber, const G: usize, const N: usize>(
        &self,
        columns: Range<usize>,
        slots: &[SharedRow<T>],
        within: usize,
    ) -> [f64; MAX_SAMPLES_PER_PASS] {
        let (count, first) = (columns.len(), columns.start);
        let whole = count - count % V::LANES;
        let mut norms = [0.0; MAX_SAMPLES_PER_PASS];
        // SAFETY: the caller's promise.
        unsafe {
            let mut squares = [V::splat(0.0); G];
            for tile in (0..whole).step_by(V::LANES) {
                self.tile::<V, T, G, N>(first + tile, slots, within + tile, &mut squares);
            }
            let mut rest = [V::Single::splat(0.0); G];
            for column in whole..count {
                self.tile::<V::Single, T, G, N>(first + column, slots, within + column, &mut rest);
            }
            for draw in 0..G {
                norms[draw] = squares[draw].sum() + rest[draw].sum();
            }
        }
        norms
    }

    /// As many columns as `V` has lanes.
    #[inline(always)]
    unsafe fn tile<V: SimdVector, T: SlotNumber, const G: usize, const N: usize>(
        &self,
        first: usize,
        slots: &[SharedRow<T>],
        within: usize,
        squares: &mut [V; G],
    ) {
        let pass = self.pass;
        let corners = pass.theta.len() - pass.velocity.len();
        let (outer, inner) = pass.theta.split_at(corners);
        let sweeps = G > 0 && !self.step_weights.is_empty();
        // SAFETY: the caller's promise, and these columns are this thread's own.
        unsafe {
            let mut g = [V::splat(0.0); G];
            let (mut keep, mut moves) = (V::splat(1.0), false);
            if let (true, Some(gradients)) = (G > 0, &pass.gradients) {
                (keep, moves) = (V::splat(gradients.velocity_factor), gradients.moves_points);
                for (g, slot) in g.iter_mut().zip(slots).take(gradients.network_weights.len()) {
                    slot.prefetch(within);
                    *g = T::load(slot.pointer_at(within));
                }
                if gradients.weight_decay > 0.0 {
                    let mut w = [V::splat(0.0); G];
                    for (theta, b) in pass.theta.iter().zip(&self.network_weights) {
                        theta.prefetch(first);
                        accumulate(b, V::load(theta.pointer_at(first)), &mut w);
                    }
                    let decay = V::splat(gradients.weight_decay);
                    let scale = V::splat(1.0 / (1.0 + gradients.weight_decay));
                    for draw in 0..G {
                        g[draw] = decay.mul_add(w[draw], g[draw]).mul(scale);
                    }
                }
                for draw in 0..G {
                    squares[draw] = g[draw].mul_add(g[draw], squares[draw]);
                }
            }
            let mut w = [V::splat(0.0); N];
            if N > 0 {
                for (row, b) in outer.iter().zip(&self.next_weights) {
                    row.prefetch(first);
                    accumulate(b, V::load(row.pointer_at(first)), &mut w);
                }
            }
            for (k, row) in inner.iter().enumerate() {
                row.prefetch(first);
                let mut theta = V::load(row.pointer_at(first));
                if sweeps {
                    let (velocity, steps) = (pass.velocity[k], &self.step_weights[k]);
                    velocity.prefetch(first);
                    let mut u = V::load(velocity.pointer_at(first)).mul(keep);
                    for draw in 0..G {
                        u = V::splat(steps[draw]).mul_add(g[draw], u);
                    }
                    u.store(velocity.pointer_at(first));
                    if moves {
                        theta = theta.sub(u);
                        theta.store(row.pointer_at(first));
                    }
                }
                if N > 0 {
                    accumulate(&self.next_weights[corners + k], theta, &mut w);
                }
            }
            for (w, slot) in w.iter().zip(slots).take(pass.next_weights.len()) {
                T::store(*w, slot.pointer_at(within));
            }
        }
    }
}

/// `w ← w + b·theta` for every draw.
///
/// # Safety
/// As for [`SimdVector`].
#[inline(always)]
unsafe fn accumulate<V: SimdVector, const N: usize>(b: &DrawCoefficients, theta: V, w: &mut [V; N]) {
    for draw in 0..N {
        // SAFETY: the caller's promise.
        w[draw] = unsafe { V::splat(b[draw]).mul_add(theta, w[draw]) };
    }
}

#[cfg(test)]
mod tests;
