//! Weights in several files: folders, and the indices that name the files.

use super::distributed;
use super::error::{ReadStep, WeightFileRefusal, quote, refuse};
use super::section::FileSection;
use super::value_source::FileContents;
use super::{ListedFile, MAX_TENSORS, open_regular, read_file};
use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};
use surfit_core::config::CornerWeights;

const MAX_INDEX_BYTES: u64 = 32 << 20;
/// The files of weights that a folder of Hugging Face's may have, the first of them first.
const INDEX_FILES: [&str; 2] = ["model.safetensors.index.json", "pytorch_model.bin.index.json"];
const SINGLE_FILES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

pub(super) type FoundShards = (Vec<ListedFile>, FileContents);

/// What of a folder is one network together.
enum FolderWeights {
    /// All of it: a distributed checkpoint.
    Distributed,
    Index(PathBuf),
    Single(PathBuf),
}

/// True for a folder that can be named in a file's place, because its files are one network together.
pub fn is_folder_of_weights(folder: &Path) -> bool {
    folder.is_dir() && find_weights(folder).is_ok()
}

/// Finds what of a folder is a network, by the names in it.
fn find_weights(folder: &Path) -> ReadStep<FolderWeights> {
    if folder.join(distributed::METADATA_FILE).is_file() {
        return Ok(FolderWeights::Distributed);
    }
    // A file of its own name only once: another's index beside it is not looked for.
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let has = |name: &str| names.iter().any(|n| n == name);
    let index = INDEX_FILES.into_iter().find(|n| has(n)).or_else(|| {
        let mut all = names.iter().filter(|n| n.ends_with(".index.json"));
        all.next().filter(|_| all.next().is_none()).map(String::as_str)
    });
    if let Some(name) = index {
        return Ok(FolderWeights::Index(folder.join(name)));
    }
    if let Some(name) = SINGLE_FILES.into_iter().find(|n| has(n)) {
        return Ok(FolderWeights::Single(folder.join(name)));
    }
    if names.iter().any(|n| n.ends_with(".distcp")) {
        return refuse(
            "is a folder of torch.distributed.checkpoint without its .metadata; its saving was not completed",
        );
    }
    let inner = names.iter().find(|n| folder.join(n).join(distributed::METADATA_FILE).is_file());
    refuse(match inner {
        Some(name) => format!("is a folder whose {} holds weights; name that", quote(name)),
        None => {
            "is a folder without weights of torch.distributed.checkpoint or an index of safetensors; name a file".into()
        }
    })
}

pub(super) fn read_folder(folder: &Path, weights: CornerWeights) -> ReadStep<FoundShards> {
    let (path, found) = match find_weights(folder)? {
        FolderWeights::Distributed => return distributed::read_distributed(folder, weights),
        FolderWeights::Index(path) => {
            let read = open_regular(&path).and_then(|section| read_index(&path, &section, weights));
            (path, read)
        }
        FolderWeights::Single(path) => {
            let read = open_regular(&path).and_then(|section| {
                let contents = read_file(&section, weights)?;
                Ok((vec![ListedFile::new(path.clone(), &section, 0)], contents))
            });
            (path, read)
        }
    };
    found.map_err(|refusal| WeightFileRefusal::Other(refusal.into_error_at(&path)))
}

/// True when a file is text that names others.
pub(super) fn is_index(section: &FileSection) -> ReadStep<bool> {
    let head = section.first_bytes(4096)?;
    // The length that safetensors begins with may have the same first byte, but not without zeros.
    Ok(head.trim_ascii_start().starts_with(b"{") && !head.contains(&0))
}

/// Reads the files that an index names.
pub(super) fn read_index(path: &Path, section: &FileSection, weights: CornerWeights) -> ReadStep<FoundShards> {
    if section.len > MAX_INDEX_BYTES {
        return refuse("is text, but too long for an index of weights; name a file of weights");
    }
    let not_index = || WeightFileRefusal::Reason("is JSON, but no index of weights; name a file of weights".into());
    let text = section.first_bytes(MAX_INDEX_BYTES as usize)?;
    let index: serde_json::Value = serde_json::from_slice(&text).map_err(|_| not_index())?;
    let map = index.get("weight_map").and_then(|m| m.as_object());
    let map = map.ok_or_else(not_index)?;
    if map.len() > MAX_TENSORS {
        return refuse(format!("names more than {MAX_TENSORS} tensors; name a file with one network"));
    }
    let mut shards: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for (name, file) in map {
        let file = file.as_str().ok_or_else(not_index)?;
        shards.entry(file).or_default().insert(name);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut files, mut contents) = (Vec::new(), FileContents::default());
    for (file, mut names) in shards {
        let path = sibling_file(folder, file)?;
        let read = open_regular(&path).and_then(|section| Ok((read_file(&section, weights)?, section)));
        let (shard, section) = read.map_err(|refusal| WeightFileRefusal::Other(refusal.into_error_at(&path)))?;
        let tensors = contents.merge_file(shard, files.len());
        let named = tensors.into_iter().filter(|t| names.remove(t.name.as_str()));
        contents.tensors.extend(named);
        if let Some(name) = names.iter().min() {
            return refuse(format!(
                "names tensor {} in {}, where it is not; copy or download both again",
                quote(name),
                quote(file)
            ));
        }
        files.push(ListedFile::new(path, &section, files.len()));
    }
    contents.notes.dedup();
    Ok((files, contents))
}

/// A file by its name in the same folder; what a file names is never anywhere else.
pub(super) fn sibling_file(folder: &Path, name: &str) -> ReadStep<PathBuf> {
    const MAX_FILE_NAME: usize = 255;
    let short = name.len() <= MAX_FILE_NAME;
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) if short && !name.chars().any(char::is_control) => Ok(folder.join(name)),
        _ => refuse(format!("names {}, which is not a file beside it; copy or download it again", quote(name))),
    }
}
