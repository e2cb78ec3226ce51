//! On which machine, and in which job of it, an engine works on a run.

use super::{LockSignature, MAX_SMALL_FILE_BYTES, RunDir};
use crate::files;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// Time after its start within which an engine in another container of this machine may not listen yet.
const ENGINE_START_TIMEOUT: Duration = Duration::from_secs(10);

/// Batch systems by the variable that names the job of a process.
const BATCH_SYSTEMS: [(&str, &str); 3] = [("SLURM_JOB_ID", "Slurm"), ("PBS_JOBID", "PBS"), ("LSB_JOBID", "LSF")];

/// A place where processes see each other and reach each other's sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineNode {
    /// The machine's host name.
    pub host: String,
    /// The kernel's id of its present boot, where it has one: machines may share a name.
    pub boot: Option<String>,
    /// Namespaces of processes and of mounts, where the system reports them: containers may share a machine.
    pub namespaces: Option<[String; 2]>,
    /// The batch job that the process is part of, such as `Slurm job 123`.
    pub job: Option<String>,
}

impl EngineNode {
    /// Of this process.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<EngineNode> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
            let namespace = |kind: &str| std::fs::read_link(format!("/proc/self/ns/{kind}"));
            let namespaces = namespace("pid").and_then(|pid| Ok([pid, namespace("mnt")?]));
            Self {
                host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
                boot: boot.ok().map(|id| id.trim().to_owned()),
                namespaces: namespaces.ok().map(|all| all.map(|path| path.display().to_string())),
                job: batch_job(|name| std::env::var(name).ok()),
            }
        })
    }

    /// True for another machine than this process's.
    pub fn is_other_machine(&self) -> bool {
        let here = Self::current();
        self.host != here.host || known_to_differ(self.boot.as_ref(), here.boot.as_ref())
    }

    /// True when the process ids of this node are this process's too.
    pub fn shares_processes(&self) -> bool {
        let pid = |node: &Self| node.namespaces.as_ref().map(|n| n[0].clone());
        let (there, here) = (pid(self), pid(Self::current()));
        !self.is_other_machine() && !known_to_differ(there.as_ref(), here.as_ref())
    }

    fn is_current(&self) -> bool {
        let here = Self::current();
        !self.is_other_machine() && !known_to_differ(self.namespaces.as_ref(), here.namespaces.as_ref())
    }

    /// A name for people, such as `gpu7`.
    pub fn name(&self) -> String {
        if self.host == Self::current().host {
            return format!("{} (in another container)", self.host);
        }
        self.host.clone()
    }

    /// The host's name, and the batch job behind it.
    pub fn name_with_job(&self) -> String {
        let job = self.job.as_ref().map(|job| format!(" ({job})"));
        format!("{}{}", self.host, job.unwrap_or_default())
    }

    /// A clause that states how to reach an engine there that works on the run in `path`.
    pub fn describe_access(&self, path: &Path) -> String {
        let (host, path) = (&self.host, path.display());
        // Where users may not log in to nodes.
        let step = self.job.as_ref().and_then(|job| {
            let id = job.strip_prefix("Slurm job ")?;
            Some(format!("`srun --jobid={id} --overlap`"))
        });
        if *host == Self::current().host {
            let step = step.map_or_else(String::new, |step| format!(" ({step})"));
            return format!("run this command in the container of its engine{step}");
        }
        let step = step.map_or_else(String::new, |step| format!(" or {step}"));
        format!("run this command on {host} (`ssh {host}`{step}), or open it with `surfit open {host}:{path}`")
    }
}

fn known_to_differ<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

fn batch_job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    BATCH_SYSTEMS.iter().find_map(|(name, system)| {
        let id = variable(name).filter(|id| !id.is_empty())?;
        Some(format!("{system} job {id}"))
    })
}

impl RunDir {
    /// The node that the run's present or last engine noted in the lock; `None` when it did not.
    pub fn engine_node(&self) -> Option<EngineNode> {
        let signature: LockSignature = self.read_json("lock", MAX_SMALL_FILE_BYTES)?;
        signature.works_on
    }

    /// The node of the engine that works on the run now, when its socket cannot be reached from here: a container may share
    /// the folder of sockets, and then nothing is elsewhere.
    pub fn unreachable_engine_node(&self) -> Option<EngineNode> {
        let node = self.engine_node().filter(|node| !node.is_current())?;
        if self.has_listener() {
            return None;
        }
        // It only has to come to listening.
        let starting = || {
            let signed = files::metadata(&self.lock_path()).and_then(|m| m.modified());
            let age = signed.map(|at| SystemTime::now().duration_since(at));
            matches!(age, Ok(Ok(age)) if age < ENGINE_START_TIMEOUT)
        };
        (self.is_engine_alive() && (node.is_other_machine() || !starting())).then_some(node)
    }

    /// The batch job that the run's engine shares with this process: its end ends the engine.
    pub fn shared_job(&self) -> Option<String> {
        let job = EngineNode::current().job.clone()?;
        let of_engine = self.engine_node()?.job;
        (self.is_engine_alive() && of_engine.as_ref() == Some(&job)).then_some(job)
    }

    /// Seconds since the run's engine wrote its status; `None` before the first. Clocks of machines differ, so a time in the
    /// future counts as now.
    pub fn heartbeat_age(&self) -> Option<f64> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let heartbeat = self.status()?.heartbeat;
        Some((now.ok()?.as_secs_f64() - heartbeat).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::run_dir::ensure_private_folder;
    use serde_json::json;
    use std::os::unix::net::UnixListener;

    #[test]
    fn another_machine_is_known_by_its_name_or_its_boot() {
        let here = EngineNode::current();
        assert!(!here.host.is_empty() && here.is_current() && here.shares_processes());
        let named = EngineNode { host: "gpu7".into(), ..here.clone() };
        assert!(named.is_other_machine() && named.name() == "gpu7");
        let said = named.describe_access(Path::new("/runs/a"));
        assert!(said.contains("`surfit open gpu7:/runs/a`"), "{said}");
        let twin = EngineNode { boot: Some("another".into()), ..here.clone() };
        assert_eq!(twin.is_other_machine(), here.boot.is_some());
        let slurm = EngineNode { job: Some("Slurm job 12".into()), ..named };
        assert_eq!(slurm.name_with_job(), "gpu7 (Slurm job 12)");
        let said = slurm.describe_access(Path::new("/runs/a"));
        assert!(said.contains("`ssh gpu7` or `srun --jobid=12 --overlap`"), "{said}");
        let container = EngineNode { namespaces: Some(["pid:[1]".into(), "mnt:[1]".into()]), ..here.clone() };
        assert!(!container.is_other_machine());
        assert_eq!(container.is_current(), here.namespaces.is_none());
        // Of an older program nothing but the name may be known.
        let bare = EngineNode { host: here.host.clone(), ..EngineNode::default() };
        assert!(bare.is_current());
    }

    #[test]
    fn an_engine_elsewhere_is_told_only_while_it_holds_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        assert_eq!(run.unreachable_engine_node(), None);
        let lock = run.lock().unwrap();
        assert_eq!(run.engine_node().as_ref(), Some(EngineNode::current()));
        assert_eq!(run.unreachable_engine_node(), None);
        let mut signature: serde_json::Value =
            serde_json::from_slice(&std::fs::read(run.lock_path()).unwrap()).unwrap();
        signature["works_on"] = json!({ "host": "gpu7" });
        std::fs::write(run.lock_path(), signature.to_string()).unwrap();
        assert_eq!(run.unreachable_engine_node().map(|n| n.host), Some("gpu7".into()));
        let refused = run.lock().unwrap_err().to_string();
        assert!(refused.contains("on gpu7") && refused.contains("ssh gpu7"), "{refused}");
        // What is reached is not elsewhere, whatever the node is called.
        let socket = run.new_socket_path();
        ensure_private_folder(socket.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(run.unreachable_engine_node(), None);
        drop(listener);
        assert!(run.unreachable_engine_node().is_some(), "nobody listens any more");
        std::fs::remove_file(&socket).unwrap();
        drop(lock);
        assert_eq!(run.unreachable_engine_node(), None, "it is gone");
        run.lock().unwrap();
        assert_eq!(run.engine_node().as_ref(), Some(EngineNode::current()));
    }

    #[test]
    fn a_batch_job_is_named_by_its_system() {
        let slurm = |name: &str| (name == "SLURM_JOB_ID").then(|| "81".to_owned());
        assert_eq!(batch_job(slurm).as_deref(), Some("Slurm job 81"));
        assert_eq!(batch_job(|_| None), None);
        assert_eq!(batch_job(|_| Some(String::new())), None);
    }
}
