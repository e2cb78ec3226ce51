//! A checkpoint that a disk or a hand has damaged: whoever asks for something is told what is wrong and where, and no model is
//! made of it.

mod support;

use support::{Sandbox, TerminalScreen};

const WHY: [&str; 3] = [
    "surface/state.safetensors is no usable checkpoint",
    "restore it from a copy, or remove it to fit anew",
    "log.txt",
];

/// A finished run whose checkpoint is what `damage` makes of it; and the checkpoint as it was.
fn damaged(place: &Sandbox, damage: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let run = place.run_tiny_job("runs/a", "--set corners.epochs=1 --set fit.epochs=0.5 --set heatmap.grid=3");
    let state = run.join("surface/state.safetensors");
    let whole = std::fs::read(&state).expect("a checkpoint");
    let mut bytes = whole.clone();
    damage(&mut bytes);
    std::fs::write(&state, bytes).expect("a file");
    whole
}

#[test]
fn what_is_asked_of_a_run_whose_checkpoint_is_cut_short_is_answered_with_the_reason() {
    let place = Sandbox::new();
    let whole = damaged(&place, |bytes| bytes.truncate(bytes.len() / 2));
    for command in ["export a --best --out m", "degree a 3", "search a --at 0.5,0.5"] {
        place.surfit(command).fails(1, &WHY).fails(1, &["cut short"]);
    }
    assert!(!place.path("m").exists());
    // A fork of it is none, and leaves nothing.
    let forked = place.surfit("fork a --degree 3").fails(1, &WHY[..2]);
    assert!(forked.err.contains("no run was created"), "{}", forked.describe());
    let named = place.path("runs/a/surface/state.safetensors");
    assert!(forked.err.contains(named.to_str().expect("a path")), "{}", forked.describe());
    let runs = std::fs::read_dir(place.path("runs")).expect("runs").flatten();
    let others: Vec<_> = runs.map(|e| e.file_name()).filter(|n| n != "a").collect();
    assert!(others.is_empty(), "{others:?}");
    // It is not as it was when it was finished.
    place.surfit("resume a").fails(1, &WHY[..2]);
    let further = place.surfit("fit a --epochs 1").fails(1, &WHY[..2]);
    for part in ["model ", "interior"] {
        assert!(!further.out.contains(part), "{}", further.describe());
    }
    // A copy brought back makes all of it good.
    std::fs::write(place.path("runs/a/surface/state.safetensors"), whole).expect("a file");
    place.surfit("export a --best --out m").ok();
    let done = place.surfit("resume a").ok();
    assert!(done.out.contains("is finished"), "{}", done.describe());
}

#[test]
fn no_model_is_made_of_weights_that_are_not_those_that_were_written() {
    let place = Sandbox::new();
    damaged(&place, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].iter_mut().for_each(|b| *b ^= 0x55);
    });
    place.surfit("export a --best --out m").fails(1, &WHY);
    place.surfit("export a --best --out m").fails(1, &["its bytes are not those that were written"]);
    assert!(!place.path("m").exists());
}

#[test]
fn a_key_that_asks_an_engine_which_cannot_open_the_run_is_answered_with_the_reason() {
    let place = Sandbox::new();
    damaged(&place, |bytes| bytes.truncate(bytes.len() / 2));
    let mut screen = TerminalScreen::open(&place, "open a", (200, 44), &[]);
    screen.wait_for_text("✓ finished");
    screen.press("x");
    screen.wait_for_text("no usable checkpoint");
    assert!(!screen.written().contains("closed before it answered"));
    screen.press("q");
    screen.wait_for_exit_code();
}
