//! Scenarios that are played twice: on the hub in virtual time, and on a gateway process with real
//! sockets and real time. What holds on one and not on the other shows where the simulation, on
//! which most tests rest, is wrong about reality.
//!
//! They live with the gateway because cargo tells only its own tests where its program is.

#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod real;
#[path = "../../../tests/world/mod.rs"]
mod world;

use nertc_miniapp::{AppUid, Call, Code, Event, JoinParams, Media, MediaSet, Reply, Role, Uid};
use real::RealGround;
use world::ground::{AUDIENCE, BROADCASTER, Ground};
use world::{ClientId, World};

macro_rules! scenarios {
    ($($name:ident,)*) => {
        mod hub {
            $(#[test] fn $name() { super::$name(&mut <super::World as super::Ground>::new()); })*
        }
        mod gateway {
            $(#[test] fn $name() { super::$name(&mut <super::RealGround as super::Ground>::new()); })*
        }
    };
}

scenarios! {
    two_members_see_each_other_publish_and_subscribe,
    a_late_comer_learns_what_is_published,
    turning_the_microphone_off_and_on_is_told_both_times,
    leaving_is_told_to_the_others_at_once,
    a_dropped_connection_is_not_noticed_by_others,
    subscriptions_are_restored_after_an_outage,
    a_publish_during_an_outage_settles_after_recovery,
    what_happened_during_an_outage_is_told_as_differences,
    when_both_are_dropped_both_come_back,
    a_silent_death_is_found_and_healed,
    a_mute_is_known_to_late_comers_and_outlives_an_outage,
    the_role_of_an_audience_outlives_an_outage,
    a_killed_gateway_is_filled_again_by_its_clients,
    a_stopped_gateway_tells_its_clients_to_come_back,
    a_join_without_a_gateway_fails_and_the_next_one_works,
    a_second_device_of_a_user_drives_the_first_out_for_good,
    the_operator_removes_a_member,
    the_operator_dissolves_a_room,
}

fn two_members_see_each_other_publish_and_subscribe<G: Ground>(ground: &mut G) {
    let alice = ground.join("room", 100);
    let bob = ground.join("room", 200);
    ground.is_told(alice, ["sessionStart", "open", "clientJoin"]);
    ground.is_told(bob, ["sessionStart", "open", "clientJoin"]);

    let Reply::PushUrl(push) = ground.settle(alice, Call::Publish(MediaSet::MAIN)) else { panic!() };
    ground.is_told(bob, ["stream-added", "stream-added"]);
    let audio = subscribe(ground, bob, 100, Media::Audio);
    let video = subscribe(ground, bob, 100, Media::Video);
    assert_eq!(audio, video, "microphone and camera share one stream");
    let stream_of = |url: &str| url.split('?').next().unwrap().to_owned();
    assert_eq!(stream_of(&audio), stream_of(push.as_str()), "what is pulled is what is pushed");
    assert_ne!(audio, push.as_str(), "pulling takes a grant of its own");
    ground.agree("room", [alice, bob]);
}

fn a_late_comer_learns_what_is_published<G: Ground>(ground: &mut G) {
    let alice = ground.join("room", 100);
    publish(ground, alice, MediaSet::MAIN);
    let bob = ground.join("room", u64::MAX);
    ground.is_told(bob, ["sessionStart", "open", "clientJoin", "stream-added", "stream-added"]);
    ground.is_told(alice, ["sessionStart", "open", "clientJoin"]);
    let Some(Event::ClientJoin(who)) = ground.client(alice).events.last() else { panic!() };
    assert!(who.uid == Uid(u64::MAX) && who.is_big_number);
    ground.agree("room", [alice, bob]);
}

fn turning_the_microphone_off_and_on_is_told_both_times<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, MediaSet::MAIN);
    ground.is_told(bob, ["stream-added", "stream-added"]);
    subscribe(ground, bob, 100, Media::Audio);

    let off = ground.settle(alice, Call::Unpublish(Media::Audio.into()));
    assert!(matches!(off, Reply::PushUrl(_)), "the camera goes on");
    publish(ground, alice, Media::Audio.into());
    ground.is_told(bob, ["stream-removed", "stream-added"]);
    subscribe(ground, bob, 100, Media::Audio);
    ground.agree("room", [alice, bob]);
}

fn leaving_is_told_to_the_others_at_once<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, Media::Video.into());
    ground.is_told(bob, ["stream-added"]);

    ground.settle(alice, Call::Leave);
    ground.is_told(alice, ["disconnect"]);
    ground.is_told(bob, ["stream-removed", "clientLeave"]);
    assert!(ground.client(alice).is_idle());
    ground.agree("room", [bob]);
}

fn a_dropped_connection_is_not_noticed_by_others<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, MediaSet::MAIN);
    ground.is_told(bob, ["stream-added", "stream-added"]);

    ground.drop_connection(alice);
    ground.is_told(alice, ["willreconnect", "open", "reconnected"]);
    assert_eq!(ground.commands(alice, PUBLISH), 2);
    settle_mute(ground, alice, Media::Audio, true);
    ground.is_told(bob, ["mute-audio"]);
    ground.agree("room", [alice, bob]);
}

fn subscriptions_are_restored_after_an_outage<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, MediaSet::MAIN);
    ground.is_told(bob, ["stream-added", "stream-added"]);
    let url = subscribe(ground, bob, 100, Media::Video);

    ground.drop_connection(bob);
    ground.is_told(bob, ["willreconnect", "open", "reconnected"]);
    assert_eq!(ground.commands(bob, SUBSCRIBE), 1);
    assert_eq!(subscribe(ground, bob, 100, Media::Video), url, "what plays goes on playing");
    ground.agree("room", [alice, bob]);
}

fn a_publish_during_an_outage_settles_after_recovery<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    ground.cut(alice);
    ground.until_told(alice, "willreconnect");
    let publish = ground.call(alice, Call::Publish(Media::Audio.into()));
    ground.until_told(alice, "willreconnect");
    assert!(ground.client(alice).result(publish).is_none());

    ground.heal(alice);
    assert!(matches!(ground.result(alice, publish), Ok(Reply::PushUrl(_))));
    ground.until_told(alice, "reconnected");
    ground.is_told(bob, ["stream-added"]);
    ground.agree("room", [alice, bob]);
}

fn what_happened_during_an_outage_is_told_as_differences<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    let carol = ground.join("room", 300);
    publish(ground, bob, MediaSet::MAIN);
    publish(ground, carol, Media::Audio.into());
    ground.is_told(alice, ["clientJoin", "stream-added", "stream-added", "stream-added"]);

    ground.cut(alice);
    ground.settle(bob, Call::Unpublish(Media::Video.into()));
    ground.settle(carol, Call::Leave);
    let dave = ground.join("room", 400);
    ground.heal(alice);
    ground.until_told(alice, "open");
    ground.is_told(alice, ["stream-removed", "clientLeave", "stream-removed", "clientJoin", "reconnected"]);
    ground.agree("room", [alice, bob, dave]);
}

fn when_both_are_dropped_both_come_back<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, Media::Audio.into());
    ground.is_told(bob, ["stream-added"]);
    ground.drop_connection(alice);
    ground.drop_connection(bob);
    for id in [alice, bob] {
        ground.is_told(id, ["willreconnect", "open", "reconnected"]);
    }
    publish(ground, bob, Media::Video.into());
    ground.is_told(alice, ["stream-added"]);
    ground.agree("room", [alice, bob]);
}

fn a_silent_death_is_found_and_healed<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, Media::Audio.into());
    ground.is_told(bob, ["stream-added"]);
    let socket = ground.client(alice).socket();

    ground.swallow(alice);
    ground.is_told(alice, ["willreconnect"]);
    ground.heal(alice);
    ground.is_told(alice, ["open", "reconnected"]);
    assert_ne!(ground.client(alice).socket(), socket);
    assert_eq!(ground.commands(alice, PUBLISH), 1);
    publish(ground, alice, Media::Video.into());
    ground.is_told(bob, ["stream-added"]);
    ground.agree("room", [alice, bob]);
}

fn a_mute_is_known_to_late_comers_and_outlives_an_outage<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    settle_mute(ground, alice, Media::Audio, true);
    ground.is_told(bob, ["mute-audio"]);

    ground.drop_connection(alice);
    ground.is_told(alice, ["willreconnect", "open", "reconnected"]);
    let carol = ground.join("room", 300);
    ground.is_told(carol, ["sessionStart", "open", "clientJoin", "clientJoin", "mute-audio"]);
    settle_mute(ground, alice, Media::Audio, false);
    ground.is_told(bob, ["clientJoin", "unmute-audio"]);
    ground.is_told(carol, ["unmute-audio"]);
    ground.agree("room", [alice, bob, carol]);
}

fn the_role_of_an_audience_outlives_an_outage<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    ground.settle(alice, Call::SetRole(Role::Audience));
    ground.is_told(bob, ["role-Changed", "clientLeave"]);

    ground.drop_connection(alice);
    ground.is_told(alice, ["willreconnect", "open", "reconnected"]);
    let roles: Vec<u8> = ground.members_of("room").iter().map(|member| member.role).collect();
    assert_eq!(roles, [AUDIENCE, BROADCASTER]);
    ground.agree("room", [alice, bob]);
    ground.settle(alice, Call::SetRole(Role::Broadcaster));
    ground.is_told(bob, ["role-Changed", "clientJoin"]);
}

fn a_killed_gateway_is_filled_again_by_its_clients<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_busy_members(ground);
    let before = ground.members_of("room");
    ground.kill_gateway();
    for id in [alice, bob] {
        ground.until_told(id, "willreconnect");
    }
    ground.start_gateway();
    for id in [alice, bob] {
        ground.until_told(id, "reconnected");
    }
    ground.agree("room", [alice, bob]);
    assert_eq!(ground.members_of("room"), before);
    for id in [alice, bob] {
        let news =
            |name: &&str| matches!(*name, "clientJoin" | "clientLeave" | "stream-added" | "stream-removed");
        let told: Vec<&str> =
            ground.events(id).into_iter().skip_while(|name| *name != "willreconnect").collect();
        assert_eq!(told.iter().find(|name| news(name)), None, "nobody went: {told:?}");
    }
}

fn a_stopped_gateway_tells_its_clients_to_come_back<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_busy_members(ground);
    let before = ground.members_of("room");
    ground.stop_gateway();
    for id in [alice, bob] {
        ground.until_told(id, "willreconnect");
        assert_eq!(ground.client(id).lost[0], 1012);
    }
    ground.start_gateway();
    for id in [alice, bob] {
        ground.until_told(id, "reconnected");
    }
    ground.agree("room", [alice, bob]);
    assert_eq!(ground.members_of("room"), before);
}

fn a_join_without_a_gateway_fails_and_the_next_one_works<G: Ground>(ground: &mut G) {
    ground.kill_gateway();
    let alice = ground.seat(100);
    let join = || Call::Join(Box::new(JoinParams::new("room", Uid(100))));
    let first = ground.call(alice, join());
    let error = ground.result(alice, first).unwrap_err();
    assert_eq!(error.code(), Code::Number(-2));
    assert!(error.is_retryable() && ground.client(alice).is_idle());

    ground.start_gateway();
    ground.settle(alice, join());
    ground.agree("room", [alice]);
}

fn a_second_device_of_a_user_drives_the_first_out_for_good<G: Ground>(ground: &mut G) {
    let (first, bob) = two_in_a_room(ground);
    let second = ground.join("room", 100);
    ground.is_told(first, ["kicked", "disconnect"]);
    assert!(ground.client(first).is_idle());
    publish(ground, second, Media::Audio.into());
    ground.is_told(bob, ["stream-added"]);
    ground.agree("room", [second, bob]);
    assert!(ground.events(first).is_empty());
}

fn the_operator_removes_a_member<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    ground.kick("room", bob);
    ground.is_told(bob, ["kicked", "disconnect"]);
    ground.is_told(alice, ["clientLeave"]);
    assert!(ground.client(bob).is_idle());
    ground.agree("room", [alice]);
}

fn the_operator_dissolves_a_room<G: Ground>(ground: &mut G) {
    let (alice, bob) = two_in_a_room(ground);
    ground.dissolve("room");
    for id in [alice, bob] {
        ground.is_told(id, ["liveRoomClose", "disconnect"]);
        assert!(ground.client(id).is_idle());
    }
    ground.agree("room", []);
}

/// Two members that have been told of each other.
fn two_in_a_room<G: Ground>(ground: &mut G) -> (ClientId, ClientId) {
    let alice = ground.join("room", 100);
    let bob = ground.join("room", 200);
    for id in [alice, bob] {
        ground.is_told(id, ["sessionStart", "open", "clientJoin"]);
    }
    (alice, bob)
}

/// Two members that want something of each kind.
fn two_busy_members<G: Ground>(ground: &mut G) -> (ClientId, ClientId) {
    let (alice, bob) = two_in_a_room(ground);
    publish(ground, alice, MediaSet::MAIN);
    settle_mute(ground, alice, Media::Video, true);
    ground.is_told(bob, ["stream-added", "stream-added", "mute-video"]);
    publish(ground, bob, Media::Audio.into());
    ground.is_told(alice, ["stream-added"]);
    subscribe(ground, alice, 200, Media::Audio);
    subscribe(ground, bob, 100, Media::Video);
    (alice, bob)
}

fn publish<G: Ground>(ground: &mut G, id: ClientId, media: MediaSet) {
    let reply = ground.settle(id, Call::Publish(media));
    assert!(matches!(reply, Reply::PushUrl(_)), "{reply:?}");
}

fn subscribe<G: Ground>(ground: &mut G, id: ClientId, uid: u64, media: Media) -> String {
    let reply = ground.settle(id, Call::Subscribe(AppUid::Number(Uid(uid)), media));
    let Reply::Subscribed { url, .. } = reply else { panic!("{reply:?}") };
    url.as_str().to_owned()
}

fn settle_mute<G: Ground>(ground: &mut G, id: ClientId, media: Media, mute: bool) {
    ground.settle(id, Call::Mute(media.into(), mute));
}

/// Numbers of commands (docs/protocol.md 2.3).
const PUBLISH: u32 = 10;
const SUBSCRIBE: u32 = 16;
