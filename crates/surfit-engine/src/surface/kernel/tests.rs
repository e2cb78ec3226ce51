use super::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tch::{Kind, Tensor};

/// A pass with random numbers that it reads and writes.
#[derive(Clone)]
struct PassCase {
    theta: Vec<Vec<f32>>,
    velocity: Vec<Vec<f32>>,
    narrow: Vec<Vec<u16>>,
    wide: Vec<Vec<f32>>,
    /// Columns at which blocks end; every second one is wide.
    ends: Vec<usize>,
    pass: FusedPass,
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
        let mut coefficients = |draws: usize, rows: usize| {
            let rows: Vec<Vec<f64>> =
                matrix(draws, rows).iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
            RowCoefficients::new(&rows)
        };
        let pass = FusedPass {
            network_weights: coefficients(shape.draws, rows),
            weight_decay: shape.decay,
            step_weights: coefficients(if shape.trains { shape.draws } else { 0 }, shape.inner),
            velocity_factor: 0.9,
            moves_points: shape.moves,
            next_weights: coefficients(shape.next, rows),
        };
        Self {
            theta: matrix(rows, columns),
            velocity: matrix(shape.inner, columns),
            narrow: flat.iter().map(|row| row.iter().map(|&x| to_bf16_bits(x)).collect()).collect(),
            wide: flat,
            ends,
            pass,
        }
    }

    /// All columns of its matrices.
    fn blocks(&mut self) -> Vec<ColumnBlock<'_>> {
        fn rows<T>(matrix: &mut [Vec<T>]) -> MatrixRows<'_, T> {
            matrix.iter_mut().map(Vec::as_mut_slice).collect()
        }
        let (mut theta, mut velocity) = (rows(&mut self.theta), rows(&mut self.velocity));
        let (mut wide, mut narrow) = (rows(&mut self.wide), rows(&mut self.narrow));
        let mut first = 0;
        let block = |(index, &end): (usize, &usize)| {
            let columns = end - std::mem::replace(&mut first, end);
            let (wide, narrow) = (take_columns(&mut wide, columns), take_columns(&mut narrow, columns));
            ColumnBlock {
                theta: take_columns(&mut theta, columns),
                velocity: take_columns(&mut velocity, columns),
                samples: if index % 2 == 1 { SampleRows::F32(wide) } else { SampleRows::Bf16(narrow) },
            }
        };
        self.ends.iter().enumerate().map(block).collect()
    }

    fn run(&mut self, threads: usize) -> Vec<f64> {
        let pass = self.pass.clone();
        pass.run(self.blocks(), threads)
    }

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
        let dot = |b: &RowCoefficients, draw: usize, x: &[f64]| -> f64 {
            b.rows.iter().zip(x).map(|(b, x)| f64::from(b[draw]) * x).sum()
        };
        let pass = &self.pass;
        let decay = f64::from(pass.weight_decay);
        let g: Vec<f64> = (0..pass.network_weights.draws)
            .map(|draw| (self.slot(draw, c) + decay * dot(&pass.network_weights, draw, &theta)) / (1.0 + decay))
            .collect();
        for ((u, theta), steps) in u.iter_mut().zip(&mut theta[4..]).zip(&pass.step_weights.rows) {
            *u *= f64::from(pass.velocity_factor);
            *u += steps.iter().zip(&g).map(|(&b, g)| f64::from(b) * g).sum::<f64>();
            if pass.moves_points {
                *theta -= *u;
            }
        }
        let networks = (0..pass.next_weights.draws).map(|draw| dot(&pass.next_weights, draw, &theta)).collect();
        let squares = g.iter().map(|g| g * g).collect();
        [u, theta, networks, squares]
    }
}

fn to_bf16_bits(x: f32) -> u16 {
    let mut bits = [0];
    SampleNumber::store(pulp::Scalar, x, &mut bits);
    bits[0]
}

fn is_close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + b.abs())
}

fn shapes() -> impl Strategy<Value = PassShape> {
    let numbers = (0usize..6, 0usize..=DRAWS_PER_PASS, 0usize..=DRAWS_PER_PASS, any::<u64>());
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

    #[test]
    fn a_pass_equals_its_definition(shape in shapes(), threads in 1usize..4) {
        let before = PassCase::new(shape);
        let mut after = before.clone();
        let norms = after.run(threads);
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
        one.run(1);
        three.run(3);
        prop_assert!(one.theta == three.theta && one.velocity == three.velocity);
        prop_assert!(one.narrow == three.narrow && one.wide == three.wide);
        let mut apart = three.clone();
        apart.pass.network_weights = RowCoefficients::default();
        apart.run(2);
        prop_assert!(apart.theta == one.theta && apart.narrow == one.narrow && apart.wide == one.wide);
    }
}

/// Processors without AVX2 get the same numbers up to rounding.
#[test]
fn plain_arithmetic_agrees_with_vectors() {
    let shape = PassShape { inner: 5, draws: 3, next: 4, trains: true, moves: true, decay: 0.01, seed: 1 };
    let (mut fast, mut plain) = (PassCase::new(shape), PassCase::new(shape));
    let norms = fast.run(1);
    let pass = plain.pass.clone();
    let squares = pulp::Scalar.vectorize(ShareWork { pass: &pass, share: plain.blocks() });
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
    let theirs = Tensor::from_slice(&numbers).to_kind(Kind::BFloat16).to_kind(Kind::Float);
    let theirs: Vec<f32> = theirs.try_into().unwrap();
    let widened = |bits: u16| f32::from_bits(u32::from(bits) << 16);
    for (&x, &y) in numbers.iter().zip(&theirs) {
        assert!(is_same(widened(to_bf16_bits(x)), y), "{x}: {} and {y}", widened(to_bf16_bits(x)));
    }
    Arch::new().dispatch(RoundTrip { numbers: &numbers, expected: &theirs });
}

/// Numbers to `bf16` and back with a processor's vectors, of whole ones and of fewer numbers.
struct RoundTrip<'a> {
    numbers: &'a [f32],
    expected: &'a [f32],
}

impl WithSimd for RoundTrip<'_> {
    type Output = ();

    fn with_simd<S: Simd>(self, simd: S) {
        for length in 1..=S::F32_LANES {
            for (x, y) in self.numbers.chunks(length).zip(self.expected.chunks(length)) {
                let (mut narrow, mut wide) = (vec![0u16; x.len()], vec![0.0f32; x.len()]);
                SampleNumber::store(simd, f32::load(simd, x), &mut narrow);
                f32::store(simd, u16::load(simd, &narrow), &mut wide);
                assert!(wide.iter().zip(y).all(|(&a, &b)| is_same(a, b)), "{x:?}: {wide:?} and {y:?}");
            }
        }
    }
}

fn is_same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}
