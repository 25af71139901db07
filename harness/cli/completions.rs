//! `badproxy completions SHELL`

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

/// Prints completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy completions bash > ~/.local/share/bash-completion/completions/badproxy
  badproxy completions zsh > ~/.zfunc/_badproxy
  badproxy completions fish > ~/.config/fish/completions/badproxy.fish")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let mut out = Vec::new();
        generate(self.shell, &mut super::Cli::command(), "badproxy", &mut out);
        std::io::Write::write_all(&mut std::io::stdout(), &out)?;
        Ok(0)
    }
}
