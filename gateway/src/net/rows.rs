//! Connections that are told the same at the same time, as the players of a stream are, sit in rows. One task
//! serves a row.
//!
//! Hides how they are woken: what is new for a whole row costs the scheduler one task on one thread, instead of
//! hundreds that all threads hand to one another.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;

/// All rows, on threads of their own.
#[derive(Debug)]
pub(crate) struct Rows {
    threads: Handle,
    by_name: Mutex<BTreeMap<Arc<str>, Vec<Weak<Entrance>>>>,
    closed: CancellationToken,
}

/// Where a row's connections come in. Each of them keeps it open.
type Entrance = UnboundedSender<BoxFuture<'static, ()>>;

impl Rows {
    pub(crate) fn new(threads: Handle) -> Arc<Self> {
        Arc::new(Self { threads, by_name: Mutex::default(), closed: CancellationToken::new() })
    }

    /// Serves a connection beside others of the same name. If it panics, it ends none but itself.
    pub(crate) fn seat(
        self: &Arc<Self>,
        name: &Arc<str>,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let entrance = self.entrance(name);
        let seat = Arc::clone(&entrance);
        let connection = async move {
            let _panicked = AssertUnwindSafe(connection).catch_unwind().await;
            drop(seat);
        };
        // It is open: we hold it. Only after the last word of all is nobody behind it.
        let _closed = entrance.send(connection.boxed());
    }

    /// Ends every connection that is seated, or will be.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// That of a row with a free seat.
    fn entrance(self: &Arc<Self>, name: &Arc<str>) -> Arc<Entrance> {
        let mut by_name = self.by_name();
        let rows = by_name.entry(Arc::clone(name)).or_default();
        let free = rows.iter().filter(|row| row.strong_count() < SEATS).find_map(Weak::upgrade);
        free.unwrap_or_else(|| {
            let (entrance, arrivals) = unbounded_channel();
            let entrance = Arc::new(entrance);
            rows.push(Arc::downgrade(&entrance));
            // Budgets are for tasks that serve one connection.
            self.threads.spawn(unconstrained(serve(Arc::clone(self), Arc::clone(name), arrivals)));
            entrance
        })
    }

    fn by_name(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Vec<Weak<Entrance>>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one row until the last of it has gone.
async fn serve(rows: Arc<Rows>, name: Arc<str>, mut arrivals: UnboundedReceiver<BoxFuture<'static, ()>>) {
    let mut seated = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            () = rows.closed.cancelled() => break,
            arrival = arrivals.recv() => match arrival {
                Some(connection) => seated.push(connection),
                None => break,
            },
            Some(()) = seated.next() => {}
        }
    }
    let mut by_name = rows.by_name();
    if let Some(others) = by_name.get_mut(&name) {
        others.retain(|row| row.strong_count() > 0);
        if others.is_empty() {
            by_name.remove(&name);
        }
    }
}

/// About a millisecond's work when there is something new for all.
const SEATS: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn one_more_than_a_row_takes_begins_another_and_rows_end_with_their_last() {
        let rows = Rows::new(Handle::current());
        let (news, heard) = watch::channel(false);
        let ended = Arc::new(AtomicUsize::new(0));
        for index in 0..=SEATS {
            let (mut heard, ended) = (heard.clone(), Arc::clone(&ended));
            rows.seat(&"s".into(), async move {
                let _news = heard.wait_for(|news| *news).await;
                ended.fetch_add(1, Ordering::Relaxed);
                assert!(index > 0, "the one that panics ends nobody else");
            });
        }
        assert_eq!(rows.by_name().values().map(Vec::len).sum::<usize>(), 2);
        news.send_replace(true);
        while !rows.by_name().is_empty() {
            yield_now().await;
        }
        assert_eq!(ended.load(Ordering::Relaxed), SEATS + 1);
    }

    #[tokio::test]
    async fn whoever_is_seated_ends_when_the_rows_close() {
        let rows = Rows::new(Handle::current());
        let alive = Arc::new(());
        let seat = |alive: Arc<()>| {
            rows.seat(&"s".into(), async move {
                std::future::pending::<()>().await;
                drop(alive);
            });
        };
        seat(Arc::clone(&alive));
        yield_now().await;
        rows.close();
        seat(Arc::clone(&alive));
        while Arc::strong_count(&alive) > 1 {
            yield_now().await;
        }
    }
}
