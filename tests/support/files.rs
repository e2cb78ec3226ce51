//! Reading what a run's directory holds, without the crates that wrote it.

use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Every whole line of a run's `events.jsonl`.
pub fn events(run: &Path) -> Vec<Value> {
    let text = std::fs::read(run.join("events.jsonl")).unwrap_or_default();
    let whole = text.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
    let lines = text[..whole].split(|&b| b == b'\n').filter(|l| !l.is_empty());
    lines
        .map(|l| {
            serde_json::from_slice(l)
                .unwrap_or_else(|e| panic!("a damaged event ({e}): {}", String::from_utf8_lossy(l)))
        })
        .collect()
}

/// The events of one kind.
pub fn events_of(run: &Path, kind: &str) -> Vec<Value> {
    events(run).into_iter().filter(|e| e["event"] == kind).collect()
}

/// The last `finished` event, if there is one.
pub fn finished_event(run: &Path) -> Option<Value> {
    events_of(run, "finished").pop()
}

/// True when the present engine of a run has begun a stage: it did so after it opened the run.
pub fn has_stage_begun(run: &Path, stage: &str) -> bool {
    let events = events(run);
    let opened = events.iter().rposition(|e| e["event"] == "started").unwrap_or(0);
    events[opened..].iter().any(|e| e["event"] == "stage_began" && e["stage"] == stage)
}

/// A safetensors file: name → (type, shape, bytes), and its metadata.
#[derive(PartialEq)]
pub struct SafetensorsFile {
    pub all: BTreeMap<String, (String, Vec<usize>, Vec<u8>)>,
    pub metadata: BTreeMap<String, String>,
}

impl SafetensorsFile {
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let all = file
            .tensors()
            .into_iter()
            .map(|(name, t)| (name, (format!("{:?}", t.dtype()), t.shape().to_vec(), t.data().to_vec())));
        Self { all: all.collect(), metadata }
    }

    /// The values of an `f32` tensor.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        let (_, _, bytes) = &self.all[name];
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    /// In what two files differ, for people.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.metadata != other.metadata {
            found.push(format!("metadata: {:?} and {:?}", self.metadata, other.metadata));
        }
        if !self.all.keys().eq(other.all.keys()) {
            found.push(format!("names: {:?} and {:?}", self.all.keys(), other.all.keys()));
        }
        for (name, tensor) in &self.all {
            let Some(twin) = other.all.get(name).filter(|t| *t != tensor) else {
                continue;
            };
            let same = tensor.2.iter().zip(&twin.2).filter(|(a, b)| a == b).count();
            found.push(format!("{name}: {:?} and {:?}, {same} of {} bytes alike", tensor.1, twin.1, tensor.2.len()));
        }
        found
    }
}

/// Copies a folder with what is in it, as a user would while an engine may write there: a file that is replaced or gone
/// between being listed and being read is no fault, and `link` links files instead of copying them.
pub fn copy_folder(from: &Path, to: &Path, link: bool) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to, link);
            continue;
        }
        let done = match link {
            true => std::fs::hard_link(&from, &to),
            false => std::fs::copy(&from, &to).map(drop),
        };
        match done {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !from.exists() => {}
            done => done.unwrap_or_else(|e| panic!("copying {}: {e}", from.display())),
        }
    }
}
