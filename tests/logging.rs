//! What engine and client write to their logs, and what turns that on.

mod support;

use support::Sandbox;

#[test]
fn the_log_of_a_run_says_what_the_engine_did() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let log = std::fs::read_to_string(run.join("log.txt")).expect("a log");
    for said in [
        concat!("surfit-engine ", env!("CARGO_PKG_VERSION"), ", libtorch "),
        " cpu f32 (",
        "client surfit ",
        "corners began",
        "fit took",
        "heatmap with 5 points",
        "exported the best to",
        "engine closed",
    ] {
        assert!(log.contains(said), "`{said}` is not in\n{log}");
    }
    assert!(log.lines().all(|line| line.contains(" INFO ")), "{log}");
    assert!(!place.path("client.log").exists(), "a client logs on request alone");

    place.surfit("export a --out m --names as-given").fails(1, &["have no other names"]);
    let log = std::fs::read_to_string(run.join("log.txt")).expect("a log");
    assert!(log.contains("Export {") && log.contains("refused: the corners of this run were trained here"), "{log}");
}

#[test]
fn surfit_log_says_how_much_is_logged_and_turns_on_the_clients_log() {
    let place = Sandbox::new();
    let mut command = place.command("run tiny.toml --run-dir a --json");
    command.env("SURFIT_LOG", "surfit_engine=debug,surfit_cli=info,surfit_client=info");
    place.run_to_end(command).ok();
    let log = std::fs::read_to_string(place.path("a/log.txt")).expect("a log");
    assert!(log.contains(" DEBUG surfit_engine::actor::publish: checkpoint seconds="), "{log}");
    let client = std::fs::read_to_string(place.path("client.log")).expect("a log");
    for said in ["\"run\", \"tiny.toml\"", "starting ", "connected to Welcome"] {
        assert!(client.contains(said), "`{said}` is not in\n{client}");
    }

    let mut command = place.command("ls nowhere --sort nonsense");
    command.env("SURFIT_LOG", "surfit_cli=loud");
    let failed = place.run_to_end(command);
    assert!(!failed.err.contains("SURFIT_LOG"), "{}", failed.err);
    let client = std::fs::read_to_string(place.path("client.log")).expect("a log");
    assert!(client.contains("SURFIT_LOG is no filter"), "{client}");
}
