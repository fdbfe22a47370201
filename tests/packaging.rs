//! What is shipped beside the binary says the same as the binary: plugin.yaml, krew-manifest.yaml, and the archives that
//! release/release.py packs.
//!
//! `UPDATE=1 cargo test --test packaging` writes plugin.yaml anew.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _, Parser as _};
use flate2::read::GzDecoder;
use mesh_why::cli::Cli;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const NAME: &str = "mesh-why";
const BINARY: &str = "kubectl-mesh_why";

// --- plugin.yaml -----------------------------------------------------------------------------

/// kubectl's descriptor of a plugin. The format has no other fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plugin {
    name: String,
    short_desc: String,
    long_desc: String,
    example: String,
    command: String,
    flags: Vec<Flag>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Flag {
    name: String,
    #[serde(default)]
    shorthand: String,
    desc: String,
    #[serde(default)]
    def_value: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn plugin() -> Plugin {
    serde_saphyr::from_str(&read("plugin.yaml")).unwrap()
}

/// The long flags that are shown, but for help and version, which every program has.
fn shown(command: &Command) -> Vec<&Arg> {
    let arguments = command.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_hide_set());
    arguments.filter(|arg| !["help", "version"].contains(&arg.get_long().unwrap())).collect()
}

fn flag(arg: &Arg) -> Flag {
    let defaults = arg.get_default_values().iter().map(|value| value.to_str().unwrap());
    let takes_value = arg.get_action().takes_values();
    Flag {
        name: arg.get_long().unwrap().to_owned(),
        shorthand: arg.get_short().map(String::from).unwrap_or_default(),
        desc: arg.get_help().unwrap().to_string(),
        def_value: if takes_value { defaults.collect::<Vec<_>>().join(",") } else { String::new() },
    }
}

/// plugin.yaml as clap would have it.
fn descriptor() -> String {
    let command = Cli::command();
    let about = command.get_about().unwrap().to_string();
    let long = command.get_long_about().unwrap().to_string();
    let example = examples(&command).join("\n");
    let mut text = String::from(
        "# A description of the plugin's command line in the format of kubectl's plugin descriptors. Clients up to\n\
         # kubectl 1.11 read it; newer ones find a plugin by its file name alone.\n\
         # Written by `UPDATE=1 cargo test --test packaging`, which holds it to the command line.\n",
    );
    for (field, value) in [("name", NAME), ("shortDesc", &about), ("longDesc", &long), ("example", &example)] {
        writeln!(text, "{field}: {}", json!(value)).unwrap();
    }
    writeln!(text, "command: ./{BINARY}\nflags:").unwrap();
    for arg in shown(&command) {
        let flag = flag(arg);
        writeln!(text, "  - name: {}", flag.name).unwrap();
        if !flag.shorthand.is_empty() {
            writeln!(text, "    shorthand: {}", json!(flag.shorthand)).unwrap();
        }
        writeln!(text, "    desc: {}", json!(flag.desc)).unwrap();
        if !flag.def_value.is_empty() {
            writeln!(text, "    defValue: {}", json!(flag.def_value)).unwrap();
        }
    }
    text
}

/// The commands of the help's examples.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_long_help().unwrap().to_string();
    help.lines().map(str::trim).filter(|line| line.starts_with("kubectl mesh-why")).map(str::to_owned).collect()
}

#[test]
fn the_descriptor_is_the_command_line() {
    let written = descriptor();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join("plugin.yaml"), &written).unwrap();
    }
    assert!(read("plugin.yaml") == written, "plugin.yaml is behind: UPDATE=1 cargo test --test packaging");
    let command = Cli::command();
    let plugin = plugin();
    assert_eq!((plugin.name.as_str(), plugin.command.as_str()), (NAME, "./kubectl-mesh_why"));
    assert_eq!(plugin.flags, shown(&command).into_iter().map(flag).collect::<Vec<_>>());
    assert!(!plugin.long_desc.is_empty());
    for flag in &plugin.flags {
        assert!(!flag.name.contains(' ') && flag.shorthand.len() <= 1 && !flag.desc.is_empty(), "{flag:?}");
    }
    assert_eq!(plugin.example.lines().count(), examples(&command).len());
}

/// The man page, from the command line.
fn man_page() -> String {
    let mut page = Vec::new();
    // No date: a page of one version is always the same.
    let man = clap_mangen::Man::new(Cli::command()).title("kubectl-mesh_why").date("").manual("kubectl plugins");
    man.render(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn the_man_page_is_the_command_line() {
    const FILE: &str = "docs/kubectl-mesh_why.1";
    let written = man_page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(FILE), &written).unwrap();
    }
    assert!(read(FILE) == written, "{FILE} is behind: UPDATE=1 cargo test --test packaging");
    for arg in shown(&Cli::command()) {
        let flag = format!("--{}", arg.get_long().unwrap()).replace('-', "\\-");
        assert!(written.contains(&flag), "{flag}");
    }
}

#[test]
fn every_example_can_be_typed() {
    let command = Cli::command();
    assert!(!examples(&command).is_empty());
    for example in examples(&command) {
        // `kubectl mesh-why` is one word for the binary.
        let words = shlex::split(&example).unwrap().into_iter().skip(2);
        let arguments: Vec<String> = [BINARY.to_owned()].into_iter().chain(words).collect();
        Cli::try_parse_from(&arguments).unwrap_or_else(|e| panic!("{example}: {e}"));
    }
}

#[test]
fn letters_mean_what_they_mean_to_kubectl() {
    let command = Cli::command();
    for arg in command.get_arguments() {
        let expected = match arg.get_short() {
            Some('n') => "namespace",
            Some('s') => "server",
            Some('l') => "selector",
            Some('o') => "output",
            Some('f') => "config-dump",
            Some('v') => "verbose",
            Some('h') => "help",
            Some('V') => "version",
            Some('q') => "quiet",
            Some('w') => "watch",
            Some('H') => "header",
            Some(other) => panic!("-{other} is new: is it free in kubectl?"),
            None => continue,
        };
        assert_eq!(arg.get_long(), Some(expected));
    }
}

// --- krew-manifest.yaml ----------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    version: String,
    homepage: String,
    short_description: String,
    description: String,
    caveats: String,
    platforms: Vec<Platform>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Platform {
    selector: Selector,
    uri: String,
    sha256: String,
    bin: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    match_labels: Labels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    os: String,
    arch: String,
}

/// What krew knows, and the target that is built for it.
const TARGETS: &[(&str, &str, &str)] = &[
    ("linux", "amd64", "x86_64-unknown-linux-musl"),
    ("linux", "arm64", "aarch64-unknown-linux-musl"),
    ("darwin", "amd64", "x86_64-apple-darwin"),
    ("darwin", "arm64", "aarch64-apple-darwin"),
    ("windows", "amd64", "x86_64-pc-windows-msvc"),
];

fn manifest() -> Manifest {
    serde_saphyr::from_str(&read("krew-manifest.yaml")).unwrap()
}

#[test]
fn the_manifest_is_what_krew_takes() {
    let manifest = manifest();
    assert_eq!(manifest.api_version, "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((manifest.kind.as_str(), manifest.metadata.name.as_str()), ("Plugin", NAME));
    let version = manifest.spec.version.strip_prefix('v').unwrap();
    assert!(semver::Version::parse(version).is_ok());
    let short = &manifest.spec.short_description;
    assert!(short.len() <= 50 && !short.ends_with('.') && !short.contains('\n'), "{short}");
    for text in [&manifest.spec.description, &manifest.spec.caveats] {
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
    let pairs: BTreeSet<_> =
        manifest.spec.platforms.iter().map(|p| (&p.selector.match_labels.os, &p.selector.match_labels.arch)).collect();
    assert_eq!(pairs.len(), manifest.spec.platforms.len(), "no platform twice");
    for platform in &manifest.spec.platforms {
        assert!(platform.sha256.len() == 64 && platform.sha256.bytes().all(|b| b"0123456789abcdef".contains(&b)));
        assert!(platform.uri.starts_with("https://") && platform.uri.ends_with(".tar.gz"), "{}", platform.uri);
        assert!(!platform.bin.contains('/'));
    }
}

#[test]
fn the_manifest_agrees_with_the_package() {
    let manifest = manifest();
    let command = Cli::command();
    assert_eq!(manifest.spec.version, format!("v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(manifest.spec.short_description, command.get_about().unwrap().to_string());
    assert_eq!(manifest.spec.short_description, plugin().short_desc);
    assert_eq!(manifest.spec.short_description, env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(format!("kubectl-{}", NAME.replace('-', "_")), BINARY);
    assert_eq!(Path::new(env!("CARGO_BIN_EXE_kubectl-mesh_why")).file_stem().unwrap(), BINARY);
    assert_eq!(command.get_bin_name(), Some("kubectl mesh-why"));
    assert_eq!(manifest.spec.platforms.len(), TARGETS.len());
    for (platform, (os, arch, triple)) in manifest.spec.platforms.iter().zip(TARGETS) {
        let labels = &platform.selector.match_labels;
        assert_eq!((labels.os.as_str(), labels.arch.as_str()), (*os, *arch));
        let ending = if *os == "windows" { ".exe" } else { "" };
        assert_eq!(platform.bin, format!("{BINARY}{ending}"));
        let uri =
            format!("{}/releases/download/{}/{BINARY}-{triple}.tar.gz", manifest.spec.homepage, manifest.spec.version);
        assert_eq!(platform.uri, uri);
    }
}

// --- the archive -----------------------------------------------------------------------------

/// The release script with its arguments; what it says where it fails.
fn release(arguments: &[&str]) -> Result<(), String> {
    let script = root().join("release/release.py");
    let done = std::process::Command::new("python3").arg("-B").arg(script).args(arguments).output().unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

/// A folder with the archive of a target, whose binary has these bytes.
fn packed(triple: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (out, binary) = (folder.path().to_str().unwrap(), folder.path().join("binary"));
    fs::write(&binary, bytes).unwrap();
    release(&["build", triple, "--binary", binary.to_str().unwrap(), "--out", out]).unwrap();
    folder
}

fn archive(folder: &tempfile::TempDir, triple: &str) -> Vec<u8> {
    fs::read(folder.path().join(format!("{BINARY}-{triple}.tar.gz"))).unwrap()
}

fn sum(archive: &[u8]) -> String {
    Sha256::digest(archive).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// krew's rules for an archive, for one platform: what is wrong with it.
fn refuses(archive: &[u8], sha256: &str, bin: &str) -> Option<String> {
    let sum = sum(archive);
    if sum != sha256 {
        return Some("the sum is another".to_owned());
    }
    let mut names = BTreeSet::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries().unwrap() {
        let entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if name.contains("..") || name.starts_with('/') {
            return Some(format!("{name} leads out"));
        }
        if !entry.header().entry_type().is_file() && !entry.header().entry_type().is_dir() {
            return Some(format!("{name} is a link"));
        }
        if name == bin && entry.header().mode().unwrap() & 0o111 == 0 {
            return Some(format!("{name} cannot be run"));
        }
        names.insert(name.to_lowercase());
    }
    let licenses = ["license", "license.txt", "license.md", "copying", "copying.txt"];
    if !licenses.iter().any(|name| names.contains(*name)) {
        return Some("there is no license".to_owned());
    }
    (!names.contains(bin)).then(|| format!("there is no {bin}"))
}

/// The names in an archive, in its order.
fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

#[test]
fn krew_would_install_what_is_packed() {
    for (_, _, triple) in TARGETS {
        let bin = if triple.contains("windows") { format!("{BINARY}.exe") } else { BINARY.to_owned() };
        let archive = archive(&packed(triple, b"a binary"), triple);
        let sum = sum(&archive);
        assert_eq!(refuses(&archive, &sum, &bin), None);
        assert_eq!(refuses(&archive, &"0".repeat(64), &bin).unwrap(), "the sum is another");
        assert_eq!(refuses(&archive, &sum, "other").unwrap(), "there is no other");
        assert_eq!(names(&archive), ["LICENSE", "README.md", &bin, "plugin.yaml"]);
    }
}

#[test]
fn the_same_files_are_packed_to_the_same_bytes() {
    let triple = TARGETS[0].2;
    let (one, other) = (packed(triple, b"a binary"), packed(triple, b"a binary"));
    assert!(archive(&one, triple) == archive(&other, triple));
    let line = fs::read_to_string(one.path().join(format!("{BINARY}-{triple}.tar.gz.sha256"))).unwrap();
    assert_eq!(line, format!("{}  {BINARY}-{triple}.tar.gz\n", sum(&archive(&one, triple))));
}

#[test]
fn a_binary_that_is_too_large_is_not_packed() {
    let folder = packed(TARGETS[0].2, b"0123456789");
    let (out, binary) = (folder.path().to_str().unwrap(), folder.path().join("binary"));
    let arguments = |most| ["build", TARGETS[0].2, "--binary", binary.to_str().unwrap(), "--out", out, "--most", most];
    assert_eq!(release(&arguments("10")), Ok(()));
    assert!(release(&arguments("9")).unwrap_err().contains("has 10 bytes, and 9 are the most"));
}

#[test]
fn the_manifest_gets_the_sums_of_what_is_packed() {
    let triple = TARGETS[1].2;
    let folder = packed(triple, b"a binary");
    let out = folder.path().to_str().unwrap();
    release(&["manifest", "--out", out]).unwrap();
    let written = fs::read_to_string(folder.path().join(format!("{NAME}.yaml"))).unwrap();
    let (filled, empty): (Manifest, Manifest) = (serde_saphyr::from_str(&written).unwrap(), manifest());
    for (one, (was, target)) in filled.spec.platforms.iter().zip(empty.spec.platforms.iter().zip(TARGETS)) {
        let expected = if target.2 == triple { sum(&archive(&folder, triple)) } else { was.sha256.clone() };
        assert_eq!((&one.sha256, &one.uri), (&expected, &was.uri));
    }
    assert!(release(&["manifest", "--out", out, "--all"]).unwrap_err().contains("some archives are not there"));
    assert!(release(&["manifest", "--out", out, "--tag", "v9.9.9"]).unwrap_err().contains("the tag is v9.9.9"));
}

// --- the workflows ---------------------------------------------------------------------------

/// The jobs of a workflow, as data.
fn jobs(file: &str) -> serde_json::Map<String, Value> {
    let workflow: Value = serde_saphyr::from_str(&read(&format!(".github/workflows/{file}"))).unwrap();
    workflow["jobs"].as_object().unwrap().clone()
}

#[test]
fn a_release_is_built_for_every_platform() {
    let jobs = jobs("release.yml");
    let built = jobs["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built: Vec<&str> = built.iter().map(|row| row["target"].as_str().unwrap()).collect();
    assert_eq!(built, TARGETS.iter().map(|(_, _, triple)| *triple).collect::<Vec<_>>());
}

/// A tag can be moved to other code, a commit cannot; and what is run is what anybody can run.
#[test]
fn workflows_name_commits_and_scripts_that_are_there() {
    for file in ["test.yml", "release.yml"] {
        let jobs = jobs(file);
        let steps: Vec<&Value> = jobs.values().flat_map(|job| job["steps"].as_array().unwrap()).collect();
        for action in steps.iter().filter_map(|step| step["uses"].as_str()) {
            let commit = action.split_once('@').unwrap().1;
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{file}: {action}");
        }
        let words = steps.iter().filter_map(|step| step["run"].as_str()).flat_map(str::split_whitespace);
        for script in words.filter(|word| word.starts_with("tests/") || word.starts_with("release/")) {
            assert!(root().join(script).is_file(), "{file}: {script}");
        }
    }
}

#[test]
fn the_license_is_the_one_that_is_named() {
    assert_eq!(env!("CARGO_PKG_LICENSE"), "Apache-2.0");
    let text = read("LICENSE");
    assert!(text.contains("Apache License") && text.contains("Version 2.0, January 2004"));
}
