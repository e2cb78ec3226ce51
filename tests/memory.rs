//! Memory: a surface that cannot fit is refused with figures, before hours go into its corners.

mod support;

use support::Sandbox;

#[test]
fn a_surface_larger_than_the_machine_is_refused_before_anything_is_trained() {
    let place = Sandbox::new();
    let widths = ["65536"; 8].join(",");
    let shape = format!("--set network.name=mlp --set network.widths=[{widths}]");
    let told = place
        .surfit(&format!("run tiny.toml --run-dir a --json {shape}"))
        .fails(1, &["9 control points", "GB left", "lower degree", "more memory"]);
    assert!(told.seconds < 60.0, "it took {:.0} s", told.seconds);
    assert!(support::events_of(&place.path("a"), "losses").is_empty());
}
