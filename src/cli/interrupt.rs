//! Ctrl-C ends the program at once, whatever it does: waits for an answer, or computes one.

use std::process;
use std::thread;

use tokio::runtime::Builder;

use crate::collect;

/// What a shell takes for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Waits for the signal beside all that is done. Where that cannot be, the system's own way of ending it is left.
pub(super) fn watch() {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    let _ = thread::Builder::new().spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            collect::discard_partial();
            end();
        }
    });
}

#[expect(clippy::exit, reason = "nobody can be asked to return: who computes does not wait")]
fn end() -> ! {
    process::exit(INTERRUPTED)
}
