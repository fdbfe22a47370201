//! Ctrl-C ends the program at once, whatever it does: waits for an answer, or computes one.

use std::io;
use std::process;
use std::thread;

use tokio::runtime::Builder;
#[cfg(unix)]
use tokio::signal::unix::{Signal as Interrupts, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::CtrlC as Interrupts;

use crate::collect;

/// What a shell takes for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Waits for the signal beside all that is done. Where that cannot be, the system's own way of ending it is left.
pub(super) fn watch() {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    let waiting = {
        let _inside = runtime.enter();
        interrupts()
    };
    let Ok(mut waiting) = waiting else { return };
    let _ = thread::Builder::new().spawn(move || {
        if runtime.block_on(waiting.recv()).is_some() {
            collect::end_early();
            end();
        }
    });
}

/// From now on the signal is ours.
#[cfg(unix)]
fn interrupts() -> io::Result<Interrupts> {
    signal(SignalKind::interrupt())
}

/// From now on the signal is ours.
#[cfg(windows)]
fn interrupts() -> io::Result<Interrupts> {
    tokio::signal::windows::ctrl_c()
}

#[expect(clippy::exit, reason = "nobody can be asked to return: who computes does not wait")]
fn end() -> ! {
    process::exit(INTERRUPTED)
}
