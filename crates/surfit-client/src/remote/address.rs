//! `HOST:RUN`, as people write it.

use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteAddress {
    /// What `ssh` is given: a name or an address, perhaps with a user, without brackets.
    pub host: String,
    /// The run's path, its id or the beginning of that; empty for the most recent one.
    pub run: String,
}

impl RemoteAddress {
    /// The address in `text`; `None` when it names something on this machine: a file that is there, or a path.
    ///
    /// As usual for remote copies, a slash before the first colon makes a path of it. IPv6 addresses are in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        if Path::new(text).exists() {
            return None;
        }
        let open = text.find('[').filter(|&at| at == 0 || text[..at].ends_with('@'));
        let (host, run) = match open {
            Some(open) => {
                let close = open + text[open..].find(']')?;
                let run = text[close + 1..].strip_prefix(':')?;
                let host = format!("{}{}", &text[..open], &text[open + 1..close]);
                (host, run)
            }
            None => {
                let (host, run) = text.split_once(':')?;
                (host.to_owned(), run)
            }
        };
        let odd = |c: char| c == '/' || c.is_whitespace() || c.is_control();
        // A leading dash would be an option to `ssh`.
        if host.is_empty() || host.starts_with('-') || host.ends_with('@') || host.contains(odd) {
            return None;
        }
        let run = run.to_owned();
        Some(Self { host, run })
    }

    /// How the address is written, so that it is understood again.
    pub fn format_run(&self, run: &str) -> String {
        match self.host.rsplit_once('@') {
            Some((user, host)) if host.contains(':') => format!("{user}@[{host}]:{run}"),
            None if self.host.contains(':') => format!("[{}]:{run}", self.host),
            _ => format!("{}:{run}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_users_and_brackets() {
        let parsed = |text| RemoteAddress::parse(text).map(|a| (a.host, a.run));
        let some = |host: &str, run: &str| Some((host.to_owned(), run.to_owned()));
        assert_eq!(parsed("gpu1:demo-2026"), some("gpu1", "demo-2026"));
        assert_eq!(parsed("gpu1:"), some("gpu1", ""));
        assert_eq!(parsed("me@gpu1:/data/runs/a"), some("me@gpu1", "/data/runs/a"));
        assert_eq!(parsed("[::1]:a"), some("::1", "a"));
        assert_eq!(parsed("me@[fe80::1%eth0]:a:b"), some("me@fe80::1%eth0", "a:b"));
        for local in [
            "demo",
            "./a:b",
            "/x:y",
            ":run",
            "-oProxyCommand=x:a",
            "@:x",
            "a b:c",
            "[::1]",
            "[::1",
            "me@:a",
            "[::1]run",
            "",
        ] {
            assert_eq!(parsed(local), None, "{local}");
        }
    }

    #[test]
    fn what_is_written_is_understood() {
        for text in ["gpu1:a", "me@gpu1:a", "[::1]:a", "me@[::1]:a"] {
            let address = RemoteAddress::parse(text).unwrap();
            assert_eq!(address.format_run(&address.run), text);
        }
    }
}
