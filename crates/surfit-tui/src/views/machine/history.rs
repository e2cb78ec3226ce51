//! The machine's load over the last minutes, as reported by snapshots.

use std::collections::VecDeque;
use surfit_core::machine::MachineLoad;
use surfit_core::snapshot::Snapshot;

pub const MAX_GPUS: usize = 8;

/// One second; what is not known is not a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadSample {
    pub units_per_second: f32,
    pub engine_memory: f32,
    /// Processors that the engine kept busy.
    pub engine_cpus: f32,
    /// Share of all processors in use by whomever.
    pub cpu_fraction: f32,
    /// Bytes of the machine's memory in use by whomever.
    pub used_memory: f32,
    /// Share of the time in which each graphics processor computed.
    pub gpu_fractions: [f32; MAX_GPUS],
}

impl LoadSample {
    fn of(s: &Snapshot) -> Self {
        let known = |x: f64| if x > 0.0 { x as f32 } else { f32::NAN };
        let m = &s.machine;
        let reported = |x: f64| if m.cores > 0 { x as f32 } else { f32::NAN };
        let mut gpus = [f32::NAN; MAX_GPUS];
        for (share, gpu) in gpus.iter_mut().zip(&m.gpus) {
            *share = gpu.busy as f32;
        }
        Self {
            units_per_second: known(s.rate),
            engine_memory: known(s.memory as f64),
            engine_cpus: reported(m.engine),
            cpu_fraction: reported(m.busy),
            used_memory: known(memory_in_use(m) as f64),
            gpu_fractions: gpus,
        }
    }
}

/// Bytes of the machine's memory in use by whomever; 0 when not known.
pub fn memory_in_use(machine: &MachineLoad) -> u64 {
    match machine.available {
        0 => 0,
        available => machine.memory.saturating_sub(available),
    }
}

/// A sample a second, the latest last; seconds without a snapshot are gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadHistory {
    samples: VecDeque<Option<LoadSample>>,
    /// The second of the latest sample, since the workbench began.
    latest: Option<u64>,
}

impl LoadHistory {
    pub const MAX_SECONDS: usize = 600;

    /// Adds the load of a snapshot at `now`, seconds since the workbench began. The first of a second counts.
    pub fn record(&mut self, now: f64, snapshot: &Snapshot) {
        let second = now.max(0.0) as u64;
        let passed = match self.latest {
            Some(latest) if second <= latest => return,
            Some(latest) => second - latest,
            None => 1,
        };
        let gaps = (passed - 1).min(Self::MAX_SECONDS as u64);
        self.samples.extend((0..gaps).map(|_| None));
        self.samples.push_back(Some(LoadSample::of(snapshot)));
        let excess = self.samples.len().saturating_sub(Self::MAX_SECONDS);
        self.samples.drain(..excess);
        self.latest = Some(second);
    }

    /// Seconds that are known, gaps included.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// One figure over time in at most `width` values, each the mean of equally many seconds; not a number where no
    /// snapshot arrived.
    pub fn resample(&self, figure: impl Fn(&LoadSample) -> f32, width: usize) -> Vec<f32> {
        let each = self.samples.len().div_ceil(width.max(1)).max(1);
        let figure = |sample: &Option<LoadSample>| sample.as_ref().map_or(f32::NAN, &figure);
        let values: Vec<f32> = self.samples.iter().map(figure).collect();
        let mean = |part: &[f32]| {
            let known = part.iter().copied().filter(|v| v.is_finite());
            let (sum, n) = known.fold((0.0, 0u32), |(s, n), v| (s + f64::from(v), n + 1));
            if n == 0 { f32::NAN } else { (sum / f64::from(n)) as f32 }
        };
        values.chunks(each).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::surface::Degrees;

    fn snapshot(rate: f64) -> Snapshot {
        let mut s = Snapshot::empty(Degrees::new(2, 2).unwrap(), 5);
        s.rate = rate;
        s
    }

    #[test]
    fn a_sample_a_second_with_gaps_in_bounded_memory() {
        let mut h = LoadHistory::default();
        for (now, rate) in [(0.2, 1.0), (0.9, 9.0), (1.1, 2.0), (4.0, 5.0)] {
            h.record(now, &snapshot(rate));
        }
        let rates = h.resample(|s| s.units_per_second, 100);
        assert_eq!((rates[0], rates[1], rates[4]), (1.0, 2.0, 5.0));
        assert!(rates[2].is_nan() && rates[3].is_nan() && rates.len() == 5);
        // A clock that stops or runs backwards changes nothing.
        h.record(3.0, &snapshot(7.0));
        assert_eq!(h.len(), 5);
        h.record(1e9, &snapshot(8.0));
        assert_eq!(h.len(), LoadHistory::MAX_SECONDS);
        assert_eq!(h.resample(|s| s.units_per_second, 60).last(), Some(&8.0));
    }

    #[test]
    fn values_are_thinned_to_the_room() {
        let mut h = LoadHistory::default();
        (0..100).for_each(|n| h.record(f64::from(n), &snapshot(f64::from(n + 1))));
        let thin = h.resample(|s| s.units_per_second, 10);
        assert_eq!((thin.len(), thin[0], thin[9]), (10, 5.5, 95.5));
        assert_eq!(h.resample(|s| s.engine_memory, 10).iter().filter(|m| m.is_nan()).count(), 10);
    }
}
