//! A study: variants of one experiment, each over several seeds, and their combined results.

use crate::config;
use crate::event::JobResult;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The plan of a study, a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// A title for the report; the file's name when there is none.
    #[serde(default)]
    pub title: String,
    /// The experiment that the variants vary, relative to this file.
    pub config: PathBuf,
    /// Seeds that every variant is run with.
    pub seeds: Vec<u64>,
    /// Text above the tables; Markdown.
    #[serde(default)]
    pub text: String,
    /// Replacements in the configuration for every variant, `KEY=VALUE`.
    #[serde(default)]
    pub set: Vec<String>,
    /// The variants, in the order of the tables.
    #[serde(rename = "variant")]
    pub variants: Vec<Variant>,
}

/// One variant of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// A short name; folders are called by it.
    pub name: String,
    /// What it is, for the tables; its name when there is none.
    #[serde(default)]
    pub title: String,
    /// Replacements in the configuration, `KEY=VALUE`.
    #[serde(default)]
    pub set: Vec<String>,
    /// A single network, its last corner, without a surface.
    #[serde(default)]
    pub network: bool,
}

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct StudyError {
    path: PathBuf,
    what: String,
}

impl Study {
    /// Reads a plan. Its `config`, and paths in its replacements, are resolved against the file's folder.
    ///
    /// # Errors
    /// A sentence that names the file, the place and the remedy.
    pub fn load(path: &Path) -> Result<Self, StudyError> {
        let fault = |what: String| StudyError { path: path.to_owned(), what };
        let text = std::fs::read_to_string(path)
            .map_err(|e| fault(format!("cannot be read ({e}); name a study's TOML file")))?;
        let mut study: Self = toml::from_str(&text).map_err(|e| {
            let line = e.span().map(|s| 1 + text[..s.start].matches('\n').count());
            let place = line.map(|l| format!("line {l}: ")).unwrap_or_default();
            fault(format!("{place}{}", e.message().lines().next().unwrap_or_default()))
        })?;
        if let Some(what) = study.describe_fault() {
            return Err(fault(what));
        }
        let folder = config::folder_of(path);
        if study.config.is_relative() {
            study.config = folder.join(&study.config);
        }
        if study.title.is_empty() {
            study.title = path.file_stem().unwrap_or_default().to_string_lossy().into();
        }
        let anchor = |set: &mut String| *set = config::resolve_set_paths(set, folder);
        study.set.iter_mut().for_each(anchor);
        for variant in &mut study.variants {
            variant.set.iter_mut().for_each(anchor);
            if variant.title.is_empty() {
                variant.title.clone_from(&variant.name);
            }
        }
        Ok(study)
    }

    /// True when a file is a study's and not a configuration: it has variants, or names a configuration and seeds for it. A
    /// configuration with one key too many is none.
    pub fn is_study_file(path: &Path) -> bool {
        std::fs::read_to_string(path).is_ok_and(|text| Self::is_study_text(&text))
    }

    /// As [`Study::is_study_file`], of a file's text.
    pub fn is_study_text(text: &str) -> bool {
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let has = |key| table.contains_key(key);
        has("variant") || (has("config") && has("seeds"))
    }

    fn describe_fault(&self) -> Option<String> {
        let mut names = BTreeSet::new();
        let plain = |name: &str| {
            !name.is_empty()
                && name.len() <= 64
                && !name.starts_with('.')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if self.variants.is_empty() || self.seeds.is_empty() {
            return Some("a study needs at least one seed and one [[variant]]".into());
        }
        if self.seeds.iter().collect::<BTreeSet<_>>().len() < self.seeds.len() {
            return Some("`seeds` has a seed twice; give different ones".into());
        }
        self.variants.iter().find_map(|v| {
            if !plain(&v.name) {
                let name = &v.name;
                return Some(format!(
                    "the variant `{name}` needs a name of at most 64 letters, digits, `-`, `_` or `.`"
                ));
            }
            (!names.insert(&v.name)).then(|| format!("two variants are called `{}`; rename one", v.name))
        })
    }
}

/// Mean and standard deviation of a figure over several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanDeviation {
    /// Mean over the runs.
    pub mean: f64,
    /// Standard deviation of the sample (divided by n − 1); 0 for one run.
    pub deviation: f64,
    /// Number of runs.
    pub runs: usize,
}

impl MeanDeviation {
    /// The spread of finite values; `None` when there are none.
    pub fn from_values(values: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let n = finite.len();
        if n == 0 {
            return None;
        }
        let mean = finite.iter().sum::<f64>() / n as f64;
        let squares: f64 = finite.iter().map(|x| (x - mean).powi(2)).sum();
        Some(Self { mean, deviation: if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 }, runs: n })
    }
}

/// A figure of a finished run: its name, and its value where the run has one. Accuracies and differences are fractions.
pub type ResultFigure = (&'static str, Option<f64>);

/// Every figure of a finished run, in the order in which they are reported.
pub fn result_figures(f: &JobResult) -> Vec<ResultFigure> {
    let mean = |x: &[f64]| (!x.is_empty()).then(|| x.iter().sum::<f64>() / x.len() as f64);
    let best_corner = f.corners_test.iter().copied().max_by(f64::total_cmp);
    let baseline = |name: &str| f.baselines.iter().find(|b| b.name == name).map(|b| b.test_accuracy);
    vec![
        ("corners, validation", mean(&f.corners)),
        ("corners, test", mean(&f.corners_test)),
        ("best corner, test", best_corner),
        ("last corner, test", f.corners_test.last().copied()),
        ("mean", Some(f.heatmap.mean)),
        ("interior", Some(f.interior_mean)),
        ("interior − corners", mean(&f.corners).map(|c| f.interior_mean - c)),
        ("worst point", Some(f.heatmap.min)),
        ("best point, validation", Some(f.best.accuracy)),
        ("best point, test", f.best_test),
        ("best point − best corner, test", f.best_test.zip(best_corner).map(|(a, b)| a - b)),
        ("corner ensemble, test", baseline("corner ensemble")),
        ("surface ensemble, test", baseline("surface ensemble")),
        ("centroid, test", baseline("centroid")),
        ("uniform soup, test", baseline("uniform soup")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Study, StudyError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        std::fs::write(&path, text).unwrap();
        Study::load(&path)
    }

    const HEAD: &str = "title = \"t\"\nconfig = \"a.toml\"\nseeds = [1, 2]\n";

    #[test]
    fn a_plan_is_read_and_its_faults_are_named() {
        let good =
            plan(&format!("{HEAD}[[variant]]\nname = \"a\"\ntitle = \"A\"\nset = [\"fit.degree=2\"]\n")).unwrap();
        assert!(good.config.ends_with("a.toml") && good.config.is_absolute());
        assert_eq!(good.variants[0].set, ["fit.degree=2"]);
        let bare = "config = 'a.toml'\nseeds = [1]\nset = ['data.root=d']\n[[variant]]\nname = 'b'\n";
        let bare = plan(bare).unwrap();
        assert_eq!((bare.title.as_str(), bare.variants[0].title.as_str()), ("s", "b"));
        let folder = bare.config.parent().unwrap().join("d");
        assert!(bare.set[0].contains(folder.to_str().unwrap()), "{}", bare.set[0]);
        let error = |text: &str| plan(text).unwrap_err().to_string();
        assert!(error(&format!("{HEAD}colour = 1\n")).contains("line 4: unknown field `colour`"));
        assert!(error(&format!("{HEAD}variant = []\n")).contains("at least one seed"));
        let twice = "[[variant]]\nname = \"a\"\ntitle = \"A\"\n".repeat(2);
        assert!(error(&format!("{HEAD}{twice}")).contains("two variants are called `a`"));
        assert!(error(&format!("{HEAD}[[variant]]\nname = \"a/b\"\ntitle = \"A\"\n")).contains("needs a name"));
    }

    #[test]
    fn a_study_is_told_from_a_configuration() {
        let default = config::Config::default().to_toml();
        assert!(Study::is_study_text(HEAD) && !Study::is_study_text(&default));
        let stray = format!("seeds = 3\n{default}");
        assert!(!Study::is_study_text(&stray) && !Study::is_study_text("config = 'a.toml'\n"));
        let error = config::parse(&stray, "c.toml").unwrap_err().to_string();
        assert!(error.contains("seeds") && !error.contains("this is a study"), "{error}");
        assert!(Study::is_study_text("[[variant]]\nname = 'a'\n"));
        let error = config::parse(HEAD, "s.toml").unwrap_err().to_string();
        assert_eq!(
            error,
            "s.toml: this is a study, variants of an experiment over several seeds; `surfit study s.toml` does it, \
             `surfit config check s.toml` checks it"
        );
    }

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let s = MeanDeviation::from_values(&[1.0, 2.0, 3.0, f64::NAN]).unwrap();
        assert_eq!((s.mean, s.deviation, s.runs), (2.0, 1.0, 3));
        assert_eq!(MeanDeviation::from_values(&[5.0]).unwrap().deviation, 0.0);
        assert_eq!(MeanDeviation::from_values(&[f64::NAN]), None);
    }
}
