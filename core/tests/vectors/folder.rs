//! Finds the folder of vectors.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Gives the path of a file or folder of vectors; `None`, after saying so, where there are none.
///
/// # Panics
/// With `CI=true`, if it is missing.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let root = env::var_os("LABELPROOF_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    let ci = env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "no vectors at {}", path.display());
    eprintln!("skipped: no vectors at {}", path.display());
    None
}

/// Lists the files with this extension below a folder, in a fixed order.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
