//! Work that goes on whatever keeps this thread busy.

use tokio::sync::oneshot;

/// Work beside everything else; it ends when this is dropped.
#[derive(Debug)]
pub struct Beside {
    _end: oneshot::Sender<()>,
}

/// Does the work on a thread of its own, with a runtime of its own: the start of a server or a large file must not keep
/// a lease from being renewed. Where no thread is to be had the work is not done.
pub fn beside(work: impl Future<Output = ()> + Send + 'static) -> Beside {
    let (end, ended) = oneshot::channel();
    // It ends with its work; nobody waits for it.
    let _ = std::thread::Builder::new().name("lockkeeper-beside".to_owned()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            tokio::select! {
                _ = ended => {}
                () = work => {}
            }
        });
    });
    Beside { _end: end }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::seams::sleep;

    #[tokio::test]
    async fn it_goes_on_while_the_thread_is_busy_and_ends_when_it_is_dropped() {
        let beats = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&beats);
        let beside = beside(async move {
            loop {
                counted.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(5)).await;
            }
        });
        while beats.load(Ordering::SeqCst) < 10 {
            std::thread::yield_now();
        }
        drop(beside);
        while Arc::strong_count(&beats) > 1 {
            std::thread::yield_now();
        }
    }
}
