//! Other people's servers, pinned, built from their Go modules and run beside ours.
//!
//! ```text
//! Tessera v1.0.4       cmd/conformance/posix with antispam: POST /add, and its file server
//! litewitness v0.9.0   an SQLite database, a key in an ssh-agent of its own
//! ```
//! What cannot be built or started is an error of its own row; nothing waits for it longer than a minute.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use labelproof_core::key::{KeyType, SigningKey};

use crate::ground::Ground;
use crate::sources::GrowingLogs;

/// A process of somebody else; killed when dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    agent: Option<Child>,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        for child in std::iter::once(&mut self.child).chain(&mut self.agent) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Peer {
    pub(crate) fn ground(&self) -> Ground {
        Ground::of(self.address, Some(self.child.id()))
    }

    /// Tessera's POSIX log with its antispam.
    pub(crate) fn tessera(bin: &Path) -> io::Result<Self> {
        let program = install(bin, "posix", TESSERA)?;
        let folder = folder()?;
        let name = "tessera.example".parse().expect("a key name");
        let seed = [9; 32];
        let key = SigningKey::from_seed(name, KeyType::Note, seed);
        let file = folder.path().join("key");
        fs::write(&file, private_key(&key, &seed))?;
        let address = free_address()?;
        let child = Command::new(program)
            .arg("--antispam")
            .arg(format!(
                "--storage_dir={}",
                folder.path().join("log").display()
            ))
            .arg(format!("--private_key={}", file.display()))
            .arg(format!("--listen={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("stderr"))?)
            .spawn()?;
        Self {
            child,
            agent: None,
            address,
            _folder: folder,
        }
        .listening()
    }

    /// Litewitness, which knows the logs of [`GrowingLogs`] at size 0.
    pub(crate) fn litewitness(bin: &Path, logs: u64) -> io::Result<Self> {
        let program = install(bin, "litewitness", LITEWITNESS)?;
        let folder = folder()?;
        let at = |name: &str| folder.path().join(name);
        let (key, socket, database) = (at("key"), at("agent"), at("lite.db"));
        done(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "lite", "-f"])
                .arg(&key),
        )?;
        let agent = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let address = free_address()?;
        // From here on both are ended with the peer, whatever fails.
        let mut peer = Self {
            child: agent,
            agent: None,
            address,
            _folder: folder,
        };
        until(|| socket.exists())?;
        done(
            Command::new("ssh-add")
                .arg("-q")
                .arg(&key)
                .env("SSH_AUTH_SOCK", &socket),
        )?;
        let print = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(key.with_extension("pub"))
            .output()?;
        let print = String::from_utf8_lossy(&print.stdout).into_owned();
        let print = print.split_whitespace().nth(1).unwrap_or_default();
        let child = Command::new(program)
            .args(["-name", "lite.example/w1", "-db"])
            .arg(&database)
            .arg("-ssh-agent")
            .arg(&socket)
            .args(["-listen", &address.to_string(), "-key", print])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        peer.agent = Some(std::mem::replace(&mut peer.child, child));
        let peer = peer.listening()?;
        let mut sql = String::from("begin;\n");
        for vkey in GrowingLogs::vkeys(logs) {
            let origin = vkey.name();
            // Writing to a string does not fail.
            let _ = writeln!(
                sql,
                "insert into log (origin, tree_size, tree_hash) values ('{origin}', 0, '{EMPTY_ROOT}');\n\
                 insert into key (origin, key) values ('{origin}', '{vkey}');"
            );
        }
        sql.push_str("commit;\n");
        let file = peer._folder.path().join("logs.sql");
        fs::write(&file, sql)?;
        done(
            Command::new("sqlite3")
                .arg("-bail")
                .arg(&database)
                .stdin(fs::File::open(&file)?),
        )?;
        Ok(peer)
    }

    fn listening(mut self) -> io::Result<Self> {
        let address = self.address;
        let child = &mut self.child;
        let mut ended = false;
        until(|| {
            ended = !matches!(child.try_wait(), Ok(None));
            ended || TcpStream::connect(address).is_ok()
        })?;
        if ended {
            let said = fs::read_to_string(self._folder.path().join("stderr")).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(3).collect();
            return Err(io::Error::other(format!("it ended: {}", last.join(" / "))));
        }
        Ok(self)
    }
}

/// Builds a pinned program of a Go module into `bin`, once.
fn install(bin: &Path, name: &str, module: &str) -> io::Result<PathBuf> {
    let program = bin.join(name);
    if !program.exists() {
        fs::create_dir_all(bin)?;
        let bin = bin.canonicalize()?;
        done(
            Command::new("timeout")
                .args(["300", "go", "install", module])
                .env("GOBIN", bin),
        )?;
    }
    Ok(program)
}

/// Runs a program to its end; what it says is the error.
pub(crate) fn done(command: &mut Command) -> io::Result<()> {
    let output = command.stdout(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it said nothing");
    let name = command.get_program().to_string_lossy();
    Err(io::Error::other(format!("{name} failed: {last}")))
}

fn until(mut holds: impl FnMut() -> bool) -> io::Result<()> {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A key as golang.org/x/mod/sumdb/note writes it.
fn private_key(key: &SigningKey, seed: &[u8; 32]) -> String {
    let vkey = key.vkey().to_string();
    let hash = vkey.split('+').nth(1).unwrap_or_default();
    let bytes = [&[1][..], seed].concat();
    let name = key.vkey().name();
    format!("PRIVATE+KEY+{name}+{hash}+{}", STANDARD.encode(bytes))
}

/// For programs that cannot take port 0; another process may take it first, and then they say so.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn folder() -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("labelproof-peer-")
        .tempdir()
}

const TESSERA: &str = "github.com/transparency-dev/tessera/cmd/conformance/posix@v1.0.4";
const LITEWITNESS: &str = "filippo.io/torchwood/cmd/litewitness@v0.9.0";
const EMPTY_ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const PATIENCE: Duration = Duration::from_secs(60);
