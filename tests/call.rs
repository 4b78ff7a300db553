//! Calls between several sessions through the gateway's hub, in virtual time. What a real gateway can show
//! as well is in gateway/tests/conformance.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use nertc_miniapp::{AppUid, Call, Error, Event, JoinParams, Media, MediaSet, Reply, Role, Uid, VoiceChange};
use world::{ClientId, LATENCY, World, secs};

#[test]
fn a_publish_costs_one_round_trip() {
    let mut world = World::seeded(2);
    let alice = world.join("room", 100);
    let publish = world.call(alice, Call::Publish(MediaSet::MAIN));
    world.run_until(|w| w.settled(alice, publish), LATENCY * 2);
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
