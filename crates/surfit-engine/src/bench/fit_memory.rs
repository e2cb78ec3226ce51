//! Memory of a fit against that of plain training.

use super::plain_training::PlainTraining;
use super::report::{BenchRow, RowKind};
use super::{BENCH_HYPERPARAMS, BenchSubject, linear_surface, micro_batches, wait_for_device};
use crate::{Result, memory};
use surfit_core::draws::FitPhase;
use tch::Device;

/// Peak memory of a few fit steps at 3×3 above that of as many plain training steps, with the design's bound
/// `(K + trainable + 3)·P·4`, for one draw and for four. Measured on a network that is large enough to be seen in the
/// process's resident memory.
///
/// No rows on a GPU, where the tensors are elsewhere, or where the system does not count.
pub(super) fn memory_rows(subject: &BenchSubject) -> Result<Vec<BenchRow>> {
    let model = &subject.model;
    if model.placement().device != Device::Cpu || !memory::reset_peak() {
        return Ok(Vec::new());
    }
    let (x, labels) = subject.data.train.batch_range(0, 64);
    let steps = 4;
    let measure = |run: &mut dyn FnMut() -> Result<()>| -> Result<i64> {
        memory::release_free_memory();
        let before = memory::resident_bytes();
        memory::reset_peak();
        run()?;
        Ok(memory::peak_bytes() as i64 - before as i64)
    };
    let plain = measure(&mut || {
        let mut plain = PlainTraining::new(model, BENCH_HYPERPARAMS.weight_decay)?;
        (0..steps).for_each(|_| wait_for_device(&plain.step(model, &x, &labels)));
        Ok(())
    })?;
    let mut rows = Vec::new();
    for count in [1usize, 4] {
        let mut bound = 0;
        let fit = measure(&mut || {
            let mut surface = linear_surface(model, 3)?;
            let degrees = surface.degrees();
            let vectors = degrees.point_count() + surface.trainable_count() + 3;
            bound = vectors as i64 * model.parameters() * 4;
            for step in 0..steps {
                let here = micro_batches(&x, &labels, step, count);
                let after = micro_batches(&x, &labels, step + 1, count);
                let next: Vec<(f64, f64)> = after.iter().map(|part| part.uv).collect();
                let record = surface.step(model, FitPhase::Interior, &here, BENCH_HYPERPARAMS, &next, None);
                wait_for_device(&record.loss);
            }
            Ok(())
        })?;
        let row = BenchRow {
            control_points: "3×3".into(),
            draws: count,
            batch: 64,
            value: (fit - plain) as f64,
            baseline: bound as f64,
            ratio: (fit - plain) as f64 / bound.max(1) as f64,
            ..subject.row(RowKind::Memory)
        };
        rows.push(row.with_target(Some(1.0)));
    }
    Ok(rows)
}
