//! The arithmetic of a step on a CPU, in one pass over the large matrices.
//!
//! Besides its networks a step costs what it moves through memory. Composed of library calls, velocity, control points,
//! networks and gradients pass several times, in pieces that fit no cache well; here a few columns of all of them stay in
//! registers from the gradients to the networks of the next step. For ResNet-18 at 4×4 control points with four draws in
//! `bf16` that is 80 ms instead of 200 on two cores.
//!
//! Every column is computed for itself, in the order of the rows: control points depend neither on the number of threads
//! nor on whether networks are made by a sweep or for themselves.

use pulp::{Arch, Simd, WithSimd, bytemuck};
use std::ops::Range;
use std::sync::LazyLock;
use surfit_core::cost::DRAWS_PER_PASS;

/// Columns between sums in `f64` of a norm.
const BLOCK_COLUMNS: usize = 1024;

/// Columns by which memory is requested before it is needed: processors foresee fewer rows than a surface has.
const PREFETCH_COLUMNS: usize = 256;

/// Threads that share the columns of a pass; `None` where the system gives none.
static THREAD_POOL: LazyLock<Option<rayon::ThreadPool>> =
    LazyLock::new(|| rayon::ThreadPoolBuilder::new().build().ok());

/// Rows of a matrix, of equal length.
pub(super) type MatrixRows<'a, T> = Vec<&'a mut [T]>;

/// Networks or gradients of some columns, one row for each draw.
#[derive(Debug)]
pub(super) enum SampleRows<'a> {
    F32(MatrixRows<'a, f32>),
    /// `bf16` numbers by their bits.
    Bf16(MatrixRows<'a, u16>),
}

/// Columns of all matrices whose networks and gradients are in one type.
#[derive(Debug)]
pub(super) struct ColumnBlock<'a> {
    /// Rows of `Θ`, the corners first.
    pub theta: MatrixRows<'a, f32>,
    /// Rows of `U`, one for each trainable point.
    pub velocity: MatrixRows<'a, f32>,
    /// Gradients before the pass, networks after it.
    pub samples: SampleRows<'a>,
}

/// Coefficients of a row, one for each draw; 0 for draws that are not.
type DrawCoefficients = [f32; DRAWS_PER_PASS];

type SquaredNorms = [f64; DRAWS_PER_PASS];

/// Coefficients of at most [`DRAWS_PER_PASS`] draws, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct RowCoefficients {
    rows: Vec<DrawCoefficients>,
    draws: usize,
}

impl RowCoefficients {
    /// From those of every draw, each one for each row.
    pub fn new(draws: &[Vec<f64>]) -> Self {
        let rows = draws.first().map_or(0, Vec::len);
        let of = |row: usize| std::array::from_fn(|draw| draws.get(draw).map_or(0.0, |d| d[row] as f32));
        Self { rows: (0..rows).map(of).collect(), draws: draws.len() }
    }
}

/// A pass: `U ← keep·U + stepsᵀ·gradients`, then `Θ ← Θ − U` on the trainable rows, then networks of the new `Θ` in place
/// of the gradients.
#[derive(Clone, Debug, Default)]
pub(super) struct FusedPass {
    /// Bernstein weights of the networks that the gradients belong to; empty when there are no gradients.
    pub network_weights: RowCoefficients,
    /// Weight decay `λ`: a gradient `g` of the network `w` becomes `(g + λw)/(1 + λ)`.
    pub weight_decay: f32,
    /// What the velocity is multiplied with first.
    pub velocity_factor: f32,
    /// Whether the control points then move by the velocity.
    pub moves_points: bool,
    /// What gradients are weighted with in the velocity, for trainable rows; empty leaves velocity and control points as
    /// they are.
    pub step_weights: RowCoefficients,
    /// Bernstein weights of the networks to make; empty leaves the samples as they are.
    pub next_weights: RowCoefficients,
}

/// A number of a network or gradient.
trait SampleNumber: Copy {
    /// As many numbers as `S` has lanes, or fewer.
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::f32s;
    fn store<S: Simd>(simd: S, x: S::f32s, to: &mut [Self]);
}

impl SampleNumber for f32 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::f32s {
        match S::as_simd_f32s(from).0 {
            [x, ..] => *x,
            [] => simd.partial_load_f32s(from),
        }
    }

    #[inline(always)]
    fn store<S: Simd>(simd: S, x: S::f32s, to: &mut [Self]) {
        match S::as_mut_simd_f32s(to) {
            ([to, ..], _) => *to = x,
            ([], to) => simd.partial_store_f32s(to, x),
        }
    }
}

impl SampleNumber for u16 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::f32s {
        let mut bits = simd.splat_f32s(0.0);
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut bits));
        lanes.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from_bits(u32::from(*from) << 16));
        bits
    }

    #[inline(always)]
    fn store<S: Simd>(simd: S, x: S::f32s, to: &mut [Self]) {
        let (bits, sixteen) = (simd.transmute_u32s_f32s(x), simd.splat_u32s(16));
        let odd = simd.and_u32s(simd.wrapping_dyn_shr_u32s(bits, sixteen), simd.splat_u32s(1));
        let up = simd.add_u32s(odd, simd.splat_u32s(0x7fff));
        let rounded = simd.select_u32s(simd.equal_f32s(x, x), simd.add_u32s(bits, up), simd.splat_u32s(0x7fc0 << 16));
        let halves: &[u16] = bytemuck::cast_slice(std::slice::from_ref(&rounded));
        let high = halves.iter().skip(usize::from(cfg!(target_endian = "little"))).step_by(2);
        to.iter_mut().zip(high).for_each(|(to, half)| *to = *half);
    }
}

pub(super) fn take_columns<'a, T>(rows: &mut MatrixRows<'a, T>, columns: usize) -> MatrixRows<'a, T> {
    rows.iter_mut().map(|row| row.split_off_mut(..columns).expect("rows have the columns of the block")).collect()
}

impl<'a> ColumnBlock<'a> {
    fn columns(&self) -> usize {
        self.theta.first().map_or(0, |row| row.len())
    }

    fn split_off_front(&mut self, columns: usize) -> Self {
        let samples = match &mut self.samples {
            SampleRows::F32(rows) => SampleRows::F32(take_columns(rows, columns)),
            SampleRows::Bf16(rows) => SampleRows::Bf16(take_columns(rows, columns)),
        };
        Self {
            theta: take_columns(&mut self.theta, columns),
            velocity: take_columns(&mut self.velocity, columns),
            samples,
        }
    }
}

impl FusedPass {
    /// Does it on so many threads; gives the squared norms of the gradients, weight decay included.
    pub fn run(&self, blocks: Vec<ColumnBlock>, threads: usize) -> Vec<f64> {
        let columns: usize = blocks.iter().map(ColumnBlock::columns).sum();
        let share = columns.div_ceil(threads.max(1)).next_multiple_of(BLOCK_COLUMNS).max(1);
        let mut shares: Vec<Vec<ColumnBlock>> = Vec::new();
        let mut room = 0;
        for mut block in blocks {
            while block.columns() > 0 {
                if room == 0 {
                    shares.push(Vec::new());
                    room = share;
                }
                let taken = block.split_off_front(block.columns().min(room));
                room -= taken.columns();
                shares.last_mut().expect("there is a share").push(taken);
            }
        }
        let mut norms = vec![SquaredNorms::default(); shares.len()];
        let mut work = shares.into_iter().zip(&mut norms);
        match (work.next(), &*THREAD_POOL) {
            (Some((own, norms)), Some(pool)) if work.len() > 0 => pool.in_place_scope(|scope| {
                for (share, norms) in work {
                    scope.spawn(|_| *norms = self.run_share(share));
                }
                *norms = self.run_share(own);
            }),
            // Where the system gives no threads, it takes longer.
            (first, _) => first.into_iter().chain(work).for_each(|(share, norms)| *norms = self.run_share(share)),
        }
        (0..self.network_weights.draws).map(|draw| norms.iter().fold(0.0, |sum, part| sum + part[draw])).collect()
    }

    fn run_share(&self, share: Vec<ColumnBlock>) -> SquaredNorms {
        Arch::new().dispatch(ShareWork { pass: self, share })
    }

    /// A block of columns.
    #[inline(always)]
    fn run_rows<S: Simd, T: SampleNumber>(
        &self,
        simd: S,
        theta: &mut [&mut [f32]],
        velocity: &mut [&mut [f32]],
        samples: &mut [&mut [T]],
        norms: &mut SquaredNorms,
    ) {
        const MOST: usize = DRAWS_PER_PASS;
        // One draw, two and four, as fits are made; with others a few products are with zero.
        match (self.network_weights.draws, self.next_weights.draws) {
            (0, 0) => {}
            (0, _) => self.run_tiles::<S, T, 0, MOST>(simd, theta, velocity, samples, norms),
            (1, 0) => self.run_tiles::<S, T, 1, 0>(simd, theta, velocity, samples, norms),
            (1, 1) => self.run_tiles::<S, T, 1, 1>(simd, theta, velocity, samples, norms),
            (1, _) => self.run_tiles::<S, T, 1, MOST>(simd, theta, velocity, samples, norms),
            (2, 0) => self.run_tiles::<S, T, 2, 0>(simd, theta, velocity, samples, norms),
            (2, 1 | 2) => self.run_tiles::<S, T, 2, 2>(simd, theta, velocity, samples, norms),
            (2, _) => self.run_tiles::<S, T, 2, MOST>(simd, theta, velocity, samples, norms),
            (_, 0) => self.run_tiles::<S, T, MOST, 0>(simd, theta, velocity, samples, norms),
            _ => self.run_tiles::<S, T, MOST, MOST>(simd, theta, velocity, samples, norms),
        }
    }

    #[inline(always)]
    fn run_tiles<S: Simd, T: SampleNumber, const G: usize, const N: usize>(
        &self,
        simd: S,
        theta: &mut [&mut [f32]],
        velocity: &mut [&mut [f32]],
        samples: &mut [&mut [T]],
        norms: &mut SquaredNorms,
    ) {
        let columns = theta.first().map_or(0, |row| row.len());
        for start in (0..columns).step_by(BLOCK_COLUMNS) {
            // Rows of a length that the compiler knows are read without a check of every index.
            if start + BLOCK_COLUMNS <= columns {
                let (mut theta, mut velocity) = (whole_block(theta, start), whole_block(velocity, start));
                self.run_block::<S, T, _, _, G, N>(
                    simd,
                    &mut theta,
                    &mut velocity,
                    &mut whole_block(samples, start),
                    norms,
                );
            } else {
                let (mut theta, mut velocity) = (last_block(theta, start), last_block(velocity, start));
                self.run_block::<S, T, _, _, G, N>(
                    simd,
                    &mut theta,
                    &mut velocity,
                    &mut last_block(samples, start),
                    norms,
                );
            }
        }
    }

    /// Columns whose norms are summed in `f32`, lane by lane.
    #[inline(always)]
    fn run_block<S: Simd, T: SampleNumber, R, Q, const G: usize, const N: usize>(
        &self,
        simd: S,
        theta: &mut [R],
        velocity: &mut [R],
        samples: &mut [Q],
        norms: &mut SquaredNorms,
    ) where
        R: AsRef<[f32]> + AsMut<[f32]>,
        Q: AsRef<[T]> + AsMut<[T]>,
    {
        let columns = theta.first().map_or(0, |row| row.as_ref().len());
        let tiles = columns / S::F32_LANES;
        let mut squares = [simd.splat_f32s(0.0); G];
        for tile in 0..tiles {
            let first = tile * S::F32_LANES;
            let g = self.run_tile::<S, T, R, Q, G, N>(simd, theta, velocity, samples, first..first + S::F32_LANES);
            for draw in 0..G {
                squares[draw] = simd.mul_add_e_f32s(g[draw], g[draw], squares[draw]);
            }
        }
        // One after the other, as a processor without vectors would.
        let mut rest = [0.0f32; G];
        let whole = tiles * S::F32_LANES;
        if whole < columns {
            let g = self.run_tile::<S, T, R, Q, G, N>(simd, theta, velocity, samples, whole..columns);
            for draw in 0..G {
                let lanes: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&g[draw]));
                rest[draw] = lanes[..columns - whole].iter().fold(0.0, |sum, g| g.mul_add(*g, sum));
            }
        }
        for draw in 0..G {
            let lanes: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&squares[draw]));
            norms[draw] += lanes.iter().map(|&x| f64::from(x)).sum::<f64>() + f64::from(rest[draw]);
        }
    }

    /// As many columns as `S` has lanes, or fewer; gives their gradients.
    #[inline(always)]
    fn run_tile<S: Simd, T: SampleNumber, R, Q, const G: usize, const N: usize>(
        &self,
        simd: S,
        theta: &mut [R],
        velocity: &mut [R],
        samples: &mut [Q],
        columns: Range<usize>,
    ) -> [S::f32s; G]
    where
        R: AsRef<[f32]> + AsMut<[f32]>,
        Q: AsRef<[T]> + AsMut<[T]>,
    {
        let (corners, first) = (theta.len() - velocity.len(), columns.start);
        let (trains, keep) = (G > 0 && !self.step_weights.rows.is_empty(), simd.splat_f32s(self.velocity_factor));
        let mut g = [simd.splat_f32s(0.0); G];
        if G > 0 {
            for (g, row) in g.iter_mut().zip(&*samples).take(self.network_weights.draws) {
                prefetch(row.as_ref(), first);
                *g = T::load(simd, &row.as_ref()[columns.clone()]);
            }
            if self.weight_decay > 0.0 {
                let mut w = [simd.splat_f32s(0.0); G];
                for (row, b) in theta.iter().zip(&self.network_weights.rows) {
                    prefetch(row.as_ref(), first);
                    accumulate(simd, b, f32::load(simd, &row.as_ref()[columns.clone()]), &mut w);
                }
                let decay = simd.splat_f32s(self.weight_decay);
                let scale = simd.splat_f32s(1.0 / (1.0 + self.weight_decay));
                for draw in 0..G {
                    g[draw] = simd.mul_f32s(simd.mul_add_e_f32s(decay, w[draw], g[draw]), scale);
                }
            }
        }
        let (outer, inner) = theta.split_at_mut(corners);
        let mut w = [simd.splat_f32s(0.0); N];
        if N > 0 {
            for (row, b) in outer.iter().zip(&self.next_weights.rows) {
                prefetch(row.as_ref(), first);
                accumulate(simd, b, f32::load(simd, &row.as_ref()[columns.clone()]), &mut w);
            }
        }
        for (k, (row, velocity)) in inner.iter_mut().zip(velocity).enumerate() {
            prefetch(row.as_ref(), first);
            let row = &mut row.as_mut()[columns.clone()];
            let mut theta = f32::load(simd, row);
            if trains {
                let steps = &self.step_weights.rows[k];
                prefetch(velocity.as_ref(), first);
                let velocity = &mut velocity.as_mut()[columns.clone()];
                let mut u = simd.mul_f32s(f32::load(simd, velocity), keep);
                for draw in 0..G {
                    u = simd.mul_add_e_f32s(simd.splat_f32s(steps[draw]), g[draw], u);
                }
                f32::store(simd, u, velocity);
                if self.moves_points {
                    theta = simd.sub_f32s(theta, u);
                    f32::store(simd, theta, row);
                }
            }
            if N > 0 {
                accumulate(simd, &self.next_weights.rows[corners + k], theta, &mut w);
            }
        }
        for (w, row) in w.iter().zip(samples).take(self.next_weights.draws) {
            T::store(simd, *w, &mut row.as_mut()[columns.clone()]);
        }
        g
    }
}

struct ShareWork<'a, 'b> {
    pass: &'a FusedPass,
    share: Vec<ColumnBlock<'b>>,
}

impl WithSimd for ShareWork<'_, '_> {
    type Output = SquaredNorms;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> SquaredNorms {
        let mut norms = SquaredNorms::default();
        for ColumnBlock { mut theta, mut velocity, samples } in self.share {
            let (theta, velocity) = (&mut *theta, &mut *velocity);
            match samples {
                SampleRows::F32(mut rows) => self.pass.run_rows(simd, theta, velocity, &mut rows, &mut norms),
                SampleRows::Bf16(mut rows) => self.pass.run_rows(simd, theta, velocity, &mut rows, &mut norms),
            }
        }
        norms
    }
}

/// Prefetches data some columns after `first`, where there is a stable instruction for it.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the intrinsic takes a pointer"))]
fn prefetch<T>(row: &[T], first: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().wrapping_add(first + PREFETCH_COLUMNS).cast()) };
    }
}

fn whole_block<'b, T>(rows: &'b mut [&mut [T]], start: usize) -> Vec<&'b mut [T; BLOCK_COLUMNS]> {
    rows.iter_mut().map(|row| row[start..].first_chunk_mut().expect("a block is left")).collect()
}

fn last_block<'b, T>(rows: &'b mut [&mut [T]], start: usize) -> Vec<&'b mut [T]> {
    rows.iter_mut().map(|row| &mut row[start..]).collect()
}

/// `w ← w + b·theta` for every draw.
#[inline(always)]
fn accumulate<S: Simd, const N: usize>(simd: S, b: &DrawCoefficients, theta: S::f32s, w: &mut [S::f32s; N]) {
    for draw in 0..N {
        w[draw] = simd.mul_add_e_f32s(simd.splat_f32s(b[draw]), theta, w[draw]);
    }
}

#[cfg(test)]
mod tests;
