//! Arguments in, exit code out.

fn main() {
    std::process::exit(badproxy::cli::main());
}
