//! Ctrl-C and SIGTERM for commands that compute: the first asks to stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// Exit code of a process that was told to stop twice: 128 and the number of SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// A flag that the first Ctrl-C or SIGTERM sets. Both are caught when this returns.
pub fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let (ready, is_ready) = mpsc::channel();
    // Signals need a runtime to arrive in; one thread sleeps for it and ends with the process.
    let catch = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(listen(&set, &ready));
    };
    if std::thread::Builder::new().name("signals".into()).spawn(catch).is_ok() {
        // An error says that the thread could not listen: then a signal ends the process as it does any other.
        let _ = is_ready.recv();
    }
    flag
}

#[cfg(unix)]
async fn listen(set: &AtomicBool, ready: &mpsc::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    // Nobody listens only when the process is about to end.
    let _ = ready.send(());
    loop {
        let received = tokio::select! {
            biased;
            received = interrupt.recv() => received,
            received = terminate.recv() => received,
        };
        if received.is_none() {
            return;
        }
        take(set);
    }
}

#[cfg(not(unix))]
async fn listen(set: &AtomicBool, ready: &mpsc::Sender<()>) {
    let _ = ready.send(());
    while tokio::signal::ctrl_c().await.is_ok() {
        take(set);
    }
}

fn take(set: &AtomicBool) {
    if set.swap(true, Ordering::Relaxed) {
        std::process::exit(ENDED_AT_ONCE);
    }
}
