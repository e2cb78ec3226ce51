//! Plain progress: a line for each event, and the progress of the present stage.

use super::error::CliError;
use super::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, JobResult, JobStage, LossCurve};
use surfit_core::run_state::{RunState, describe_event};
use surfit_core::snapshot::{EngineState, Snapshot};
use surfit_core::text::{MAX_SENTENCE_CHARS, to_printable};

/// Time between two progress lines where lines cannot be redrawn; short stages have none.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// Returns a progress bar on standard error that clears itself, hidden if that is no terminal. `template` is indicatif's.
pub fn stderr_progress_bar(template: &str, length: Option<u64>) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(4) } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(length, target)
        .with_style(style.progress_chars("━╸─"))
        .with_finish(ProgressFinish::AndClear)
}

pub struct ProgressPrinter {
    json: bool,
    run_state: RunState,
    /// Hidden where lines are printed instead.
    bar: ProgressBar,
    last_printed: Option<(Instant, JobStage)>,
    print_at_once: bool,
}

impl ProgressPrinter {
    /// Creates a printer that starts from `run_state`. With `json`, events are objects without progress between them.
    pub fn new(json: bool, run_state: RunState) -> Self {
        let bar = match json {
            true => ProgressBar::hidden(),
            false => stderr_progress_bar("{bar:28.cyan/dim} {msg}", Some(100)),
        };
        Self { json, run_state, bar, last_printed: None, print_at_once: false }
    }

    pub fn with_immediate_progress(mut self) -> Self {
        self.print_at_once = true;
        self
    }

    pub fn print_event(&mut self, envelope: &Envelope) -> Result<(), CliError> {
        self.run_state.apply(envelope);
        if self.json {
            return output::print_json(envelope);
        }
        match describe_event(&envelope.event) {
            Some((text, false)) => self.print_sentence(&text),
            // A failure is printed once, as the error of the command.
            Some((_, true)) | None => Ok(()),
        }
    }

    /// Prints a sentence above the bar; nothing with JSON.
    pub fn print_sentence(&self, text: &str) -> Result<(), CliError> {
        if self.json { Ok(()) } else { self.bar.suspend(|| output::print_line(text)) }
    }

    pub fn print_progress(&mut self, snapshot: &Snapshot) -> Result<(), CliError> {
        self.run_state.apply_snapshot(snapshot.clone());
        let line = match &snapshot.waits_for {
            Some(reason) => to_printable(reason, MAX_SENTENCE_CHARS).into_owned(),
            None => progress_line(snapshot, &self.run_state),
        };
        if !self.bar.is_hidden() {
            self.bar.set_position((100.0 * progress_fraction(snapshot)) as u64);
            self.bar.set_message(output::bar_message(&line));
            return Ok(());
        }
        let (since, stage) = *self.last_printed.get_or_insert((Instant::now(), snapshot.stage));
        if stage != snapshot.stage {
            self.last_printed = Some((Instant::now(), snapshot.stage));
        }
        let due = self.print_at_once || stage == snapshot.stage && since.elapsed() >= PROGRESS_INTERVAL;
        if self.json || !due || snapshot.state != EngineState::Running {
            return Ok(());
        }
        (self.last_printed, self.print_at_once) = (Some((Instant::now(), snapshot.stage)), false);
        output::print_line(line)
    }

    /// Clears the bar and prints the result, if there is one.
    pub fn finish(&mut self) -> Result<(), CliError> {
        self.bar.finish_and_clear();
        match self.run_state.job_result() {
            Some(finished) if !self.json => output::print_bytes(format_result(finished).as_bytes()),
            _ => Ok(()),
        }
    }
}

fn progress_fraction(snapshot: &Snapshot) -> f64 {
    if snapshot.total == 0 { 0.0 } else { (snapshot.done as f64 / snapshot.total as f64).min(1.0) }
}

/// Formats stage, percent, step, loss, validation accuracy and time left, as far as they are known.
fn progress_line(snapshot: &Snapshot, run_state: &RunState) -> String {
    let mut parts = vec![format!("{:<8} {:>3.0} %", snapshot.stage.name(), 100.0 * progress_fraction(snapshot))];
    if snapshot.total > 0 {
        let unit = match snapshot.stage {
            JobStage::Heatmap => "cell",
            JobStage::Corners | JobStage::Fit => "step",
            JobStage::Data | JobStage::Align | JobStage::Export => "part",
        };
        parts.push(format!("{unit} {}/{}", snapshot.done, snapshot.total));
    }
    let curve = match snapshot.stage {
        JobStage::Fit => Some(LossCurve::Surface),
        JobStage::Corners => {
            (0..snapshot.degrees.corner_count()).rev().map(LossCurve::Corner).find(|c| run_state.curves.contains_key(c))
        }
        _ => None,
    };
    if let Some(curve) = curve {
        if let Some(loss) = run_state.curves.get(&curve).and_then(|s| s.smoothed()) {
            parts.push(format!("loss {loss:.3}"));
        }
        if let Some(last) = run_state.validations.get(&curve).and_then(|v| v.last()) {
            parts.push(format!("validation {:.2} %", 100.0 * last.accuracy));
        }
    }
    match snapshot.state {
        EngineState::Running => {
            parts.extend(snapshot.seconds_left.map(|s| format!("{} left", format_duration(s))));
        }
        other => parts.push(other.name().into()),
    }
    parts.join("  ")
}

fn format_result(f: &JobResult) -> String {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let list = |x: &[f64]| x.iter().map(|&a| percent(a)).collect::<Vec<_>>().join("  ");
    let patch = f.degrees.patch();
    let mut text = format!(
        "\ncorners    {} %  validation\n           {} %  test\ninterior   {} %  mean over {}\n\
         best       {} %  validation at {}",
        list(&f.corners),
        list(&f.corners_test),
        percent(f.interior_mean),
        patch.describe_grid(f.grid),
        percent(f.best.accuracy),
        patch.format_parameters(f.best.u, f.best.v, 3)
    );
    if let Some(test) = f.best_test {
        text += &format!("\n           {} %  test", percent(test));
    }
    if let Some(dir) = &f.export {
        text += &format!("\nmodel      {}", to_printable(&dir.join("model.safetensors").to_string_lossy(), usize::MAX));
    }
    let times: Vec<String> = JobStage::ALL
        .iter()
        .filter_map(|s| f.seconds.get(s.name()).map(|x| format!("{} {}", s.name(), format_duration(*x))))
        .collect();
    text + &format!("\ntime       {}\n", times.join(", "))
}

/// Formats seconds: `0.8 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub fn format_duration(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::event::Event;
    use surfit_core::surface::Degrees;

    #[test]
    fn a_progress_line_says_what_is_known() {
        let mut snapshot = Snapshot::empty(Degrees::new(2, 2).unwrap(), 3);
        (snapshot.state, snapshot.stage) = (EngineState::Running, JobStage::Fit);
        (snapshot.done, snapshot.total, snapshot.seconds_left) = (420, 1000, Some(65.0));
        let mut run_state = RunState::default();
        let events = [
            Event::Losses { curve: LossCurve::Surface, first_step: 0, values: vec![0.5], rate: 0.1 },
            Event::Validated { curve: LossCurve::Surface, step: 1, loss: 0.4, accuracy: 0.872 },
        ];
        for (i, event) in events.into_iter().enumerate() {
            run_state.apply(&Envelope { seq: i as u64 + 1, time: 0.0, event });
        }
        assert_eq!(
            progress_line(&snapshot, &run_state),
            "fit       42 %  step 420/1000  loss 0.500  validation 87.20 %  1 min 5 s left"
        );
        snapshot.state = EngineState::Paused;
        assert!(progress_line(&snapshot, &run_state).ends_with("paused"));
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in
            [(0.84, "0.8 s"), (42.4, "42 s"), (185.0, "3 min 5 s"), (7800.0, "2 h 10 min"), (-1.0, "0.0 s")]
        {
            assert_eq!(format_duration(seconds), text);
        }
    }
}
