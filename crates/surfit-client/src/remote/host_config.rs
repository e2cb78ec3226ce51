//! How other machines are reached: the user's `client.toml`, and `SURFIT_SSH`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why the user's settings for other machines cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct HostConfigError {
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: HostConfigFault,
}

/// What is wrong with the settings for other machines.
#[derive(Debug, thiserror::Error)]
pub enum HostConfigFault {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(std::io::Error),
    /// It is no TOML, or has a key or a value that it cannot have.
    #[error("{}{message}", line.map(|n| format!("line {n}: ")).unwrap_or_default())]
    Content {
        /// Line in the file, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong there.
        message: String,
    },
    /// The command of this key has no words.
    #[error("{0} is empty; give a command such as [\"ssh\", \"-T\"]")]
    EmptyCommand(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The command that runs another command on a host: it is given the host and that command as its last two arguments.
    pub ssh: Vec<String>,
    /// The program there, a word or several.
    pub program: Vec<String>,
}

/// The file, every key of it optional:
///
/// ```toml
/// ssh = ["ssh", "-T", "-o", "ServerAliveInterval=10"]
/// program = "/opt/surfit/bin/surfit"   # the program there: one word, or several as a list
///
/// [hosts.gpu1]                         # for one host, over what is said for all
/// program = "bin/surfit"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    ssh: Option<Vec<String>>,
    program: Option<HostProgram>,
    #[serde(default)]
    hosts: BTreeMap<String, HostTable>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostTable {
    ssh: Option<Vec<String>>,
    program: Option<HostProgram>,
}

/// One word, whatever is in it, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "program is a word such as \"surfit\", or a list such as [\"env\", \"A=B\", \"surfit\"]")]
enum HostProgram {
    Word(String),
    Words(Vec<String>),
}

impl From<HostProgram> for Vec<String> {
    fn from(program: HostProgram) -> Self {
        match program {
            HostProgram::Word(word) => vec![word],
            HostProgram::Words(words) => words,
        }
    }
}

pub fn client_config_path() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("surfit").join("client.toml"))
}

/// How a host is reached.
///
/// # Errors
/// [`HostConfigError`], which names the file and the key.
pub fn load_host_config(host: &str) -> Result<HostConfig, HostConfigError> {
    let file = match client_config_path() {
        Some(path) => read_hosts_file(&path).map_err(|fault| HostConfigError { path, fault })?,
        None => HostsFile::default(),
    };
    let words = std::env::var("SURFIT_SSH").unwrap_or_default();
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    Ok(resolve_host_config(file, host, words))
}

fn read_hosts_file(path: &Path) -> Result<HostsFile, HostConfigFault> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HostsFile::default()),
        Err(e) => Err(HostConfigFault::Unreadable(e)),
    }
}

fn parse(text: &str) -> Result<HostsFile, HostConfigFault> {
    let file: HostsFile = toml::from_str(text).map_err(|e| HostConfigFault::Content {
        line: e.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1),
        message: e.message().replace('\n', ", "),
    })?;
    let all = std::iter::once(("ssh".to_owned(), &file.ssh));
    let each = file.hosts.iter().map(|(name, host)| (format!("hosts.{name}.ssh"), &host.ssh));
    for (key, ssh) in all.chain(each) {
        if ssh.as_ref().is_some_and(|words| words.first().is_none_or(String::is_empty)) {
            return Err(HostConfigFault::EmptyCommand(key));
        }
    }
    Ok(file)
}

fn resolve_host_config(mut file: HostsFile, host: &str, environment: Vec<String>) -> HostConfig {
    // `user@gpu1` is reached as `gpu1` is, unless it has a table of its own.
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    let own = file.hosts.remove(host).or_else(|| file.hosts.remove(name)).unwrap_or_default();
    let ssh = Some(environment).filter(|words| !words.is_empty());
    HostConfig {
        ssh: ssh.or(own.ssh).or(file.ssh).unwrap_or_else(|| vec!["ssh".into(), "-T".into()]),
        program: own
            .program
            .or(file.program)
            .map(Vec::from)
            .filter(|words| words.first().is_some_and(|w| !w.is_empty()))
            .unwrap_or_else(|| vec!["surfit".into()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_last_word_over_the_file_and_the_environment_over_both() {
        let text = "ssh = ['ssh', '-4']\nprogram = '/opt/surfit'\n[hosts.gpu1]\nprogram = 'bin/surfit'\n";
        let file = parse(text).unwrap();
        let none = Vec::new;
        let usual = resolve_host_config(file.clone(), "gpu2", none());
        assert_eq!((usual.ssh, usual.program), (vec!["ssh".into(), "-4".into()], vec!["/opt/surfit".into()]));
        assert_eq!(resolve_host_config(file.clone(), "me@gpu1", none()).program, ["bin/surfit"]);
        let words = parse("program = ['env', 'A=B', 'surfit']").unwrap();
        assert_eq!(resolve_host_config(words, "a", none()).program, ["env", "A=B", "surfit"]);
        assert_eq!(resolve_host_config(file, "gpu1", vec!["stand-in".into()]).ssh, ["stand-in"]);
        assert_eq!(resolve_host_config(HostsFile::default(), "a", none()).ssh, ["ssh", "-T"]);
    }

    #[test]
    fn faults_name_line_and_key() {
        let said = parse("program = 'a'\nshh = ['x']\n").unwrap_err().to_string();
        assert!(said.contains("line 2") && said.contains("shh"), "{said}");
        let said = parse("[hosts.a]\nssh = []\n").unwrap_err().to_string();
        assert!(said.contains("hosts.a.ssh is empty"), "{said}");
    }
}
