//! The kernel's watches on files: a user has so many inotify instances, by default 128, and an Envoy takes one for each
//! file that it discovers something from. An Envoy that gets none dies.
//!
//! So the Envoys of a run share a half of them and wait for one another; and since other programs of the same user take
//! some too, one that died so is started again after a while.

use std::fs;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Config;

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";
/// Linux's own.
const DEFAULT_LIMIT: usize = 128;
/// What Envoy says last.
const DIED_OF_IT: &str = "assert failure: inotify_fd_ >= 0";
/// Others need a while to end.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(500);

static TAKEN: Mutex<usize> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

/// Some instances, until the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    _taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken(usize);

impl Watches {
    /// Waits until so many are free. Who needs more than there are gets them all.
    pub(crate) fn take(needed: usize) -> Self {
        let ours = ours();
        let needed = needed.min(ours);
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken =
            GIVEN_BACK.wait_while(taken, |taken| *taken + needed > ours).unwrap_or_else(PoisonError::into_inner);
        *taken += needed;
        Self { _taken: Arc::new(Taken(needed)) }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
        GIVEN_BACK.notify_all();
    }
}

/// How many instances an Envoy takes: for its listeners and clusters, and for whatever these discover.
pub(crate) fn needed(config: &Config) -> usize {
    let resources = config.listeners.iter().chain(&config.clusters).chain(&config.late_clusters);
    2 + resources.map(|resource| resource.to_string().matches("path_config_source").count()).sum::<usize>()
}

/// Starts it again while it dies for want of an instance.
pub(crate) fn patiently<T>(mut start: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        match start() {
            Err(why) if why.contains(DIED_OF_IT) && began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Err(why) if why.contains(DIED_OF_IT) => return Err(advice()),
            done => return done,
        }
    }
}

fn advice() -> String {
    format!(
        "Envoy got no inotify instance in {} s: programs of this user hold all {}; `sysctl \
         fs.inotify.max_user_instances=1024` raises the limit",
        PATIENCE.as_secs(),
        limit()
    )
}

fn ours() -> usize {
    (limit() / 2).max(1)
}

fn limit() -> usize {
    fs::read_to_string(LIMIT).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As three releases of Envoy write it.
    const DEATH: &str = "Envoy ended (signal: 6 (SIGABRT)):\n[2026-01-01 00:00:00.000][7][critical][assert] \
        [source/common/filesystem/inotify/watcher_impl.cc:25] assert failure: inotify_fd_ >= 0. Details: Consider \
        increasing value of fs.inotify.max_user_watches and/or fs.inotify.max_user_instances via sysctl";

    #[test]
    fn an_envoy_that_died_for_want_of_an_instance_is_started_again() {
        let mut tries = 0;
        let started = patiently(|| {
            tries += 1;
            if tries < 3 { Err(DEATH.to_owned()) } else { Ok(tries) }
        });
        assert_eq!(started, Ok(3));
    }

    #[test]
    fn an_envoy_that_died_of_something_else_is_not() {
        let mut tries = 0;
        let started: Result<(), String> = patiently(|| {
            tries += 1;
            Err("Envoy ended (exit status: 1)".to_owned())
        });
        assert_eq!((started, tries), (Err("Envoy ended (exit status: 1)".to_owned()), 1));
    }

    #[test]
    fn no_case_needs_more_than_the_default_has_for_a_run() {
        for path in crate::case::files() {
            let case = crate::case::Case::read(&path);
            let needed = needed(&case.config);
            assert!(needed <= DEFAULT_LIMIT / 2, "{}: {needed} inotify instances", case.name());
        }
    }

    #[test]
    fn the_limit_that_is_to_be_raised_is_said() {
        assert!(advice().contains("sysctl fs.inotify.max_user_instances="), "{}", advice());
    }
}
