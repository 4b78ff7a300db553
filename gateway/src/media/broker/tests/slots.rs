//! Who has a slot in a stream, and who gives one up.

use super::*;

#[test]
fn a_review_ends_only_what_its_holder_may_not_do() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    bench.push_all(publisher, &[AVC_HEADER, KEY]);
    let own = bench.play_as(NAME, 1).unwrap();
    let other = bench.play();
    bench.broker.review(3, |_, _| false);
    bench.broker.review(1, |action, name| action == Action::Publish && name == NAME);
    assert_eq!(bench.try_take(own, 1), Err(Ended));
    bench.push_all(publisher, &[FRAME]);

    bench.broker.review(1, |_, _| false);
    assert_eq!(bench.push(publisher, 0, FRAME), Err(Ended));
    assert_eq!(bench.take(other), [(0, AVC_HEADER), (0, KEY), (0, FRAME)]);
    assert_eq!(bench.broker.statistics().players, 1, "the other waits for the next publisher");
    bench.broker.review(2, |_, _| false);
    assert_eq!(bench.broker.statistics().streams, 0);
}

#[test]
fn the_same_holder_replaces_itself_and_another_is_refused() {
    let mut bench = Bench::new();
    let old = bench.publish(1);
    assert_eq!(bench.try_publish(2), Err(MediaRefusal::Busy));
    let new = bench.publish(1);
    assert_eq!(bench.push(old, 0, KEY), Err(Ended));
    bench.leave(old);
    assert_eq!(bench.push(new, 0, KEY), Ok(()));
    bench.leave(new);
    assert_eq!(bench.push(new, 0, KEY), Err(Ended));
    assert!(bench.try_publish(2).is_ok());
}

#[test]
fn one_more_than_the_limit_is_refused() {
    let mut bench = Bench::new();
    let mut holders = 2..;
    let mut play = |bench: &mut Bench, name| bench.play_as(name, holders.next().unwrap());
    bench.limit(|limits| limits.streams = 2);
    bench.limit(|limits| limits.waiting_players = 2);
    bench.limit(|limits| limits.players_per_stream = 1);
    play(&mut bench, "a").unwrap();
    assert_eq!(play(&mut bench, "a"), Err(MediaRefusal::Full), "a stream's players");
    let leaver = play(&mut bench, "b").unwrap();
    assert_eq!(bench.try_publish(1), Err(MediaRefusal::Full), "streams");
    bench.leave(leaver);
    bench.limit(|limits| limits.waiting_players = 1);
    assert_eq!(play(&mut bench, "b"), Err(MediaRefusal::Full), "waiting players");
    bench.publish(1);
    bench.limit(|limits| limits.players = 1);
    assert_eq!(play(&mut bench, NAME), Err(MediaRefusal::Full), "players");
    bench.limit(|limits| limits.players = 2);
    play(&mut bench, NAME).unwrap();
    assert_eq!(bench.broker.statistics().streams, 2);
}

#[test]
fn the_largest_room_plays_one_stream_though_every_player_has_come_back_and_one_more_is_refused() {
    let broker = Broker::new(BrokerLimits::default());
    let mut holders = 2..;
    let mut play = |name: &str| broker.play(name, holders.next().unwrap(), 0).map(drop);
    for _ in 0..2 * MOST_MEMBERS {
        play("a").unwrap();
    }
    assert_eq!(play("a"), Err(MediaRefusal::Full));
    for _ in 2 * MOST_MEMBERS..BrokerLimits::default().players {
        play("b").unwrap();
    }
    assert_eq!(play("c"), Err(MediaRefusal::Full), "all of them wait, and no more fit in");
}

#[test]
fn a_stream_whose_places_are_taken_has_one_for_who_has_fewer_than_another() {
    let mut bench = Bench::new();
    bench.limit(|limits| limits.players_per_stream = 4);
    bench.limit(|limits| limits.players_per_holder = 3);
    let first = bench.play_as(NAME, 1).unwrap();
    let second = bench.play_as(NAME, 1).unwrap();
    bench.play_as(NAME, 1).unwrap();
    bench.play_as(NAME, 1).unwrap();
    assert_eq!(bench.try_take(first, 1), Err(Ended), "one too many of the same holder");
    bench.play_as(NAME, 2).unwrap();
    bench.play_as(NAME, 3).unwrap();
    assert_eq!(bench.try_take(second, 1), Err(Ended), "the oldest of who has most");
    assert_eq!(bench.play_as(NAME, 2).err(), Some(MediaRefusal::Full), "as many as anybody has");
    bench.play_as(NAME, 4).unwrap();
    assert_eq!(bench.play_as(NAME, 5).err(), Some(MediaRefusal::Full), "everybody has one");
    assert_eq!(bench.broker.statistics().players, 4);
}

#[test]
fn who_was_replaced_and_comes_late_replaces_nobody() {
    let mut bench = Bench::new();
    // Both have a place each before either tells the stream.
    let limits = bench.broker.limits.load_full();
    let early = bench.broker.directory().publish(NAME, 1, &limits).unwrap();
    let late = bench.broker.directory().publish(NAME, 1, &limits).unwrap();
    for slot in [&late, &early] {
        open(&slot.stream).begin(slot.id);
    }
    let [early, late] = [early, late].map(|slot| bench.keep(slot));
    assert_eq!(bench.push(early, 0, KEY), Err(Ended));
    assert_eq!(bench.push(late, 0, KEY), Ok(()));
    bench.leave(early);
    assert_eq!(bench.push(late, 0, KEY), Ok(()));
}

#[test]
fn nobody_who_decides_about_places_waits_for_a_stream() {
    let mut bench = Bench::new();
    let (publisher, player) = (bench.publish(1), bench.play());
    let stream = Arc::clone(&bench.slots[&publisher].stream);
    let busy = open(&stream);
    assert_eq!(bench.broker.statistics().players, 1);
    bench.broker.review(2, |_, _| false);
    assert!(bench.slots[&player].is_over());
    bench.broker.publish("another", 3).unwrap();
    bench.broker.end(NAME);
    assert!(bench.slots[&publisher].is_over());
    drop(busy);
}

#[test]
fn an_ended_stream_is_over_for_everyone_and_nothing_of_it_stays() {
    let mut bench = Bench::new();
    let publisher = bench.publish(1);
    let player = bench.play();
    bench.broker.end(NAME);
    assert_eq!(bench.push(publisher, 0, KEY), Err(Ended));
    assert_eq!(bench.try_take(player, 1), Err(Ended));
    bench.leave(player);
    bench.leave(publisher);
    assert_eq!(bench.broker.statistics().streams, 0);
}

#[test]
fn a_closed_broker_lets_nobody_in() {
    let mut bench = Bench::new();
    bench.broker.close();
    assert_eq!(bench.try_publish(1), Err(MediaRefusal::Full));
    assert_eq!(bench.play_as(NAME, 2), Err(MediaRefusal::Full));
}
