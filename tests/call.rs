//! Calls between several sessions through the gateway's hub, in virtual time.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use nertc_miniapp::{
    AppUid, Call, Code, Error, Event, JoinParams, Media, MediaSet, Reply, Role, Uid, VoiceChange,
};
use world::{ClientId, LATENCY, World, secs};

#[test]
fn two_members_see_each_other_publish_and_subscribe() {
    let mut world = World::seeded(1);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    assert_eq!(world.events(alice), ["sessionStart", "open", "clientJoin"]);
    assert_eq!(world.events(bob), ["sessionStart", "open", "clientJoin"]);

    let publish = world.call(alice, Call::Publish(MediaSet::MAIN));
    world.run_until(|w| w.settled(alice, publish), secs(1));
    let Ok(Reply::PushUrl(push)) = world.reply(alice, publish).clone() else { panic!() };
    world.run_for(LATENCY);
    assert_eq!(world.events(bob)[3..], ["stream-added", "stream-added"]);

    let audio = subscribe(&mut world, bob, 100, Media::Audio);
    let video = subscribe(&mut world, bob, 100, Media::Video);
    assert_eq!(audio, video, "microphone and camera share one stream");
    assert_eq!(stream_of(&audio), stream_of(push.as_str()), "what is pulled is what is pushed");
    assert_ne!(audio, push.as_str(), "pulling takes a grant of its own");
    world.assert_agreement("room");
}

#[test]
fn a_publish_costs_one_round_trip() {
    let mut world = World::seeded(2);
    let alice = world.join("room", 100);
    let publish = world.call(alice, Call::Publish(MediaSet::MAIN));
    world.run_until(|w| w.settled(alice, publish), LATENCY * 2);
}

#[test]
fn a_late_comer_learns_what_is_published_after_its_join_has_resolved() {
    let mut world = World::seeded(3);
    let alice = world.join("room", 100);
    publish(&mut world, alice, MediaSet::MAIN);
    let bob = world.join("room", u64::MAX);
    assert_eq!(world.events(bob), ["sessionStart", "open", "clientJoin", "stream-added", "stream-added"]);
    world.run_for(LATENCY);
    let Some(Event::ClientJoin(who)) = world.last_event(alice) else { panic!() };
    assert!(who.is_big_number);
}

#[test]
fn turning_the_microphone_off_and_on_is_told_both_times() {
    let mut world = World::seeded(4);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, MediaSet::MAIN);
    subscribe(&mut world, bob, 100, Media::Audio);
    world.forget_events();

    let off = world.call(alice, Call::Unpublish(Media::Audio.into()));
    world.run_until(|w| w.settled(alice, off), secs(1));
    assert!(matches!(world.reply(alice, off), Ok(Reply::PushUrl(_))));
    publish(&mut world, alice, Media::Audio.into());
    world.run_for(LATENCY);
    assert_eq!(world.events(bob), ["stream-removed", "stream-added"]);
    subscribe(&mut world, bob, 100, Media::Audio);
}

#[test]
fn leaving_is_told_to_the_others_at_once() {
    let mut world = World::seeded(5);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, Media::Video.into());
    world.run_for(LATENCY);
    world.forget_events();

    let leave = world.call(alice, Call::Leave);
    world.run_until(|w| w.settled(alice, leave), LATENCY * 2);
    world.run_for(LATENCY);
    assert_eq!(world.events(alice), ["disconnect"]);
    assert_eq!(world.events(bob), ["stream-removed", "clientLeave"]);
    assert!(world.is_idle(alice));
}

#[test]
fn a_short_outage_is_not_noticed_by_others_and_everything_is_restored() {
    let mut world = World::seeded(6);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, MediaSet::MAIN);
    publish(&mut world, bob, MediaSet::MAIN);
    subscribe(&mut world, alice, 200, Media::Video);
    world.run_for(secs(1));
    world.forget_events();

    world.drop_connection(alice);
    world.run_until(|w| w.events(alice).contains(&"reconnected"), secs(1));
    world.run_for(secs(10));
    assert_eq!(world.events(alice), ["willreconnect", "open", "reconnected"]);
    assert_eq!(world.events(bob), Vec::<&str>::new());
    world.assert_agreement("room");
}

#[test]
fn what_happened_during_an_outage_is_told_as_differences() {
    let mut world = World::seeded(7);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    let carol = world.join("room", 300);
    publish(&mut world, bob, MediaSet::MAIN);
    publish(&mut world, carol, Media::Audio.into());
    world.run_for(secs(1));
    world.forget_events();

    world.cut(alice);
    let unpublish = world.call(bob, Call::Unpublish(Media::Video.into()));
    let leave = world.call(carol, Call::Leave);
    world.run_until(|w| w.settled(bob, unpublish) && w.settled(carol, leave), secs(1));
    world.join("room", 400);
    world.heal(alice);
    world.run_until(|w| w.events(alice).contains(&"reconnected"), secs(20));

    let told: Vec<&str> =
        world.events(alice).into_iter().filter(|name| !["willreconnect", "open"].contains(name)).collect();
    let expected = ["stream-removed", "clientLeave", "stream-removed", "clientJoin", "reconnected"];
    assert_eq!(told, expected);
    world.assert_agreement("room");
}

#[test]
fn a_publish_during_an_outage_settles_after_recovery() {
    let mut world = World::seeded(8);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    world.cut(alice);
    world.run_for(secs(1));

    let publish = world.call(alice, Call::Publish(Media::Audio.into()));
    world.run_for(secs(2));
    assert!(!world.settled(alice, publish));
    world.heal(alice);
    world.run_until(|w| w.settled(alice, publish), secs(12));

    assert!(matches!(world.reply(alice, publish), Ok(Reply::PushUrl(_))));
    world.run_for(secs(6));
    assert_eq!(world.events(bob).last(), Some(&"stream-added"));
    world.assert_agreement("room");
}

#[test]
fn an_unpublish_during_an_outage_reaches_the_others() {
    let mut world = World::seeded(9);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, MediaSet::MAIN);
    world.cut(alice);
    world.run_for(secs(1));
    let unpublish = world.call(alice, Call::Unpublish(Media::Audio.into()));
    world.heal(alice);
    world.run_until(|w| w.settled(alice, unpublish), secs(12));
    world.run_for(secs(6));
    assert_eq!(world.events(bob).last(), Some(&"stream-removed"));
    world.assert_agreement("room");
}

#[test]
fn a_silent_death_is_found_and_healed() {
    let mut world = World::seeded(10);
    let alice = world.join("room", 100);
    world.join("room", 200);
    world.forget_events();
    world.swallow(alice);
    world.run_until(|w| w.events(alice).contains(&"willreconnect"), secs(14));
    world.heal(alice);
    world.run_until(|w| w.events(alice).contains(&"reconnected"), secs(10));
    world.run_for(secs(60));
    assert_eq!(world.events(alice).iter().filter(|name| **name == "willreconnect").count(), 1);
    world.assert_agreement("room");
}

#[test]
fn who_does_not_come_back_leaves_after_the_grace_period() {
    let mut world = World::seeded(11);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, Media::Audio.into());
    world.run_for(secs(1));
    world.forget_events();
    world.cut(alice);
    world.run_for(secs(29));
    assert!(world.events(bob).is_empty());
    world.run_for(secs(2));
    assert_eq!(world.events(bob), ["stream-removed", "clientLeave"]);
    world.run_until(|w| w.is_idle(alice), secs(120));
    let Some(Event::Disconnect { code: "403", .. }) = world.last_event(alice) else { panic!() };
}

#[test]
fn a_restarted_gateway_is_filled_again_by_its_clients() {
    let mut world = World::seeded(12);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, MediaSet::MAIN);
    publish(&mut world, bob, Media::Audio.into());
    world.run_for(secs(1));
    world.kill_hub();
    world.run_for(secs(2));
    world.start_hub();
    world.run_until(
        |w| {
            [alice, bob]
                .iter()
                .all(|id| w.events(*id).last() != Some(&"willreconnect") && !w.events(*id).is_empty())
        },
        secs(20),
    );
    world.run_for(secs(20));
    world.assert_agreement("room");
    assert!(world.events(alice).contains(&"reconnected") && world.events(bob).contains(&"reconnected"));
}

#[test]
fn the_operator_removes_a_member_and_dissolves_a_room() {
    let mut world = World::seeded(13);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    world.forget_events();
    world.kick("room", bob);
    world.run_for(secs(2));
    assert_eq!(world.events(bob), ["kicked", "disconnect"]);
    assert_eq!(world.events(alice), ["clientLeave"]);
    world.dissolve("room");
    world.run_for(secs(2));
    assert_eq!(world.events(alice)[1..], ["liveRoomClose", "disconnect"]);
    assert!(world.is_idle(alice) && world.is_idle(bob));
}

#[test]
fn a_second_login_of_the_same_member_takes_the_place_of_the_first() {
    let mut world = World::seeded(14);
    let bob = world.join("room", 200);
    world.join("room", 100);
    world.forget_events();
    let again = world.join("room", 100);
    assert!(world.events(bob).is_empty(), "nobody came and nobody left");
    assert!(!world.is_idle(again));
}

#[test]
fn two_rooms_do_not_know_of_each_other() {
    let mut world = World::seeded(15);
    let alice = world.join("here", 100);
    let bob = world.join("there", 200);
    publish(&mut world, bob, MediaSet::MAIN);
    world.run_for(secs(1));
    assert_eq!(world.events(alice), ["sessionStart", "open"]);
    let stranger = world.call(alice, Call::Subscribe(AppUid::Number(Uid(200)), Media::Audio));
    assert_eq!(world.reply(alice, stranger), &Err(Error::UnknownMember("200".into())));
}

#[test]
fn a_join_while_the_gateway_is_down_fails_and_the_next_one_works() {
    let mut world = World::seeded(16);
    world.kill_hub();
    let alice = world.client(100);
    let join = world.call(alice, Call::Join(Box::new(JoinParams::new("room", Uid(100)))));
    world.run_until(|w| w.settled(alice, join), secs(25));
    let Err(error) = world.reply(alice, join) else { panic!() };
    assert_eq!(error.code(), Code::Number(-2));
    assert!(error.is_retryable() && world.is_idle(alice));
    world.start_hub();
    let join = world.call(alice, Call::Join(Box::new(JoinParams::new("room", Uid(100)))));
    world.run_until(|w| w.settled(alice, join), secs(1));
    assert!(world.reply(alice, join).is_ok());
}

#[test]
fn a_mute_is_told_and_outlives_an_outage_of_the_muted() {
    let mut world = World::seeded(17);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    call(&mut world, alice, Call::Mute(Media::Audio.into(), true));
    world.run_for(LATENCY);
    world.drop_connection(alice);
    world.run_until(|w| w.events(alice).contains(&"reconnected"), secs(1));
    call(&mut world, alice, Call::Mute(Media::Audio.into(), false));
    world.run_for(LATENCY);
    assert_eq!(world.events(bob)[3..], ["mute-audio", "unmute-audio"]);
}

#[test]
fn an_unmute_during_an_outage_reaches_the_others() {
    let mut world = World::seeded(18);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    call(&mut world, alice, Call::Mute(MediaSet::MAIN, true));
    world.run_for(secs(1));
    world.cut(alice);
    let unmute = world.call(alice, Call::Mute(Media::Video.into(), false));
    world.run_for(secs(1));
    world.heal(alice);
    world.run_until(|w| w.settled(alice, unmute), secs(12));
    world.run_for(LATENCY);
    assert_eq!(world.events(bob)[3..], ["mute-audio", "mute-video", "unmute-video"]);
}

#[test]
fn becoming_audience_ends_what_is_published_and_is_told_as_leaving() {
    let mut world = World::seeded(19);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, MediaSet::MAIN);
    world.run_for(LATENCY);
    world.forget_events();
    call(&mut world, alice, Call::SetRole(Role::Audience));
    world.run_for(LATENCY);
    assert_eq!(world.events(bob), ["stream-removed", "stream-removed", "role-Changed", "clientLeave"]);
    let refused = world.call(alice, Call::Publish(MediaSet::MAIN));
    assert_eq!(world.reply(alice, refused), &Err(Error::Audience("publish")));

    call(&mut world, alice, Call::SetRole(Role::Broadcaster));
    publish(&mut world, alice, Media::Video.into());
    world.run_for(LATENCY);
    assert_eq!(world.events(bob)[4..], ["role-Changed", "clientJoin", "stream-added"]);
    world.assert_agreement("room");
}

#[test]
fn a_role_changed_during_an_outage_is_the_role_after_it() {
    let mut world = World::seeded(20);
    let alice = world.join("room", 100);
    let bob = world.join("room", 200);
    publish(&mut world, alice, Media::Audio.into());
    world.run_for(LATENCY);
    world.forget_events();
    world.cut(alice);
    let role = world.call(alice, Call::SetRole(Role::Audience));
    world.run_for(secs(1));
    world.heal(alice);
    world.run_until(|w| w.settled(alice, role), secs(12));
    world.run_for(secs(6));
    assert_eq!(world.events(bob), ["stream-removed", "role-Changed", "clientLeave"]);
}

#[test]
fn a_role_set_before_the_join_is_the_role_in_the_room() {
    let mut world = World::seeded(21);
    let bob = world.join("room", 200);
    let alice = world.client(100);
    let role = world.call(alice, Call::SetRole(Role::Audience));
    assert_eq!(world.reply(alice, role), &Ok(Reply::Nothing));
    call(&mut world, alice, Call::Join(Box::new(JoinParams::new("room", Uid(100)))));
    world.run_for(LATENCY);
    assert_eq!(world.events(bob), ["sessionStart", "open"], "nobody is told of an audience");
}

#[test]
fn everything_the_application_can_ask_is_answered_by_the_gateway() {
    let mut world = World::seeded(22);
    let alice = world.join("room", 100);
    let voice = |name, change| Call::SetVoice(name, change);
    for wish in [
        voice("setAudioEffectPreset", VoiceChange::Effect(3)),
        voice("setLocalVoicePitch", VoiceChange::Pitch("1.5".into())),
        voice("setVoiceBeautifierPreset", VoiceChange::Beautifier(2)),
        voice("setLocalVoiceEqualization", VoiceChange::Equalizer(3, -4)),
        voice("setVoiceBeautifierPreset", VoiceChange::Beautifier(0)),
        Call::SwitchMode(1),
        Call::UploadUserList,
        Call::StartCaptions("zh".into(), "en".into()),
        Call::StopCaptions,
        Call::Interrupt(None),
    ] {
        let name = wish.name();
        let id = world.call(alice, wish);
        world.run_until(|w| w.settled(alice, id), secs(1));
        assert!(world.reply(alice, id).is_ok(), "{name}: {:?}", world.reply(alice, id));
    }
}

fn call(world: &mut World, id: ClientId, wish: Call) {
    let call = world.call(id, wish);
    world.run_until(|w| w.settled(id, call), secs(1));
    assert!(world.reply(id, call).is_ok(), "{:?}", world.reply(id, call));
}

fn publish(world: &mut World, id: ClientId, media: MediaSet) {
    let publish = world.call(id, Call::Publish(media));
    world.run_until(|w| w.settled(id, publish), secs(1));
    assert!(matches!(world.reply(id, publish), Ok(Reply::PushUrl(_))));
}

fn subscribe(world: &mut World, id: ClientId, uid: u64, media: Media) -> String {
    world.run_for(LATENCY * 2);
    let subscribe = world.call(id, Call::Subscribe(AppUid::Number(Uid(uid)), media));
    world.run_until(|w| w.settled(id, subscribe), secs(1));
    match world.reply(id, subscribe) {
        Ok(Reply::Subscribed { url, .. }) => url.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn stream_of(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}
