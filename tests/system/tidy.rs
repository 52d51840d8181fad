//! The tree keeps its own rules: arrows, licences, sources, lengths, packages, links.
//!
//! Each rule collects everything that breaks it and shows all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// Which of our packages each of them may name, tests of its own included.
const ARROWS: [(&str, &[&str]); 8] = [
    ("labelproof-core", &[]),
    ("labelproof-host", &["labelproof-core"]),
    ("labelproof-log", &["labelproof-core", "labelproof-host"]),
    (
        "labelproof-witness",
        &["labelproof-core", "labelproof-host"],
    ),
    ("labelproof", &["labelproof-core", "labelproof-host"]),
    (
        "labelproof-cli",
        &["labelproof", "labelproof-core", "labelproof-host"],
    ),
    (
        "labelproof-monitor",
        &["labelproof", "labelproof-core", "labelproof-host"],
    ),
    (
        "labelproof-tests",
        &[
            "labelproof",
            "labelproof-cli",
            "labelproof-core",
            "labelproof-host",
            "labelproof-log",
            "labelproof-monitor",
            "labelproof-witness",
        ],
    ),
];

/// All that `core` may stand on; its tests may use more.
const CORE_DEPENDENCIES: [&str; 11] = [
    "base64",
    "ed25519-dalek",
    "hex",
    "rs_merkle",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "sha2",
    "thiserror",
    "unicode-normalization",
    "zeroize",
];

/// What the client library may use of `host`: nothing of a server or a terminal.
const CLIENT_USES_OF_HOST: [&str; 6] = ["clock", "fetch", "fs", "hands", "lock", "tiles"];

/// Licences that let anybody use the programs without asking.
const PERMISSIVE: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Packages the product was asked to be built on, by the name code uses.
const ASKED_FOR: [&str; 6] = ["axum", "ed25519_dalek", "hex", "rs_merkle", "serde", "sled"];

/// Past this a file holds more than one idea.
const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the package is a folder of the workspace")
        .to_owned()
}

fn metadata() -> Metadata {
    let version = Command::new(env!("CARGO"))
        .arg("-vV")
        .output()
        .expect("cargo runs");
    let version = String::from_utf8(version.stdout).expect("cargo writes UTF-8");
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host line");
    let options = ["--locked", "--filter-platform", host].map(str::to_owned);
    let mut command = MetadataCommand::new();
    command
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options);
    command.exec().expect("cargo metadata works")
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Every file below `dir` with this ending, without what builds leave behind.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a folder of the tree is readable") {
            let path = entry.expect("an entry of it too").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The code of a file: no comments, nothing from its test module on.
fn code(path: &Path) -> String {
    let text = text(path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Files of the products themselves.
fn product_files() -> Vec<PathBuf> {
    let folders = [
        "core/src",
        "host/src",
        "log-server/src",
        "witness/src",
        "client",
    ];
    folders
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .filter(|path| !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests"))
        .collect()
}

#[test]
fn arrows_point_at_core() {
    let metadata = metadata();
    let allowed = BTreeMap::from(ARROWS);
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(allowed) = allowed.get(package.name.as_str()) else {
            broken.push(format!(
                "{} has no row in the table of arrows",
                package.name
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some())
        {
            if !allowed.contains(&dependency.name.as_str()) {
                broken.push(format!("{} must not use {}", package.name, dependency.name));
            }
        }
    }
    none(&broken);
}

#[test]
fn core_stands_on_the_listed_packages_only() {
    let metadata = metadata();
    let core = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "labelproof-core");
    let core = core.expect("core is a package");
    let normal = core
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != cargo_metadata::DependencyKind::Development);
    let names: BTreeSet<&str> = normal.map(|dependency| dependency.name.as_str()).collect();
    let extra = names
        .iter()
        .filter(|name| !CORE_DEPENDENCIES.contains(name));
    none(&extra.map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn core_touches_nothing_of_the_machine() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "async fn",
    ];
    let mut broken = Vec::new();
    for path in files(&root().join("core/src"), ".rs") {
        let code = code(&path);
        let found = forbidden.iter().filter(|word| code.contains(**word));
        broken.extend(found.map(|word| format!("{} uses {word}", shown(&path))));
    }
    none(&broken);
}

#[test]
fn client_library_uses_little_of_host() {
    let mut broken = Vec::new();
    for path in files(&root().join("client/src"), ".rs") {
        let code = code(&path);
        for rest in code.split("labelproof_host::").skip(1) {
            let foreign = first_names(rest).into_iter();
            let foreign = foreign.filter(|name| !CLIENT_USES_OF_HOST.contains(&name.as_str()));
            broken.extend(foreign.map(|name| format!("{} uses host::{name}", shown(&path))));
        }
    }
    none(&broken);
}

/// The names a path goes on with: one, or those of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name_at(rest)];
    };
    let (mut depth, mut names, mut due) = (1, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => due = true,
            c if due && !c.is_whitespace() => {
                names.push(name_at(&group[at..]));
                due = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn name_at(text: &str) -> String {
    let name = text.chars();
    name.take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn services_do_not_name_each_other() {
    let mut broken = Vec::new();
    for (folder, other) in [
        ("log-server/src", "labelproof_witness"),
        ("witness/src", "labelproof_log"),
    ] {
        let files = files(&root().join(folder), ".rs");
        let found = files.iter().filter(|path| text(path).contains(other));
        broken.extend(found.map(|path| format!("{} names {other}", shown(path))));
    }
    none(&broken);
}

#[test]
fn dependencies_are_permissive_and_from_crates_io() {
    let metadata = metadata();
    let used: BTreeSet<_> = {
        let resolve = metadata
            .resolve
            .as_ref()
            .expect("dependencies were resolved");
        resolve.nodes.iter().map(|node| &node.id).collect()
    };
    let mut broken = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| used.contains(&package.id))
    {
        if !licence_is_permissive(package) {
            broken.push(format!("{}: licence {:?}", package.name, package.license));
        }
        let ours = metadata.workspace_members.contains(&package.id);
        if !ours
            && !package
                .source
                .as_ref()
                .is_some_and(cargo_metadata::Source::is_crates_io)
        {
            broken.push(format!("{}: from {:?}", package.name, package.source));
        }
    }
    none(&broken);
}

fn licence_is_permissive(package: &Package) -> bool {
    // Some manifests still write `/` for `OR`.
    package
        .license
        .as_deref()
        .is_some_and(|licence| permits(&licence.replace('/', " OR ")))
}

/// Evaluates an SPDX expression: one permissive choice of each `OR`, both sides of each `AND`.
fn permits(expression: &str) -> bool {
    let expression = expression.trim();
    if let Some((left, right)) = split_outside(expression, " OR ") {
        return permits(left) || permits(right);
    }
    if let Some((left, right)) = split_outside(expression, " AND ") {
        return permits(left) && permits(right);
    }
    if let Some(inner) = expression
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return permits(inner);
    }
    // An exception only ever permits more.
    let licence = expression.split(" WITH ").next().unwrap_or(expression);
    PERMISSIVE.contains(&licence)
}

/// Splits at the first `word` that stands outside parentheses.
fn split_outside<'a>(expression: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let at = expression
        .match_indices(word)
        .map(|(at, _)| at)
        .find(|at| {
            let before = &expression[..*at];
            before.matches('(').count() == before.matches(')').count()
        })?;
    Some((&expression[..at], &expression[at + word.len()..]))
}

#[test]
fn licence_expressions_are_evaluated() {
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(permits(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND MPL-2.0",
        "LGPL-2.1 OR AGPL-3.0",
    ] {
        assert!(!permits(bad), "{bad}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut broken = Vec::new();
    for path in files(&root(), ".rs") {
        let text = text(&path);
        let lines = text.lines().count();
        if lines > MAX_LINES {
            broken.push(format!(
                "{}: {lines} lines, more than {MAX_LINES}",
                shown(&path)
            ));
        }
        if !text.starts_with("//!") {
            broken.push(format!("{}: does not open with //!", shown(&path)));
        }
        if path.ends_with("mod.rs") {
            broken.push(format!("{}: named mod.rs", shown(&path)));
        }
    }
    none(&broken);
}

#[test]
fn packages_obey_the_lints_and_name_the_licence() {
    let mut broken = Vec::new();
    for package in metadata().workspace_packages() {
        let manifest = text(package.manifest_path.as_std_path());
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!(
                "{}: does not take the workspace's lints",
                package.name
            ));
        }
        if package.license.as_deref() != Some("MIT OR Apache-2.0") {
            broken.push(format!("{}: licence {:?}", package.name, package.license));
        }
    }
    none(&broken);
}

#[test]
fn packages_asked_for_are_in_the_product() {
    let files: Vec<(PathBuf, String)> = product_files()
        .into_iter()
        .map(|path| (path.clone(), code(&path)))
        .collect();
    let mut broken = Vec::new();
    for package in ASKED_FOR {
        let path = format!("{package}::");
        let users = files.iter().filter(|(_, code)| names_crate(code, &path));
        let users: Vec<String> = users.map(|(path, _)| shown(path)).collect();
        println!("{package}: {}", users.join(" "));
        if users.is_empty() {
            broken.push(format!("no product file uses {package}"));
        }
    }
    none(&broken);
}

/// Whether `path` stands in `code` on its own and not at the end of a longer name.
fn names_crate(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn relative_links_in_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for path in files(&root(), ".md") {
        for link in links(&text(&path)) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || link.starts_with("mailto:");
            if elsewhere || target.is_empty() {
                continue;
            }
            let folder = path.parent().expect("a file is in a folder");
            if !folder.join(target).exists() {
                broken.push(format!("{}: no {target}", shown(&path)));
            }
        }
    }
    none(&broken);
}

/// Targets of inline links, outside code blocks.
fn links(markdown: &str) -> Vec<String> {
    let mut inside_block = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside_block = !inside_block;
        } else if !inside_block {
            let targets = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next());
            found.extend(targets.map(str::to_owned));
        }
    }
    found
}
