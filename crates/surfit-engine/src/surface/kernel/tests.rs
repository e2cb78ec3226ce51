use super::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tch::{Kind, Tensor};

/// A pass over random numbers, with everything that it reads and writes.
#[derive(Clone)]
struct PassCase {
    theta: Vec<Vec<f32>>,
    velocity: Vec<Vec<f32>>,
    narrow: Vec<Vec<u16>>,
    wide: Vec<Vec<f32>>,
    /// Columns of the segments; every second one is wide.
    ends: Vec<usize>,
    gradients: Option<GradientUse>,
    next: Vec<Vec<f32>>,
}

/// Which case: rows, draws, networks to make, and what a sweep does.
#[derive(Clone, Copy, Debug)]
struct PassShape {
    inner: usize,
    draws: usize,
    next: usize,
    trains: bool,
    moves: bool,
    decay: f32,
    seed: u64,
}

impl PassCase {
    fn new(shape: PassShape) -> Self {
        let mut rng = StdRng::seed_from_u64(shape.seed);
        let rows = 4 + shape.inner;
        // Lengths that fit no block and no vector.
        let ends = vec![1500, 1513, 1513 + 2049, 1513 + 2049 + 5, 4000];
        let columns = *ends.last().unwrap();
        let slots = shape.draws.max(shape.next);
        let mut matrix = |rows: usize, columns: usize| -> Vec<Vec<f32>> {
            let mut row = || (0..columns).map(|_| rng.random_range(-1.0..1.0)).collect();
            (0..rows).map(|_| row()).collect()
        };
        let flat = matrix(slots, columns);
        let gradients = (shape.draws > 0).then(|| GradientUse {
            network_weights: matrix(shape.draws, rows),
            weight_decay: shape.decay,
            step_weights: if shape.trains { matrix(shape.draws, shape.inner) } else { Vec::new() },
            velocity_factor: 0.9,
            moves_points: shape.moves,
        });
        Self {
            theta: matrix(rows, columns),
            velocity: matrix(shape.inner, columns),
            narrow: flat.iter().map(|row| row.iter().map(|&x| to_bf16_bits(x)).collect()).collect(),
            wide: flat,
            ends,
            gradients,
            next: matrix(shape.next, rows),
        }
    }

    /// Its pass; borrows by address, as the program does.
    fn pass(&mut self) -> FusedPass {
        let rows = |matrix: &mut Vec<Vec<f32>>| -> Vec<SharedRow<f32>> {
            matrix.iter_mut().map(|row| SharedRow::new(row.as_mut_ptr())).collect()
        };
        let (wide, narrow) = (rows(&mut self.wide), &mut self.narrow);
        let narrow: Vec<_> = narrow.iter_mut().map(|row| SharedRow::new(row.as_mut_ptr())).collect();
        let mut first = 0;
        let segments = self.ends.iter().enumerate().map(|(index, &end)| {
            let columns = std::mem::replace(&mut first, end)..end;
            let start = columns.start;
            let slots = if index % 2 == 1 {
                SampleSlots::F32(wide.iter().map(|row| row.offset(start)).collect())
            } else {
                SampleSlots::Bf16(narrow.iter().map(|row| row.offset(start)).collect())
            };
            TypedSegment { columns, slots }
        });
        FusedPass {
            segments: segments.collect(),
            theta: rows(&mut self.theta),
            velocity: rows(&mut self.velocity),
            gradients: self.gradients.clone(),
            next_weights: self.next.clone(),
        }
    }

    /// What lies in a slot.
    fn slot(&self, draw: usize, column: usize) -> f64 {
        let segment = self.ends.iter().position(|&end| column < end).unwrap();
        f64::from(if segment % 2 == 1 {
            self.wide[draw][column]
        } else {
            f32::from_bits(u32::from(self.narrow[draw][column]) << 16)
        })
    }

    /// One column by the definition, in `f64`: velocity, control points, networks, and squares of the gradients.
    fn column(&self, c: usize) -> [Vec<f64>; 4] {
        let mut theta: Vec<f64> = self.theta.iter().map(|row| row[c].into()).collect();
        let mut u: Vec<f64> = self.velocity.iter().map(|row| row[c].into()).collect();
        let dot = |b: &[f32], x: &[f64]| -> f64 { b.iter().zip(x).map(|(&b, x)| f64::from(b) * x).sum() };
        let mut squares = Vec::new();
        if let Some(gradients) = &self.gradients {
            let decay = f64::from(gradients.weight_decay);
            let g: Vec<f64> = gradients
                .network_weights
                .iter()
                .enumerate()
                .map(|(draw, b)| (self.slot(draw, c) + decay * dot(b, &theta)) / (1.0 + decay))
                .collect();
            squares = g.iter().map(|g| g * g).collect();
            if !gradients.step_weights.is_empty() {
                for (k, u) in u.iter_mut().enumerate() {
                    let steps: Vec<f32> = gradients.step_weights.iter().map(|s| s[k]).collect();
                    *u = f64::from(gradients.velocity_factor) * *u + dot(&steps, &g);
                    if gradients.moves_points {
                        theta[4 + k] -= *u;
                    }
                }
            }
        }
        let networks = self.next.iter().map(|b| dot(b, &theta)).collect();
        [u, theta, networks, squares]
    }
}

fn to_bf16_bits(x: f32) -> u16 {
    let mut to = 0;
    // SAFETY: one number, and plain arithmetic.
    unsafe { ScalarVector::<1, false>::splat(x).store_bf16(&raw mut to) };
    to
}

fn is_close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + b.abs())
}

fn shapes() -> impl Strategy<Value = PassShape> {
    let numbers = (0usize..6, 0usize..=MAX_SAMPLES_PER_PASS, 0usize..=MAX_SAMPLES_PER_PASS, any::<u64>());
    (numbers, any::<bool>(), any::<bool>(), prop::bool::ANY).prop_map(
        |((inner, draws, next, seed), trains, moves, decays)| PassShape {
            inner,
            draws,
            next,
            trains: trains && inner > 0,
            moves,
            decay: if decays { 0.1 } else { 0.0 },
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every number of a pass is what the definition says, by whatever instructions.
    #[test]
    fn a_pass_does_what_its_definition_says(shape in shapes(), threads in 1usize..4) {
        let before = PassCase::new(shape);
        let mut after = before.clone();
        let norms = unsafe { after.pass().run(threads) };
        prop_assert_eq!(norms.len(), shape.draws);
        let mut squares = vec![0.0; shape.draws];
        for c in 0..*before.ends.last().unwrap() {
            let [u, theta, networks, g] = before.column(c);
            squares.iter_mut().zip(&g).for_each(|(s, g)| *s += g);
            for (k, u) in u.iter().enumerate() {
                prop_assert!(is_close(after.velocity[k][c].into(), *u, 1e-5), "velocity {k}, {c}");
            }
            for (k, theta) in theta.iter().enumerate() {
                prop_assert!(is_close(after.theta[k][c].into(), *theta, 1e-5), "point {k}, {c}");
            }
            for (draw, w) in networks.iter().enumerate() {
                let tolerance = if after.slot(draw, c) == f64::from(after.wide[draw][c]) { 1e-5 } else { 1.0 / 256.0 };
                prop_assert!(is_close(after.slot(draw, c), *w, tolerance), "network {draw}, {c}");
            }
            for draw in shape.next..before.wide.len() {
                prop_assert_eq!(after.slot(draw, c), before.slot(draw, c));
            }
        }
        for (norm, square) in norms.iter().zip(&squares) {
            prop_assert!(is_close(*norm, *square, 1e-4), "{norm} {square}");
        }
    }

    /// Control points, velocity and networks depend on no number of threads, and networks that a sweep made are to the
    /// last bit those that are made for themselves.
    #[test]
    fn threads_and_sweeps_change_no_bit(shape in shapes()) {
        let mut one = PassCase::new(shape);
        let mut three = one.clone();
        unsafe { one.pass().run(1) };
        unsafe { three.pass().run(3) };
        prop_assert!(one.theta == three.theta && one.velocity == three.velocity);
        prop_assert!(one.narrow == three.narrow && one.wide == three.wide);
        let mut apart = three.clone();
        apart.gradients = None;
        unsafe { apart.pass().run(2) };
        prop_assert!(apart.theta == one.theta && apart.narrow == one.narrow && apart.wide == one.wide);
    }
}

/// Processors without AVX2 get the same numbers up to rounding.
#[test]
fn plain_arithmetic_agrees_with_vectors() {
    let shape = PassShape { inner: 5, draws: 3, next: 4, trains: true, moves: true, decay: 0.01, seed: 1 };
    let (mut fast, mut plain) = (PassCase::new(shape), PassCase::new(shape));
    let norms = unsafe { fast.pass().run(1) };
    let pass = plain.pass();
    let rows = pass.row_coefficients();
    // SAFETY: plain arithmetic needs nothing of the processor.
    let squares = unsafe { rows.segments::<ScalarVector<8, false>>(0..4000) };
    for (norm, square) in norms.iter().zip(squares) {
        assert!(is_close(*norm, square, 1e-5), "{norm} {square}");
    }
    for (fast, plain) in fast.theta.iter().flatten().zip(plain.theta.iter().flatten()) {
        assert!(is_close((*fast).into(), (*plain).into(), 1e-5), "{fast} {plain}");
    }
}

/// bf16 numbers are libtorch's, of every kind of number.
#[test]
fn numbers_are_rounded_as_libtorch_rounds_them() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut numbers: Vec<f32> = (0..4000).map(|_| f32::from_bits(rng.random())).filter(|x| !x.is_nan()).collect();
    // Halfway cases, the largest numbers, and what is none.
    numbers.extend([1.003_906_3, 1.011_718_8, f32::MAX, f32::MIN, 0.0, -0.0, 1e-40]);
    numbers.extend([f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    numbers.resize(numbers.len().next_multiple_of(8), 1.5);
    let theirs = Tensor::from_slice(&numbers).to_kind(Kind::BFloat16).to_kind(Kind::Float);
    let theirs: Vec<f32> = theirs.try_into().unwrap();
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let widened = |bits: u16| f32::from_bits(u32::from(bits) << 16);
    for (&x, &y) in numbers.iter().zip(&theirs) {
        assert!(same(widened(to_bf16_bits(x)), y), "{x}: {} and {y}", widened(to_bf16_bits(x)));
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        for (x, y) in numbers.chunks_exact(8).zip(theirs.chunks_exact(8)) {
            let (mut narrow, mut wide) = ([0u16; 8], [0.0f32; 8]);
            // SAFETY: the processor has AVX2, and the arrays hold eight.
            unsafe {
                Avx2::load(x.as_ptr()).store_bf16(narrow.as_mut_ptr());
                Avx2::load_bf16(narrow.as_ptr()).store(wide.as_mut_ptr());
            }
            assert!(wide.iter().zip(y).all(|(&a, &b)| same(a, b)), "{x:?}: {wide:?} and {y:?}");
        }
    }
}
