//! A real Envoy as a child process on loopback.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use serde_json::Value;

use crate::api::Api;
use crate::config::{ACCEPTING, Config};
use crate::watches::{self, Watches};
use crate::{admin, files};

/// Access logs, in the directory that Envoy runs in.
pub(crate) const LOG_FILE: &str = "access.jsonl";

/// A busy machine may take long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Major, minor, patch.
pub(crate) type Version = (u32, u32, u32);

/// An Envoy to run.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) binary: PathBuf,
    pub(crate) version: Version,
    pub(crate) share: Share,
    /// Everything that it can be told.
    pub(crate) api: Api,
}

/// How much runs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    All,
    /// The case files, and less of what is generated.
    Bounded,
}

/// What `tests/run` installs, the newest first. Between them lie the releases that changed a rule.
const RELEASES: &[(&str, Share)] = &[("1.40.0", Share::All), ("1.38.3", Share::Bounded), ("1.36.4", Share::Bounded)];

/// The Envoys to run: `MESH_WHY_ENVOY` alone, else those of `tests/run` that are there.
pub(crate) fn installed() -> Vec<Installed> {
    let of = |binary: PathBuf, share| Installed { version: version(&binary), api: Api::of(&binary), binary, share };
    if let Some(named) = env::var_os("MESH_WHY_ENVOY") {
        return vec![of(named.into(), Share::All)];
    }
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let Some(cache) = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home) else {
        return Vec::new();
    };
    let all = RELEASES
        .iter()
        .map(|(release, share)| (cache.join(format!("mesh-why/envoy-{release}/envoy/_bin/envoy")), *share));
    all.filter(|(path, _)| path.exists()).map(|(path, share)| of(path, share)).collect()
}

/// `1.36.4`.
pub(crate) fn parse(text: &str) -> Option<Version> {
    let numbers: Vec<u32> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [major, minor, patch] = numbers[..] else { return None };
    Some((major, minor, patch))
}

/// Of the binary, as `/server_info` has it too.
fn version(binary: &Path) -> Version {
    let output = Command::new(binary).arg("--version").output().expect("the version of Envoy");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(['/', '-']).find_map(parse).unwrap_or_else(|| panic!("no version in {text:?}"))
}

/// Runs until dropped.
#[derive(Debug)]
pub(crate) struct Envoy {
    process: Child,
    directory: PathBuf,
    /// The admin endpoint.
    pub(crate) admin: SocketAddr,
    /// The accepting listener.
    pub(crate) accepts: SocketAddr,
    /// Given back when the process is gone.
    _watches: Watches,
}

impl Envoy {
    /// Starts the binary in an empty directory and waits until it serves the whole configuration.
    pub(crate) fn start(binary: &Path, directory: &Path, config: &Config) -> Self {
        let envoy = Self::start_with(binary, directory, config).unwrap_or_else(|error| panic!("{error}"));
        envoy.refuse_rejected_config(config.listeners.len());
        if !config.late_clusters.is_empty() {
            envoy.deliver_late_clusters(config);
        }
        envoy
    }

    /// Likewise; an error where it refuses a part of it, or is not ready in time.
    pub(crate) fn try_start(
        binary: &Path,
        directory: &Path,
        config: &Config,
        patience: Duration,
    ) -> Result<Self, String> {
        let envoy = Self::start_within(binary, directory, config, patience)?;
        envoy.rejected(config.listeners.len()).map_or(Ok(()), Err)?;
        if !config.late_clusters.is_empty() {
            envoy.write_late_clusters(config);
            envoy.rejected(config.listeners.len()).map_or(Ok(()), Err)?;
        }
        Ok(envoy)
    }

    /// Likewise, but it serves what it accepts.
    pub(crate) fn start_with(binary: &Path, directory: &Path, config: &Config) -> Result<Self, String> {
        Self::start_within(binary, directory, config, PATIENCE)
    }

    fn start_within(binary: &Path, directory: &Path, config: &Config, patience: Duration) -> Result<Self, String> {
        files::write_all(directory, config);
        let watches = Watches::take(watches::needed(config));
        watches::patiently(|| {
            let mut envoy = Self::spawn(binary, directory, watches.clone());
            envoy.wait_until_ready(patience)?;
            envoy.accepts = envoy.accepting_address().ok_or_else(|| format!("no listener:\n{}", envoy.output()))?;
            Ok(envoy)
        })
    }

    fn spawn(binary: &Path, directory: &Path, watches: Watches) -> Self {
        let output = File::create(directory.join("envoy.log")).expect("a log for Envoy");
        let process = Command::new(binary)
            .args(["-c", "bootstrap.json", "--concurrency", "1", "--disable-hot-restart"])
            .args(["--admin-address-path", "admin.txt", "--file-flush-interval-msec", "1", "-l", "warning"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the same log"))
            .stderr(output)
            .spawn()
            .expect("Envoy starts");
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { process, directory: directory.to_owned(), admin: unknown, accepts: unknown, _watches: watches }
    }

    /// The listeners that it does not accept, each with its complaint.
    pub(crate) fn refusals(&self, config: &Config) -> Vec<(String, String)> {
        let active = self.get_json("/listeners?format=json");
        let active = active["listener_statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names = config.listeners.iter().filter_map(|listener| listener["name"].as_str());
        let refused = names.filter(|name| !active.iter().any(|each| each["name"] == *name));
        let output = self.output();
        let why = |name: &str| output.lines().find_map(|line| line.split_once(&format!("listener(s) {name}: ")));
        refused.map(|name| (name.to_owned(), why(name).map_or("it says nothing", |(_, why)| why).to_owned())).collect()
    }

    /// An admin body.
    pub(crate) fn get(&self, path: &str) -> String {
        match admin::get(self.admin, path) {
            Ok((200, body)) => body,
            other => panic!("admin {path}: {other:?}\n{}", self.output()),
        }
    }

    /// An admin body in JSON.
    pub(crate) fn get_json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap_or_else(|error| panic!("admin {path}: {error}"))
    }

    /// So many bytes has the access log.
    pub(crate) fn logged(&self) -> usize {
        let bytes = fs::metadata(self.directory.join(LOG_FILE)).map_or(0, |file| file.len());
        usize::try_from(bytes).expect("a file that fits into memory")
    }

    /// The access log from this byte on.
    pub(crate) fn log_from(&self, byte: usize) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(self.directory.join(LOG_FILE))
            && file.seek(SeekFrom::Start(byte.try_into().expect("a file's length"))).is_ok()
        {
            // A line that is only half there is read again.
            let _ = file.read_to_string(&mut text);
        }
        text
    }

    fn wait_until_ready(&mut self, patience: Duration) -> Result<(), String> {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("Envoy ended ({status}):\n{}", self.output()));
            }
            let written = fs::read_to_string(self.directory.join("admin.txt")).unwrap_or_default();
            if let Ok(admin) = written.trim().parse() {
                self.admin = admin;
                if admin::get(admin, "/ready").is_ok_and(|(status, _)| status == 200) {
                    return Ok(());
                }
            }
            if start.elapsed() > patience {
                return Err(format!("Envoy is not ready:\n{}", self.output()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Discovery rejects quietly; a case that Envoy does not accept is a mistake of the case.
    fn refuse_rejected_config(&self, listeners: usize) {
        if let Some(why) = self.rejected(listeners) {
            panic!("{}: {why}", self.directory.display());
        }
    }

    fn rejected(&self, listeners: usize) -> Option<String> {
        let failures = self.get("/stats?filter=update_(rejected|failure)&usedonly");
        let active = self.get("/stats?filter=listener_manager.total_listeners_active");
        let all = active.trim() == format!("listener_manager.total_listeners_active: {listeners}");
        let clean = failures.lines().all(|line| line.is_empty() || line.ends_with(": 0") || is_unserved(line));
        (!all || !clean).then(|| format!("{active}{failures}{}", self.output()))
    }

    fn deliver_late_clusters(&self, config: &Config) {
        self.write_late_clusters(config);
        self.refuse_rejected_config(config.listeners.len());
    }

    fn write_late_clusters(&self, config: &Config) {
        files::write_late_clusters(&self.directory, config);
        let start = Instant::now();
        while !self.get("/stats?filter=cluster_manager.cds.update_attempt").contains(": 2") {
            assert!(start.elapsed() < PATIENCE, "the late clusters do not arrive:\n{}", self.output());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn accepting_address(&self) -> Option<SocketAddr> {
        let listeners = self.get_json("/listeners?format=json");
        let statuses = listeners["listener_statuses"].as_array()?;
        let accepting = statuses.iter().find(|each| each["name"] == ACCEPTING)?;
        let port = accepting["local_address"]["socket_address"]["port_value"].as_u64()?;
        Some(SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).ok()?)))
    }

    /// What Envoy complained of: the first lines of its messages, some of which repeat a whole configuration.
    fn output(&self) -> String {
        let log = fs::read_to_string(self.directory.join("envoy.log")).unwrap_or_default();
        log.lines().filter(|line| line.starts_with('[')).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about either error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a line of statistics says that virtual hosts were asked for and did not come: the harness has no server for
/// them. One that was refused is another matter.
fn is_unserved(line: &str) -> bool {
    line.contains(".vhds.") && line.contains("update_failure")
}
