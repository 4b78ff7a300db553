//! Connections that have proved nothing yet: how many there may be, and which of them has to go when one
//! more comes.
//!
//! Nobody is refused here. Whoever is honest proves itself within a few round trips, so the place of the
//! one that has been silent for longest is the right one to take.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::proxies::Proxies;

/// All strangers at one door.
#[derive(Debug)]
pub(crate) struct Crowd {
    places: Arc<Semaphore>,
    most: Mutex<usize>,
    per_address: AtomicUsize,
    proxies: ArcSwap<Proxies>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    minted: u64,
    /// The one that has been silent for longest is the first.
    waiting: BTreeMap<u64, (Option<IpAddr>, CancellationToken)>,
    by_address: BTreeMap<IpAddr, BTreeSet<u64>>,
}

impl Crowd {
    /// `most` at once, `per_address` of them from one address; 0 is no limit for an address.
    pub(crate) fn new(most: usize, per_address: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let (places, known) = (Arc::new(Semaphore::new(most)), Mutex::default());
        let proxies = ArcSwap::default();
        Arc::new(Self { places, most: most.into(), per_address: per_address.into(), proxies, known })
    }

    /// Has these be believed about whom they speak for.
    pub(crate) fn trust(&self, proxies: Proxies) {
        self.proxies.store(Arc::new(proxies));
    }

    /// Has other limits from now on. When there are too many, the first of them go at once.
    pub(crate) fn limit_to(&self, most: usize, per_address: usize) {
        self.per_address.store(per_address, Ordering::Relaxed);
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let before = std::mem::replace(&mut *self.most.lock().unwrap_or_else(PoisonError::into_inner), most);
        self.places.add_permits(most.saturating_sub(before));
        let surplus = before.saturating_sub(most);
        let taken = surplus - self.places.forget_permits(surplus);
        for _ in 0..taken {
            self.known().send_away_the_first();
        }
        if let Some(taken) = u32::try_from(taken).ok().filter(|taken| *taken > 0) {
            // Before whoever comes next, who would take a place that is to go.
            let places = Arc::clone(&self.places);
            tokio::spawn(
                async move { places.acquire_many_owned(taken).await.map(OwnedSemaphorePermit::forget) },
            );
        }
    }

    /// Takes a newcomer in. Returns when the one that makes room for it is gone: until then its file is open.
    pub(crate) async fn enter(self: &Arc<Self>, peer: IpAddr) -> Stranger {
        let (address, per_address) = self.counted(peer);
        if let Some(address) = address {
            self.known().make_room_at(address, per_address);
        }
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Some(place),
            Err(_) => {
                self.known().send_away_the_first();
                // It fails only when the semaphore is closed, which nobody does.
                Arc::clone(&self.places).acquire_owned().await.ok()
            }
        };
        let gone = CancellationToken::new();
        let age = self.known().add(address, gone.clone());
        Stranger {
            crowd: Arc::clone(self),
            peer,
            slot: Mutex::new(Some(Slot { age, _place: place })),
            gone,
            is_proved: AtomicBool::new(false),
            allowance: AtomicUsize::new(usize::MAX),
        }
    }

    /// Where somebody counts, if anywhere, and how many may be there. Behind a proxy are many.
    fn counted(&self, peer: IpAddr) -> (Option<IpAddr>, usize) {
        let per_address = self.per_address.load(Ordering::Relaxed);
        let is_one = per_address > 0 && !self.proxies.load().contain(peer);
        (address(peer).filter(|_| is_one), per_address)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, address: Option<IpAddr>, gone: CancellationToken) -> u64 {
        self.minted += 1;
        self.waiting.insert(self.minted, (address, gone));
        if let Some(address) = address {
            self.by_address.entry(address).or_default().insert(self.minted);
        }
        self.minted
    }

    fn remove(&mut self, age: u64) -> Option<(Option<IpAddr>, CancellationToken)> {
        let (address, gone) = self.waiting.remove(&age)?;
        if let Some(address) = address
            && let Some(of_address) = self.by_address.get_mut(&address)
        {
            of_address.remove(&age);
            if of_address.is_empty() {
                self.by_address.remove(&address);
            }
        }
        Some((address, gone))
    }

    fn make_room_at(&mut self, address: IpAddr, most: usize) {
        let of_address = self.by_address.get(&address).filter(|of_address| of_address.len() >= most);
        let first = of_address.and_then(BTreeSet::first).copied();
        if let Some((_, gone)) = first.and_then(|age| self.remove(age)) {
            gone.cancel();
        }
    }

    fn send_away_the_first(&mut self) {
        let first = self.waiting.first_key_value().map(|(age, _)| *age);
        if let Some((_, gone)) = first.and_then(|age| self.remove(age)) {
            gone.cancel();
        }
    }
}

/// One connection that has proved nothing, until it does, or is dropped.
#[derive(Debug)]
pub(crate) struct Stranger {
    crowd: Arc<Crowd>,
    peer: IpAddr,
    slot: Mutex<Option<Slot>>,
    gone: CancellationToken,
    is_proved: AtomicBool,
    /// Bytes that may still be read from it.
    allowance: AtomicUsize,
}

#[derive(Debug)]
struct Slot {
    age: u64,
    _place: Option<OwnedSemaphorePermit>,
}

impl Stranger {
    /// It said something that makes sense, and is the newest again: `client`, if it is a proxy that may speak for
    /// others ([`Stranger::client`]).
    pub(crate) fn renew(&self, client: IpAddr) {
        let (counted, per_address) = self.crowd.counted(client);
        let mut slot = self.slot();
        let Some(slot) = slot.as_mut() else { return };
        let mut known = self.crowd.known();
        // Who was sent away stays away.
        if let Some((_, gone)) = known.remove(slot.age) {
            if let Some(counted) = counted {
                known.make_room_at(counted, per_address);
            }
            slot.age = known.add(counted, gone);
        }
    }

    /// Who asks, by the values of `X-Forwarded-For`: the peer itself unless that is a proxy of ours.
    pub(crate) fn client<'a>(&self, forwarded_for: impl Iterator<Item = &'a str>) -> IpAddr {
        self.crowd.proxies.load().client(self.peer, forwarded_for)
    }

    /// It proved a right, and leaves its place to the next stranger.
    pub(crate) fn prove(&self) {
        self.is_proved.store(true, Ordering::Relaxed);
        self.leave();
    }

    /// Lets only so many bytes more be read before it proves a right.
    pub(crate) fn allow(&self, bytes: usize) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }

    /// Counts what was read; `false` is too much.
    pub(crate) fn spend(&self, bytes: usize) -> bool {
        let left = |left: usize| left.checked_sub(bytes);
        self.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }

    pub(crate) fn is_proved(&self) -> bool {
        self.is_proved.load(Ordering::Relaxed)
    }

    /// Waits until its place is needed.
    pub(crate) fn sent_away(&self) -> WaitForCancellationFutureOwned {
        self.gone.clone().cancelled_owned()
    }

    fn leave(&self) {
        if let Some(slot) = self.slot().take() {
            self.crowd.known().remove(slot.age);
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Who counts as one. This machine and private networks are where proxies are, behind which everybody has
/// one address; of IPv6, whoever has an address has 2^64.
fn address(peer: IpAddr) -> Option<IpAddr> {
    match peer.to_canonical() {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_private() || v4.is_link_local() => None,
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() => None,
        IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => Some(v4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_one_that_was_silent_for_longest_makes_room() {
        let crowd = Crowd::new(2, 0);
        let (first, second) = (crowd.enter(LOCAL).await, crowd.enter(LOCAL).await);
        first.renew(LOCAL);
        let third = tokio::spawn(Arc::clone(&crowd).enter_owned(LOCAL));
        second.sent_away().await;
        assert!(!third.is_finished(), "the other is still there");
        drop(second);
        let third = third.await.expect("it entered");
        assert!(!first.gone.is_cancelled());

        first.prove();
        let _fourth = crowd.enter(LOCAL).await;
        assert!(!third.gone.is_cancelled(), "who proved a right takes no place");
        assert_eq!(crowd.known().waiting.len(), 2);
    }

    #[tokio::test]
    async fn an_address_has_its_own_limit_unless_a_proxy_may_be_there() {
        let crowd = Crowd::new(100, 2);
        let enter = async |peer: &str| crowd.enter(peer.parse().expect("an address")).await;
        for (one, other) in [("203.0.113.1", "203.0.113.2"), ("2001:db8::1", "2001:db8:0:1::1")] {
            let (first, second) = (enter(one).await, enter(one).await);
            let elsewhere = enter(other).await;
            let third = enter(one).await;
            assert!(first.gone.is_cancelled() && !elsewhere.gone.is_cancelled());
            assert!(!second.gone.is_cancelled() && !third.gone.is_cancelled());
        }
        let (first, _second) = (enter("2001:db8::1").await, enter("2001:db8::2").await);
        let _mapped = (enter("::ffff:198.51.100.1").await, enter("198.51.100.1").await);
        assert_eq!(crowd.known().by_address.len(), 2);
        let _third = enter("2001:db8::3").await;
        assert!(first.gone.is_cancelled(), "one network of IPv6 is one");
        for proxy in ["127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.0.1", "::1", "fd00::1"] {
            let all = [enter(proxy).await, enter(proxy).await, enter(proxy).await];
            assert!(all.iter().all(|stranger| !stranger.gone.is_cancelled()), "{proxy}");
        }
    }

    #[tokio::test]
    async fn behind_a_proxy_that_is_known_each_client_counts_by_itself() {
        let crowd = Crowd::new(100, 2);
        let proxy: IpAddr = [198, 51, 100, 1].into();
        crowd.trust(Proxies::parse("198.51.100.1").expect("an address"));
        let ask = async |client: &str| {
            let stranger = crowd.enter(proxy).await;
            let client = stranger.client([client].into_iter());
            stranger.renew(client);
            stranger
        };
        let one = [ask("203.0.113.1").await, ask("203.0.113.1").await];
        let other = [ask("203.0.113.2").await, ask("203.0.113.2").await];
        assert!(one.iter().chain(&other).all(|stranger| !stranger.gone.is_cancelled()));
        let _third = ask("203.0.113.1").await;
        assert!(one[0].gone.is_cancelled() && !one[1].gone.is_cancelled());
        // The proxy keeps the connection for somebody else.
        one[1].renew([203, 0, 113, 3].into());
        let _fourth = ask("203.0.113.1").await;
        assert!(!one[1].gone.is_cancelled() && !other[0].gone.is_cancelled());
    }

    #[tokio::test]
    async fn other_limits_hold_at_once_and_the_first_go() {
        let crowd = Crowd::new(3, 0);
        let all = [crowd.enter(LOCAL).await, crowd.enter(LOCAL).await, crowd.enter(LOCAL).await];
        crowd.limit_to(1, 0);
        assert_eq!(all.each_ref().map(|stranger| stranger.gone.is_cancelled()), [true, true, false]);
        drop(all);
        tokio::task::yield_now().await;
        assert_eq!(crowd.places.available_permits(), 1, "two places are gone");
        crowd.limit_to(4, 1);
        assert_eq!(crowd.places.available_permits(), 4);
        let peer = IpAddr::from([203, 0, 113, 1]);
        let (first, second) = (crowd.enter(peer).await, crowd.enter(peer).await);
        assert!(first.gone.is_cancelled() && !second.gone.is_cancelled(), "one of an address");
    }

    #[tokio::test]
    async fn nothing_is_left_of_those_who_left() {
        let crowd = Crowd::new(3, 1);
        for number in 0..10 {
            let stranger = crowd.enter(IpAddr::from([203, 0, 113, number])).await;
            assert!(stranger.spend(usize::MAX));
            assert!(!stranger.spend(1), "no more than it was allowed");
        }
        let known = crowd.known();
        assert_eq!((known.waiting.len(), known.by_address.len()), (0, 0));
        assert_eq!(crowd.places.available_permits(), 3);
    }

    impl Crowd {
        async fn enter_owned(self: Arc<Self>, peer: IpAddr) -> Stranger {
            self.enter(peer).await
        }
    }

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
}
