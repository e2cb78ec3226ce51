//! How fast the work goes, and what it takes of the machine: processors, memory, graphics processors, disk.

use super::history::memory_in_use;
use super::{MAX_GPUS, MachineSheet};
use crate::theme::ThemeRole;
use crate::views::plot::text::format_bytes;
use crate::views::plot::text::group_digits;
use crate::views::progress::format_speed;
use ratatui::text::Line;
use surfit_core::machine::{Gpu, MachineLoad};
use surfit_core::snapshot::{EngineState, Snapshot};

/// A disk with less free space than this share of it, or than so many bytes, is nearly full.
const MIN_FREE_DISK: (f64, u64) = (0.02, 2_000_000_000);

/// True when the disk of the run's directory is known and nearly full.
pub fn is_disk_nearly_full(machine: &MachineLoad) -> bool {
    let share = machine.disk_left as f64 / machine.disk.max(1) as f64;
    machine.disk > 0 && (share < MIN_FREE_DISK.0 || machine.disk_left < MIN_FREE_DISK.1)
}

impl MachineSheet<'_> {
    /// Steps, images, and what a step costs.
    pub(super) fn speed<'a>(&self, s: &Snapshot) -> Vec<Line<'a>> {
        let rate = match s.state {
            _ if !self.app.is_connected() => "nothing runs".into(),
            EngineState::Running if s.rate > 0.0 => format_speed(s, s.rate),
            EngineState::Running => "not known yet".into(),
            EngineState::Paused => "paused".into(),
            _ => "nothing runs".into(),
        };
        let mut out = self.curve("speed", rate, |x| x.units_per_second, 0.0);
        if s.images_per_second > 0.0 && self.app.is_connected() {
            let images = group_digits(s.images_per_second.round() as u64);
            let text = format!("{images} a second, training");
            out.push(self.fact("images", text, ThemeRole::Text));
        }
        if let Some(ratio) = s.cost.relative_step_time() {
            let times = self.app.theme.pick_glyph("×", "x");
            let [network, surface] = [s.cost.network, s.cost.surface].map(|t| 1e3 * t);
            let text = format!("{times}{ratio:.2} of plain: {network:.1} ms network, {surface:.1} ms surface");
            out.push(self.fact("fit step", text, ThemeRole::Text));
        }
        self.push_separator(&mut out);
        out
    }

    pub(super) fn load<'a>(&self, s: &Snapshot) -> Vec<Line<'a>> {
        let m = &s.machine;
        let mut out = Vec::new();
        let unknown = || "not known here".to_string();
        if m.cores > 0 {
            let (cores, all) = (m.cores as f64, format!("{:.0} % in use", 100.0 * m.busy));
            let engine = format!("{:.1} of {} cores", m.engine, m.cores);
            out.extend(self.curve("engine", engine, |x| x.engine_cpus, cores));
            out.extend(self.curve("processors", all, |x| x.cpu_fraction, 1.0));
        } else {
            out.push(self.fact("processors", unknown(), ThemeRole::Muted));
        }
        let bytes = match s.memory {
            0 => unknown(),
            bytes => format_bytes(bytes),
        };
        out.extend(self.curve("engine memory", bytes, |x| x.engine_memory, 0.0));
        match memory_in_use(m) {
            0 => out.push(self.fact("memory", unknown(), ThemeRole::Muted)),
            used => {
                let value = format!("{} of {}", format_bytes(used), format_bytes(m.memory));
                out.extend(self.curve("memory", value, |x| x.used_memory, m.memory as f64));
            }
        }
        for (n, gpu) in m.gpus.iter().enumerate() {
            out.extend(self.gpu(n, gpu, m.gpus.len()));
        }
        if m.gpus.is_empty() {
            let none = match m.cores {
                0 => unknown(),
                _ => "no GPU on this machine".into(),
            };
            out.push(self.fact("graphics", none, ThemeRole::Muted));
        }
        out.push(match m.disk {
            0 => self.fact("disk", unknown(), ThemeRole::Muted),
            disk => {
                let left = format!("{} left of {}", format_bytes(m.disk_left), format_bytes(disk));
                match is_disk_nearly_full(m) {
                    true => self.fact("disk", format!("nearly full: {left}"), ThemeRole::Warning),
                    false => self.fact("disk", left, ThemeRole::Text),
                }
            }
        });
        out
    }

    /// A graphics processor: how busy, how much of its memory, which.
    fn gpu<'a>(&self, n: usize, gpu: &Gpu, count: usize) -> Vec<Line<'a>> {
        let name = match count {
            1 => "GPU".to_string(),
            _ => format!("GPU {n}"),
        };
        let mut value = format!("{:.0} %", 100.0 * gpu.busy);
        if gpu.temperature > 0 {
            let degrees = self.app.theme.pick_glyph("°C", " C");
            value += &format!(", {}{degrees}", gpu.temperature);
        }
        let figure = move |x: &super::LoadSample| x.gpu_fractions.get(n).copied().unwrap_or(f32::NAN);
        let mut out = match n < MAX_GPUS {
            true => self.curve(&name, value, figure, 1.0),
            false => vec![self.fact(&name, value, ThemeRole::Text)],
        };
        let of = format!("{} of {}, {}", format_bytes(gpu.used), format_bytes(gpu.memory), gpu.name);
        out.push(self.fact("", of, ThemeRole::Muted));
        self.push_separator(&mut out);
        out
    }

    /// A row that keeps what follows apart, where it fits and none is there already.
    fn push_separator(&self, out: &mut Vec<Line<'_>>) {
        if self.rows > 1 && out.last().is_some_and(|l| l.width() > 0) {
            out.push(Line::default());
        }
    }
}
