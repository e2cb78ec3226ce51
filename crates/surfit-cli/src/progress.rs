//! Plain progress: sentences as they happen, and how far the present stage is.

use super::fault::CliError;
use super::out;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, JobResult, JobStage, LossCurve};
use surfit_core::picture::{RunState, sentence};
use surfit_core::snapshot::{EngineState, Snapshot};
use surfit_core::text::{MAX_SENTENCE, printable};

/// How often a progress line is printed where lines cannot be redrawn; short stages have none.
const EVERY: Duration = Duration::from_secs(10);

/// A bar on the terminal that standard error is; `None` where it is none. `template` is indicatif's.
pub fn bar(template: &str, length: Option<u64>) -> Option<ProgressBar> {
    stderr().is_terminal().then(|| {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(4));
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        bar
    })
}

/// Prints events and progress of one run.
pub struct ProgressPrinter {
    json: bool,
    picture: RunState,
    bar: Option<ProgressBar>,
    printed: Option<(Instant, JobStage)>,
    soon: bool,
}

impl ProgressPrinter {
    /// Prints from `picture` on. With `json` events are objects and there is no progress between them.
    pub fn new(json: bool, picture: RunState) -> Self {
        let bar = (!json).then(|| bar("{bar:28.cyan/dim} {msg}", Some(100)));
        let bar = bar.flatten();
        Self {
            json,
            picture,
            bar,
            printed: None,
            soon: false,
        }
    }

    /// Prints the first progress at once: somebody has come to look.
    pub fn soon(mut self) -> Self {
        self.soon = true;
        self
    }

    /// Prints one event.
    pub fn event(&mut self, envelope: &Envelope) -> Result<(), CliError> {
        self.picture.apply(envelope);
        if self.json {
            return out::json(envelope);
        }
        match sentence(&envelope.event) {
            Some((text, false)) => self.say(&text),
            // A failure is said once, by whoever ends for it.
            Some((_, true)) | None => Ok(()),
        }
    }

    /// Prints a sentence without disturbing the bar; nothing where JSON is wanted.
    pub fn say(&self, text: &str) -> Result<(), CliError> {
        match &self.bar {
            _ if self.json => Ok(()),
            Some(bar) => bar.suspend(|| out::line(text)),
            None => out::line(text),
        }
    }

    /// Shows how far the work is.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), CliError> {
        self.picture.show(snapshot.clone());
        let line = match &snapshot.waits_for {
            Some(reason) => printable(reason, MAX_SENTENCE).into_owned(),
            None => progress_line(snapshot, &self.picture),
        };
        if let Some(bar) = &self.bar {
            bar.set_position((100.0 * fraction(snapshot)) as u64);
            bar.set_message(out::bar_message(&line));
            return Ok(());
        }
        let (since, stage) = *self.printed.get_or_insert((Instant::now(), snapshot.stage));
        if stage != snapshot.stage {
            self.printed = Some((Instant::now(), snapshot.stage));
        }
        let due = self.soon || stage == snapshot.stage && since.elapsed() >= EVERY;
        if self.json || !due || snapshot.state != EngineState::Running {
            return Ok(());
        }
        (self.printed, self.soon) = (Some((Instant::now(), snapshot.stage)), false);
        out::line(line)
    }

    /// Takes the bar away and prints the result when there is one.
    pub fn end(&mut self) -> Result<(), CliError> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        match self.picture.done() {
            Some(finished) if !self.json => out::bytes(result(finished).as_bytes()),
            _ => Ok(()),
        }
    }
}

impl Drop for ProgressPrinter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn fraction(snapshot: &Snapshot) -> f64 {
    if snapshot.total == 0 {
        0.0
    } else {
        (snapshot.done as f64 / snapshot.total as f64).min(1.0)
    }
}

/// Stage, percent, step, loss, validation accuracy and time left, as far as they are known.
fn progress_line(snapshot: &Snapshot, picture: &RunState) -> String {
    let mut parts = vec![format!(
        "{:<8} {:>3.0} %",
        snapshot.stage.name(),
        100.0 * fraction(snapshot)
    )];
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
        JobStage::Corners => (0..snapshot.degrees.corners())
            .rev()
            .map(LossCurve::Corner)
            .find(|c| picture.curves.contains_key(c)),
        _ => None,
    };
    if let Some(curve) = curve {
        if let Some(loss) = picture.curves.get(&curve).and_then(|s| s.smoothed()) {
            parts.push(format!("loss {loss:.3}"));
        }
        if let Some(last) = picture.validations.get(&curve).and_then(|v| v.last()) {
            parts.push(format!("validation {:.2} %", 100.0 * last.accuracy));
        }
    }
    match snapshot.state {
        EngineState::Running => {
            parts.extend(
                snapshot
                    .seconds_left
                    .map(|s| format!("{} left", duration(s))),
            );
        }
        other => parts.push(other.name().into()),
    }
    parts.join("  ")
}

/// The result of a job for people.
fn result(f: &JobResult) -> String {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let list = |x: &[f64]| x.iter().map(|&a| percent(a)).collect::<Vec<_>>().join("  ");
    let patch = f.degrees.patch();
    let mut text = format!(
        "\ncorners    {} %  validation\n           {} %  test\ninterior   {} %  mean over {}\n\
         best       {} %  validation at {}",
        list(&f.corners),
        list(&f.corners_test),
        percent(f.interior_mean),
        patch.points(f.grid),
        percent(f.best.accuracy),
        patch.place(f.best.u, f.best.v, 3)
    );
    if let Some(test) = f.best_test {
        text += &format!("\n           {} %  test", percent(test));
    }
    if let Some(dir) = &f.export {
        text += &format!(
            "\nmodel      {}",
            printable(&dir.join("model.safetensors").to_string_lossy(), usize::MAX)
        );
    }
    let times: Vec<String> = JobStage::ALL
        .iter()
        .filter_map(|s| {
            f.seconds
                .get(s.name())
                .map(|x| format!("{} {}", s.name(), duration(*x)))
        })
        .collect();
    text + &format!("\ntime       {}\n", times.join(", "))
}

/// Seconds for people: `0.8 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
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
        let mut picture = RunState::default();
        let events = [
            Event::Losses {
                curve: LossCurve::Surface,
                first_step: 0,
                values: vec![0.5],
                rate: 0.1,
            },
            Event::Validated {
                curve: LossCurve::Surface,
                step: 1,
                loss: 0.4,
                accuracy: 0.872,
            },
        ];
        for (i, event) in events.into_iter().enumerate() {
            picture.apply(&Envelope {
                seq: i as u64 + 1,
                time: 0.0,
                event,
            });
        }
        assert_eq!(
            progress_line(&snapshot, &picture),
            "fit       42 %  step 420/1000  loss 0.500  validation 87.20 %  1 min 5 s left"
        );
        snapshot.state = EngineState::Paused;
        assert!(progress_line(&snapshot, &picture).ends_with("paused"));
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0.84, "0.8 s"),
            (42.4, "42 s"),
            (185.0, "3 min 5 s"),
            (7800.0, "2 h 10 min"),
            (-1.0, "0.0 s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
