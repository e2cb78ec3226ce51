//! The program `surfit`: the terminal workbench and the commands. It starts in milliseconds and never loads libtorch;
//! whatever needs tensors is asked of an engine process.

fn main() -> std::process::ExitCode {
    surfit_cli::main()
}
