//! Bytes that many connections share. When they are used up, whoever holds the most has to go.
//!
//! Hides who holds how much. Nobody waits for memory: a peer that could make others wait would.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What there is to share.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: AtomicUsize,
    /// What everybody may hold besides, unasked: the everyday case costs no lock.
    free: usize,
    shares: Mutex<Shares>,
}

#[derive(Debug, Default)]
struct Shares {
    minted: u64,
    total: usize,
    held: BTreeMap<u64, (usize, Arc<Notify>)>,
}

/// Somebody held the most when the memory was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server is short of memory")]
pub(crate) struct Exhausted;

impl Memory {
    /// `limit` bytes for all together, and `free` for each besides.
    pub(crate) fn new(limit: usize, free: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.into(), free, shares: Mutex::default() })
    }

    /// A share of nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { memory: Arc::clone(self), held: None, revoked: Arc::new(Notify::new()) }
    }

    /// Has another limit from now on. Whoever holds too much goes when somebody wants more.
    pub(crate) fn limit_to(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one connection holds. Dropping it gives everything back.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Arc<Memory>,
    /// The name it goes by, once it holds more than is free, and how much more.
    held: Option<(u64, usize)>,
    revoked: Arc<Notify>,
}

impl Share {
    /// Says that `bytes` are held from now on, whatever it was before.
    ///
    /// # Errors
    ///
    /// There are not so many, and nobody else holds as much; or the share was taken away.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let wanted = bytes.saturating_sub(self.memory.free);
        let (id, before) = match self.held {
            None if wanted == 0 => return Ok(()),
            Some((_, held)) if held == wanted => return Ok(()),
            None => (None, 0),
            Some((id, held)) => (Some(id), held),
        };
        let mut shares = self.memory.shares();
        let id = match id {
            Some(id) if !shares.held.contains_key(&id) => return Err(Exhausted),
            Some(id) => id,
            None => {
                shares.minted += 1;
                shares.minted
            }
        };
        shares.total = shares.total - before + wanted;
        if wanted == 0 {
            shares.held.remove(&id);
            self.held = None;
            return Ok(());
        }
        shares.held.insert(id, (wanted, Arc::clone(&self.revoked)));
        self.held = Some((id, wanted));
        while shares.total > self.memory.limit.load(Ordering::Relaxed) {
            // Of several that hold as much, whoever asks.
            let most = shares.held.iter().max_by_key(|(other, (held, _))| (*held, **other == id));
            let Some(most) = most.map(|(other, _)| *other) else { break };
            let Some((held, revoked)) = shares.held.remove(&most) else { break };
            shares.total -= held;
            if most == id {
                return Err(Exhausted);
            }
            revoked.notify_one();
        }
        Ok(())
    }

    /// Waits until the share is taken away, because others need it more.
    pub(crate) async fn revoked(&self) {
        self.revoked.notified().await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((id, _)) = self.held else { return };
        let mut shares = self.memory.shares();
        if let Some((held, _)) = shares.held.remove(&id) {
            shares.total -= held;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_holds_the_most_goes_and_the_others_stay() {
        let memory = Memory::new(100, 10);
        let (mut hog, mut modest, mut last) = (memory.share(), memory.share(), memory.share());
        hog.hold(70).unwrap();
        modest.hold(40).unwrap();
        last.hold(10).unwrap();
        assert_eq!(memory.shares().total, 90, "what is free does not count");
        last.hold(30).unwrap();
        hog.revoked().await;
        assert_eq!(hog.hold(71), Err(Exhausted), "it is gone");
        assert_eq!(memory.shares().total, 50);
        modest.hold(60).unwrap();
        last.hold(60).unwrap();
        assert_eq!(last.hold(61), Err(Exhausted), "nobody else holds as much");
        modest.hold(90).unwrap();
    }

    #[tokio::test]
    async fn another_limit_holds_once_somebody_wants_more() {
        let memory = Memory::new(100, 0);
        let (mut hog, mut modest) = (memory.share(), memory.share());
        hog.hold(60).unwrap();
        memory.limit_to(50);
        modest.hold(10).unwrap();
        hog.revoked().await;
        memory.limit_to(200);
        modest.hold(150).unwrap();
    }

    #[test]
    fn everything_comes_back() {
        let memory = Memory::new(100, 0);
        for _ in 0..3 {
            let mut all = memory.share();
            all.hold(100).unwrap();
            all.hold(30).unwrap();
            let mut rest = memory.share();
            rest.hold(70).unwrap();
            rest.hold(0).unwrap();
            assert_eq!(memory.shares().total, 30);
            drop(all);
            assert_eq!(rest.hold(101), Err(Exhausted), "more than there is");
            let shares = memory.shares();
            assert_eq!((shares.total, shares.held.len()), (0, 0));
        }
    }
}
