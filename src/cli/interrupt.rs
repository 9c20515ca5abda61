//! Ctrl-C and SIGTERM for commands that compute: the first asks to stop, the second ends the process.

use super::console::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How often a start looks whether it was told to stop.
const LOOKS_APART: Duration = Duration::from_millis(50);

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

/// What a start waits for, unless the process is told to stop first: a venue that is silent or throttles can keep a
/// start for minutes.
///
/// # Errors
/// Fails as `starting` does, or because it was told to stop.
pub async fn unless_stopped<T>(
    interrupted: &AtomicBool,
    starting: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let told = async {
        while !interrupted.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOKS_APART).await;
        }
    };
    tokio::select! {
        biased;
        started = starting => started,
        () = told => Err(Failure::failed("interrupted", "told to stop before trading began")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_start_that_waits_ends_when_it_is_told_to_stop() {
        let never = std::future::pending::<Result<(), Failure>>();
        let stopped = unless_stopped(&AtomicBool::new(true), never).await;
        assert_eq!(stopped.unwrap_err().code, "interrupted");
        let ready = std::future::ready(Ok::<_, Failure>(7));
        assert_eq!(unless_stopped(&AtomicBool::new(true), ready).await.unwrap(), 7, "what is there is taken");
    }
}
