//! `surfit data fetch`: a download with a bar on a terminal, and plain lines elsewhere.

use super::spec_by_name;
use crate::args::FetchArgs;
use crate::error::CliError;
use crate::{output, progress};
use indicatif::{HumanBytes, ProgressBar};
use surfit_core::config;
use surfit_data::fetch::{FetchEvent, FetchOptions, FetchTimeouts, fetch as download};
use surfit_data::find;

pub fn fetch_set(args: FetchArgs) -> Result<(), CliError> {
    let config = args.config.as_deref().map(|path| config::load(path, &[])).transpose()?.map(|c| c.data);
    let name = match (&args.set, &config) {
        (Some(set), _) => set.clone(),
        (None, Some(data)) => data.name.clone(),
        (None, None) => return Err(CliError::Usage("name a data set, or give --config".into())),
    };
    let spec = spec_by_name(&name)?;
    if !spec.is_fetchable() {
        return Err(CliError::Usage(format!("{name} cannot be downloaded: it is {}", spec.about)));
    }
    // From a configuration for another set only the mirror is used.
    let configured_dir = config
        .as_ref()
        .filter(|data| data.name == name && !data.root.as_os_str().is_empty())
        .map(|data| data.root.clone());
    let mirror = args
        .mirror
        .or_else(|| config.map(|data| data.mirror))
        .filter(|m| !m.is_empty())
        .or_else(|| std::env::var("SURFIT_MIRROR").ok())
        .filter(|m| !m.is_empty());
    let options = FetchOptions {
        dir: args.dir.or(configured_dir).unwrap_or_else(|| find::fetch_folder().join(spec.name)),
        mirror,
        form: args.form,
        timeouts: FetchTimeouts::default(),
    };
    let mut progress = FetchProgress::new(args.json);
    let mut fault = None;
    let result = download(spec, &options, &mut |event| {
        if fault.is_none() {
            fault = progress.print_event(&event).err();
        }
    });
    progress.bar.finish_and_clear();
    result?;
    fault.map_or(Ok(()), Err)
}

struct FetchProgress {
    json: bool,
    /// Hidden where lines are printed instead.
    bar: ProgressBar,
    /// Tenths of the present file that were printed as lines.
    printed_tenths: u64,
}

impl FetchProgress {
    fn new(json: bool) -> Self {
        let template = "{bar:28.cyan/dim} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left  {msg}";
        let bar = match json {
            true => ProgressBar::hidden(),
            false => progress::stderr_progress_bar(template, None),
        };
        Self { json, bar, printed_tenths: 0 }
    }

    fn print_event(&mut self, event: &FetchEvent) -> Result<(), CliError> {
        if self.json {
            return match event {
                FetchEvent::Progress { .. } => Ok(()),
                event => output::print_json(event),
            };
        }
        match event {
            FetchEvent::Begun { file, url, from, bytes } => {
                self.printed_tenths = 10 * from / bytes.max(&1);
                self.bar.set_length(*bytes);
                self.bar.set_position(*from);
                self.bar.reset_eta();
                self.bar.set_message(*file);
                let from = match from {
                    0 => String::new(),
                    n => format!(", resumed at {}", HumanBytes(*n)),
                };
                self.print_line(&format!("{file}: {} from {url}{from}", HumanBytes(*bytes)))
            }
            FetchEvent::Progress { file, done, bytes } => {
                if !self.bar.is_hidden() {
                    self.bar.set_position(*done);
                    return Ok(());
                }
                let tenths = 10 * done / bytes.max(&1);
                if tenths <= self.printed_tenths {
                    return Ok(());
                }
                self.printed_tenths = tenths;
                self.print_line(&format!("{file}: {} %", 10 * tenths))
            }
            FetchEvent::Retry { file, why, wait } => {
                self.print_line(&format!("{file}: {why}; retrying in {wait:.1} s"))
            }
            FetchEvent::Present { path, .. } => self.print_line(&format!("{} is already complete", path.display())),
            FetchEvent::Fetched { path, bytes, .. } => {
                self.print_line(&format!("{}: downloaded {}, checksum verified", path.display(), HumanBytes(*bytes)))
            }
        }
    }

    fn print_line(&self, text: &str) -> Result<(), CliError> {
        self.bar.suspend(|| output::print_line(text))
    }
}
