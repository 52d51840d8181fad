//! The five programs as files one can run, all links to `labelproof-demo`.
//!
//! `labelproof-demo` looks at the name it was started under and becomes that program,
//! so that one build gives a person every command, and a test real processes to kill.

use std::io;
use std::path::{Path, PathBuf};

/// One of the programs that `labelproof-demo` can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// `labelproof`, the command line.
    Client,
    /// `labelproof-log`.
    Log,
    /// `labelproof-witness`.
    Witness,
    /// `labelproof-monitor`.
    Monitor,
}

impl Program {
    /// Every program, in the order a person meets them.
    pub const ALL: [Self; 4] = [Self::Client, Self::Log, Self::Witness, Self::Monitor];

    /// The name it is started under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "labelproof",
            Self::Log => "labelproof-log",
            Self::Witness => "labelproof-witness",
            Self::Monitor => "labelproof-monitor",
        }
    }

    /// The program whose name is the last part of `argv0`, if it is one of ours.
    #[must_use]
    pub fn of_argv0(argv0: &Path) -> Option<Self> {
        let name = argv0.file_name()?;
        Self::ALL.into_iter().find(|program| name == program.name())
    }
}

/// A folder with one link for each program.
#[derive(Clone, Debug)]
pub struct Programs {
    bin: PathBuf,
}

impl Programs {
    /// Makes `dir/bin/<name>` for each program and the demo itself, as links to `demo`; existing links are replaced.
    ///
    /// # Errors
    /// What the file system says.
    pub fn link(demo: &Path, dir: &Path) -> io::Result<Self> {
        let bin = dir.join("bin");
        std::fs::create_dir_all(&bin)?;
        let names = Program::ALL.map(Program::name);
        for name in names.into_iter().chain([DEMO]) {
            let link = bin.join(name);
            if link.symlink_metadata().is_ok() {
                std::fs::remove_file(&link)?;
            }
            std::os::unix::fs::symlink(demo, &link)?;
        }
        Ok(Self { bin })
    }

    /// The folder to put in front of `PATH`.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The file to start for `program`.
    #[must_use]
    pub fn path(&self, program: Program) -> PathBuf {
        self.bin.join(program.name())
    }
}

/// What is all of them.
const DEMO: &str = "labelproof-demo";
