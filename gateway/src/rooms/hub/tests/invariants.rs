//! What holds whatever happens.

use super::*;

#[test]
fn every_deadline_says_why() {
    let mut bench = Bench::new();
    let why = |bench: &Bench| bench.hub.poll_timeout().map(|(_, timer)| timer);
    let alice = bench.open();
    assert_eq!(why(&bench), Some(HubTimer::Login(alice)));
    bench.login(alice, |_| {}, ALICE);
    assert_eq!(why(&bench), Some(HubTimer::Silence(alice)));
    bench.publish(alice, Media::Audio, true);
    bench.lose(alice);
    assert_eq!(why(&bench), Some(HubTimer::Grace(CID, ALICE)));
    let back = bench.join(ALICE);
    assert_eq!(why(&bench), Some(HubTimer::Confirm(CID, ALICE)));
    bench.publish(back, Media::Audio, true);
    assert_eq!(why(&bench), Some(HubTimer::Silence(back)));
    bench.input(HubInput::Dissolve(CID));
    assert_eq!(why(&bench), Some(HubTimer::Dissolve(CID)));
    bench.pass(1);
    assert_eq!(why(&bench), Some(HubTimer::Farewell(back)));
    bench.pass(1);
    assert_eq!(why(&bench), None);
}

#[test]
fn no_token_reaches_the_log() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    bench.text(alice, "{");
    bench.kick(ALICE);
    let ticket = bench.ticket(ALICE);
    for log in &bench.logs {
        assert!(!log.contains(&ticket) && !log.contains("grant"), "{log}");
    }
}

#[test]
fn same_inputs_give_the_same_bytes() {
    let run = || {
        let mut bench = Bench::new();
        let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
        bench.publish(alice, Media::Video, true);
        bench.lose(bob);
        bench.pass(60);
        bench.transcript
    };
    assert_eq!(run(), run());
}

#[test]
fn members_and_connections_agree_whatever_happens() {
    for seed in 0..50 {
        let limits =
            HubConfig { max_members: 4, max_connections: 8, max_bad_packets: 3, ..HubConfig::default() };
        let mut bench = Bench::with(limits);
        let mut rng = Rng::seeded(seed);
        for _ in 0..400 {
            let (uid, other) = (Uid(rng.between(1, 6)), Uid(rng.between(1, 6)));
            let id = ConnectionId(rng.between(bench.connections.saturating_sub(8), bench.connections));
            let media = Media::ALL[rng.between(0, 3) as usize];
            let flag = rng.between(0, 1) == 1;
            let role = if flag { Role::Audience } else { Role::Broadcaster };
            match rng.between(0, 12) {
                0 | 1 => drop(bench.join(uid)),
                2 => bench.login(id, |_| {}, uid),
                3 => bench.lose(id),
                4 => bench.kick(uid),
                5 if rng.between(0, 9) == 0 => bench.input(HubInput::Dissolve(CID)),
                5 => bench.ticket_expires += 1,
                6 => bench.pass(rng.between(0, 20)),
                7 => bench.text(id, "{"),
                8 => bench.command(id, Command::Role(role)),
                9 => bench.command(id, Command::Mute(media, flag)),
                10 => bench.command(id, Command::Subscribe(other, media, flag)),
                11 => bench.command(id, if flag { Command::Logout } else { Command::Heartbeat }),
                _ => bench.command(id, Command::Publish(media, flag)),
            }
            bench.check();
        }
        bench.pass(120);
        assert_eq!((bench.hub.rooms().count(), bench.hub.poll_timeout()), (0, None), "seed {seed}");
        assert!(bench.hub.connections.is_empty(), "seed {seed}");
    }
}
