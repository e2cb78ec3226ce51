use super::super::{FilePath, break_hard_link, replace_with_copy, sync_all, write_atomic};
use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

/// A folder to be confined to, and one outside with a file that must stay as it is.
struct TestFolders {
    dir: tempfile::TempDir,
}

impl TestFolders {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["run", "run/corners", "outside"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("outside/mine"), "years of work").unwrap();
        Self { dir }
    }

    fn file(&self, name: &str) -> FilePath {
        FilePath::beneath(&self.dir.path().join("run"), name)
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// Nothing was written outside.
    #[track_caller]
    fn assert_untouched(&self) {
        let mine = self.outside().join("mine");
        assert_eq!(fs::read(&mine).unwrap(), b"years of work");
        assert_eq!(fs::metadata(&mine).unwrap().nlink(), 1);
        assert_eq!(fs::read_dir(self.outside()).unwrap().count(), 1);
    }
}

fn mkfifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::from_raw_mode(0o600)).unwrap();
}

#[test]
fn no_link_below_the_folder_is_followed_by_anything() {
    for target in ["../outside/mine", "/dev/zero", "nowhere", "corners"] {
        let folders = TestFolders::new();
        symlink(target, folders.file("lock")).unwrap();
        let file = folders.file("lock");
        let sentence = read(&file, 100).unwrap_err().to_string();
        assert!(sentence.contains("is a symbolic link"), "{target}: {sentence}");
        assert!(open_with(&file, OFlags::WRONLY | OFlags::CREATE).is_err());
        assert!(exists(&file) && !is_file(&file) && !is_folder(&file));
        assert!(replace_with_copy(&file).is_err() && break_hard_link(&file).is_ok());
        assert!(hard_link_or_copy(&file, &folders.file("copy")).is_err());
        assert!(create_folder(&file).is_err());
        sync_all(&folders.file("")).unwrap();
        // A new file takes the link's place.
        write_atomic(&file, b"new").unwrap();
        assert_eq!(read(&file, 100).unwrap(), b"new");
        folders.assert_untouched();
    }
}

#[test]
fn no_folder_that_is_a_link_is_entered_by_anything() {
    let folders = TestFolders::new();
    symlink("../outside", folders.file("exports")).unwrap();
    symlink("../../outside", folders.file("corners/deep")).unwrap();
    for folder in ["exports", "corners/deep"] {
        let (folder, file) = (folders.file(folder), folders.file(folder).join("mine"));
        let sentence = read(&file, 100).unwrap_err().to_string();
        assert!(
            sentence.contains("is a symbolic link") && sentence.contains("replace it with its target"),
            "{sentence}"
        );
        assert!(list_folder(&folder).is_err() && create_folder(&folder.join("best")).is_err());
        assert!(write_atomic(&file, b"new").is_err() && remove(&file).is_err());
        assert!(write_atomic(&folder.join("new"), b"new").is_err());
        assert!(open_with(&folder.join("new"), OFlags::WRONLY | OFlags::CREATE).is_err());
        assert!(!exists(&file) && hard_link_or_copy(&folders.file("a"), &file).is_err());
        // The link itself can be removed.
        remove(&folder).unwrap();
        folders.assert_untouched();
    }
    let out = folders.file("../outside/mine");
    assert!(read(&out, 100).is_err() && write_atomic(&out, b"new").is_err());
    folders.assert_untouched();
}

#[test]
fn a_folder_goes_with_the_links_in_it_and_never_with_what_they_lead_to() {
    let folders = TestFolders::new();
    let dir = folders.dir.path();
    // In a run and where the user says, at the folder's own name and inside.
    for folder in [folders.file("left"), FilePath::from(dir.join("left"))] {
        symlink(folders.outside(), &folder).unwrap();
        remove_folder(&folder).unwrap();
        assert!(folder.symlink_metadata().is_err(), "the link stays");
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/file"), "").unwrap();
        symlink(folders.outside(), folder.join("a/b/link")).unwrap();
        symlink(folders.outside().join("mine"), folder.join("link")).unwrap();
        mkfifo(&folder.join("pipe"));
        remove_folder(&folder).unwrap();
        remove_folder(&folder).unwrap();
        assert!(!folder.exists());
        fs::write(&folder, "").unwrap();
        assert!(remove_folder(&folder).is_err() && folder.is_file());
        folders.assert_untouched();
    }
    // A new folder takes nobody's place.
    let link = FilePath::from(dir.join("link"));
    symlink(folders.outside(), &link).unwrap();
    for there in [link, FilePath::from(folders.outside())] {
        let error = create_new_folder(&there).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
    create_new_folder(&folders.file("new")).unwrap();
    folders.assert_untouched();
}

#[test]
fn folders_in_each_other_without_end_are_an_error_and_no_overflow() {
    let folders = TestFolders::new();
    let top = folders.file("deep");
    create_new_folder(&top).unwrap();
    let mut at = open_folder(&top, OFlags::RDONLY).unwrap();
    for _ in 0..300 {
        rustix::fs::mkdirat(&at, "d", Mode::from_raw_mode(0o700)).unwrap();
        at = openat(&at, "d", FOLDER_FLAGS, Mode::empty()).unwrap();
    }
    drop(at);
    assert!(remove_folder(&top).is_err() && top.exists());
}

#[test]
fn component_by_component_is_as_strict_as_the_kernels_own_way() {
    let folders = TestFolders::new();
    fs::write(folders.file("corners/a"), "a").unwrap();
    symlink("../outside", folders.file("exports")).unwrap();
    symlink("a", folders.file("corners/link")).unwrap();
    let root = rustix::fs::open(&*folders.file(""), FOLDER_FLAGS, Mode::empty()).unwrap();
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
    let walked = |inside: &str| open_by_component(&root, Path::new(inside), flags, Mode::empty());
    assert!(walked("corners/a").is_ok() && walked("corners").is_ok());
    for inside in ["exports/mine", "corners/link", "corners/link/a", "corners/none", "exports"] {
        assert!(walked(inside).is_err(), "{inside}");
        assert!(open_beneath(&root, Path::new(inside), flags, Mode::empty()).is_err());
    }
}

#[test]
fn only_regular_files_are_opened_and_nothing_is_waited_for() {
    let folders = TestFolders::new();
    mkfifo(&folders.file("pipe"));
    let _listener = std::os::unix::net::UnixListener::bind(folders.file("socket")).unwrap();
    for (name, kind) in [("pipe", "a named pipe"), ("socket", "a socket"), ("corners", "a folder")] {
        let file = folders.file(name);
        for flags in [OFlags::RDONLY, OFlags::WRONLY | OFlags::CREATE, OFlags::RDWR] {
            let sentence = open_with(&file, flags).unwrap_err().to_string();
            assert!(sentence.contains(kind) || sentence.contains("directory"), "{name}: {sentence}");
        }
        let plain = open(&*file as &Path).unwrap_err();
        assert!(is_confinement_error(&plain) && plain.to_string().contains(kind), "{name}: {plain}");
        assert!(!is_file(&file) && exists(&file));
    }
    // Nor where the user's own paths lead.
    assert!(open(Path::new("/dev/zero")).unwrap_err().to_string().contains("a device"));
    let link = folders.outside().join("link");
    symlink(folders.outside().join("mine"), &link).unwrap();
    assert_eq!(read(&link, 100).unwrap(), b"years of work");
}

#[test]
fn a_file_that_is_longer_than_it_may_be_is_not_read() {
    let folders = TestFolders::new();
    let file = folders.file("status.json");
    File::create(&file).unwrap().set_len(10 << 30).unwrap();
    let sentence = read(&file, 1 << 20).unwrap_err().to_string();
    assert!(sentence.contains("10737418240 bytes") && sentence.contains("1048576"), "{sentence}");
    write_atomic(&file, &[0; 100]).unwrap();
    assert_eq!(read(&file, 100).unwrap().len(), 100);
    assert!(read(&file, 99).is_err());
}

#[test]
fn a_name_that_a_file_will_have_is_not_laid_in_wait_for_it() {
    let folders = TestFolders::new();
    let temporary = format!(".status.json.{}.tmp", std::process::id());
    symlink("../outside/mine", folders.file(&temporary)).unwrap();
    write_atomic(&folders.file("status.json"), b"{}").unwrap();
    assert_eq!(read(&folders.file("status.json"), 10).unwrap(), b"{}");
    folders.assert_untouched();
}

#[test]
fn a_folder_itself_may_lie_behind_links() {
    let folders = TestFolders::new();
    let link = folders.dir.path().join("link");
    symlink("run", &link).unwrap();
    let file = FilePath::beneath(&link, "corners/a");
    write_atomic(&file, b"a").unwrap();
    assert_eq!(fs::read(folders.file("corners/a")).unwrap(), b"a");
    let all = list_folder(&FilePath::beneath(&link, "corners")).unwrap();
    assert!(all.len() == 1 && all[0].is_file && all[0].name == "a");
    // A second name is a file as any other, and a copy keeps what it had.
    hard_link_or_copy(&file, &FilePath::beneath(&link, "b")).unwrap();
    break_hard_link(&file).unwrap();
    write_atomic(&file, b"later").unwrap();
    assert_eq!(fs::read(folders.file("b")).unwrap(), b"a");
}

#[test]
fn a_copy_of_a_file_of_holes_is_one_of_holes() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let file = File::create(&from).unwrap();
    file.write_all_at(b"begin", 0).unwrap();
    file.write_all_at(b"middle", 1 << 30).unwrap();
    file.set_len(3 << 30).unwrap();
    copy_content(&mut File::open(&from).unwrap(), &File::create(&to).unwrap()).unwrap();
    let (copied, mut text) = (File::open(&to).unwrap(), [0; 12]);
    assert_eq!(copied.metadata().unwrap().len(), 3 << 30);
    assert!(copied.metadata().unwrap().blocks() * 512 < 1 << 20);
    copied.read_exact_at(&mut text, (1 << 30) - 3).unwrap();
    assert_eq!(&text, b"\0\0\0middle\0\0\0");
    copied.read_exact_at(&mut text, 0).unwrap();
    assert_eq!(&text, b"begin\0\0\0\0\0\0\0");
    // Without a hole, and without content.
    for content in [&b"whole"[..], b""] {
        std::fs::write(&from, content).unwrap();
        copy_content(&mut File::open(&from).unwrap(), &File::create(&to).unwrap()).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), content);
    }
}
