//! Everything works at its own limits: the largest room, every place taken, and one more.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_gateway::rooms::HubConfig;
use nertc_miniapp::wire::protocol::{ClientPacket, MOST_MEMBERS};
use nertc_miniapp::{AppUid, Call, CallId, Config, Error, JoinParams, Media, MediaSet, Reply, Uid};
use serde_json::{Value, json};
use world::stage::Stage;
use world::{App, ClientId, World, secs};

#[test]
fn a_newcomer_to_a_full_room_receives_everybody_and_one_lost_connection_is_one_outage() {
    let mut world = World::seeded(1);
    let others = HubConfig::default().max_members - 1;
    crowd(&mut world, others);
    let me = newcomer(&mut world);
    world.run_for(secs(15));
    assert_eq!(subscriptions(&world, me), vec![Ok(()); 2 * others]);
    world.peace().unwrap();

    world.forget_events();
    world.drop_connection(me);
    world.run_for(secs(30));
    let told: Vec<&str> = world.events(me).into_iter().filter(|name| *name != "view").collect();
    assert_eq!(told, ["willreconnect", "open", "reconnected"]);
    world.peace().unwrap();

    let late = world.client(9999);
    let join = world.call(late, join(9999));
    world.run_for(secs(2));
    assert!(matches!(world.reply(late, join), Err(Error::BootstrapRefused { code: 4003, .. })), "one more");
}

#[test]
fn everybody_in_a_full_room_comes_back_after_the_gateway_was_killed() {
    let mut world = World::seeded(2);
    crowd(&mut world, HubConfig::default().max_members - 1);
    let me = newcomer(&mut world);
    world.run_for(secs(15));
    world.forget_events();
    world.kill_hub();
    world.run_for(secs(2));
    world.start_hub();
    world.run_for(secs(30));
    // Whose media may have been refused meanwhile is told where they are, one by one as they come back.
    let quiet = ["view", "syncDone"];
    let told: Vec<&str> = world.events(me).into_iter().filter(|name| !quiet.contains(name)).collect();
    assert!(told.ends_with(&["reconnected"]), "{told:?}");
    let news = ["clientLeave", "stream-removed", "error", "disconnect"];
    assert!(!told.iter().any(|name| news.contains(name)), "{told:?}");
    world.peace().unwrap();
}

#[test]
fn commands_wait_for_a_place_and_each_answer_lets_the_next_one_go() {
    let mut stage = full_stage(199);
    let calls = subscribe_to_all(&mut stage, 199);
    let places = Config::new("k").max_unanswered;
    assert_eq!(stage.frames(r#"{"cmd":16,"#), places);
    for sent in 0..calls.len() {
        let answered = u32::try_from(sent).unwrap() + 2;
        stage.acknowledge(answered);
        assert_eq!(stage.frames(r#"{"cmd":16,"#), (places + sent + 1).min(calls.len()));
    }
    for call in calls {
        assert!(matches!(stage.client.result(call), Some(Ok(Reply::Subscribed { .. }))));
    }
}

#[test]
fn a_newcomer_receives_the_largest_room_in_time_though_each_answer_takes_long() {
    let mut stage = full_stage(MOST_MEMBERS - 1);
    let calls = subscribe_to_all(&mut stage, MOST_MEMBERS - 1);
    let mut read = 0;
    while calls.iter().any(|call| stage.client.result(*call).is_none()) {
        let sent = stage.client.sent.len();
        // Twice as long as there is for microphones and cameras.
        stage.run_for(Duration::from_millis(800));
        for index in std::mem::replace(&mut read, sent)..sent {
            let packet = ClientPacket::decode(&stage.client.sent[index].1).unwrap();
            stage.acknowledge(packet.seq.0);
        }
    }
    let failed = calls.iter().filter(|call| stage.client.result(**call).unwrap().is_err()).count();
    assert_eq!(failed, 0);
}

#[test]
fn heartbeats_and_the_logout_wait_for_nobody() {
    let mut stage = full_stage(199);
    subscribe_to_all(&mut stage, 199);
    stage.run_for(secs(3));
    assert_eq!(stage.frames(r#"{"cmd":2,"#), 1);
    stage.call(Call::Leave);
    assert_eq!(stage.frames(r#"{"cmd":4,"#), 1);
}

#[test]
fn a_command_has_its_time_from_when_it_is_sent_and_a_call_from_when_it_is_made() {
    let mut stage = full_stage(100);
    let places = Config::new("k").max_unanswered;
    let calls = subscribe_to_all(&mut stage, 100);
    stage.run_alive_for(secs(9));
    for seq in 0..places {
        stage.acknowledge(u32::try_from(seq).unwrap() + 2);
    }
    stage.run_alive_for(secs(5));
    let overdue =
        stage.client.event_names().into_iter().filter(|name| *name == "sendCommandOverTime").count();
    assert_eq!(overdue, 0, "the second half has waited for its place, not for an answer");
    assert!(calls[..places].iter().all(|call| matches!(stage.client.result(*call), Some(Ok(_)))));
    assert!(calls[places..].iter().all(|call| stage.client.result(*call).is_none()));
    stage.run_alive_for(secs(2));
    for call in &calls[places..] {
        assert_eq!(stage.error(*call), Error::Timeout("subscribe"));
    }
}

#[test]
fn the_commands_of_a_call_that_switches_nothing_take_places_too_and_go_out_together() {
    let mut stage = full_stage(40);
    let places = Config::new("k").max_unanswered;
    stage.call(Call::SwitchMode(1));
    let calls: Vec<_> =
        (0..40).map(|index| stage.call(Call::MuteOther(Uid(1000 + index), MediaSet::MAIN, true))).collect();
    assert_eq!(stage.frames(r#"{"cmd":11,"#), places - 2, "the last place is too small for two");
    let first = stage.frames(r#"{"cmd":2,"#);
    for seq in 2..100 {
        stage.acknowledge(seq);
    }
    assert_eq!((stage.frames(r#"{"cmd":11,"#), first), (80, 0));
    assert!(calls.iter().all(|call| matches!(stage.client.result(*call), Some(Ok(_)))));
}

#[test]
fn what_nobody_waits_for_any_more_keeps_its_place_until_it_is_answered_or_too_late() {
    let mut stage = full_stage(70);
    let places = Config::new("k").max_unanswered;
    subscribe_to_all(&mut stage, 70);
    for uid in 1000..1000 + places {
        stage.text(&format!(r#"{{"cmd":21,"body":{{"uid":{uid}}}}}"#));
    }
    assert_eq!(stage.frames(r#"{"cmd":16,"#), places);
    stage.run_alive_for(secs(5));
    stage.acknowledge(2);
    assert_eq!(stage.frames(r#"{"cmd":16,"#), places + 1);
    stage.run_alive_for(secs(5));
    assert_eq!(stage.frames(r#"{"cmd":16,"#), 70);
    assert!(!stage.client.event_names().contains(&"sendCommandOverTime"), "of what nobody waits for");
}

#[test]
fn reconnected_waits_for_what_waits_for_a_place() {
    let mut stage = full_stage(199);
    subscribe_to_all(&mut stage, 199);
    for seq in 2..=200 {
        stage.acknowledge(seq);
    }
    stage.close(1006);
    stage.run_until_socket();
    stage.open();
    stage.login(&members(199));
    // The role comes first.
    for seq in 2..=200 {
        stage.acknowledge(seq);
    }
    assert!(!stage.client.event_names().contains(&"reconnected"));
    stage.acknowledge(201);
    assert_eq!(stage.client.event_names().last(), Some(&"reconnected"));
}

#[test]
fn every_medium_of_every_member_may_be_asked_for_at_once_and_some_more_and_no_more() {
    let limits = Config { max_members: 10, ..Config::new("k") };
    let mut stage = Stage::with(Config { max_calls: 256 + 10 * Media::ALL.len(), ..limits });
    stage.enter();
    let most = Config::new("k").max_calls - Config::new("k").max_members * Media::ALL.len();
    for _ in 0..10 * Media::ALL.len() + most {
        stage.call(Call::Publish(Media::Audio.into()));
    }
    let one_more = stage.call(Call::Publish(Media::Audio.into()));
    assert_eq!(stage.error(one_more), Error::TooManyCalls);

    let report = stage.call(report());
    assert_eq!(stage.client.result(report), Some(&Ok(Reply::Nothing)), "it takes no place");
    let leave = stage.call(Call::Leave);
    assert_ne!(stage.client.result(leave), Some(&Err(Error::TooManyCalls)));
}

#[test]
fn an_order_may_have_a_hundred_tasks_and_not_one_more() {
    for count in [100, 101] {
        let ids: Vec<String> = (0..count).map(|index| index.to_string()).collect();
        let tasks: Vec<Value> =
            ids.iter().map(|id| json!({"taskId": id, "streamUrl": "rtmp://h/a"})).collect();
        for (name, options) in [
            ("addTasks", json!({"rtmpTasks": tasks})),
            ("updateTasks", json!({"rtmpTasks": tasks})),
            ("deleteTasks", json!({"taskIds": ids})),
        ] {
            let call = Call::parse(name, &json!([options]).to_string());
            assert_eq!(call.is_ok(), count == 100, "{name}");
            assert!(call.err().is_none_or(|error| error.to_string().contains("1 to 100")), "{name}");
        }
    }
}

/// So many members that publish both.
fn crowd(world: &mut World, members: usize) {
    for index in 0..members as u64 {
        let id = world.client(1000 + index);
        world.call(id, join(1000 + index));
        world.run_for(Duration::from_millis(100));
        world.call(id, Call::Publish(MediaSet::MAIN));
    }
    world.run_for(secs(1));
}

/// Somebody who subscribes to all that is added.
fn newcomer(world: &mut World) -> ClientId {
    let me = world.client(7);
    world.set_app(me, App { subscribes: true, ..App::default() });
    world.call(me, join(7));
    me
}

/// What came of a client's subscriptions.
fn subscriptions(world: &World, id: ClientId) -> Vec<Result<(), Error>> {
    let calls = world.calls(id).iter().filter(|(_, call)| matches!(call, Call::Subscribe(..)));
    calls.map(|(call, _)| world.reply(id, *call).clone().map(|_| ())).collect()
}

fn join(uid: u64) -> Call {
    Call::Join(Box::new(JoinParams::new("room", Uid(uid))))
}

/// In a room with so many members that publish.
fn full_stage(others: usize) -> Stage {
    let mut stage = Stage::new();
    stage.join(JoinParams::new("room", Uid(1)));
    stage.bootstrap();
    stage.open();
    stage.login(&members(others));
    stage.run_for(Duration::from_millis(500));
    stage
}

fn members(others: usize) -> String {
    let others =
        (1000..1000 + others).map(|uid| json!({"uid": uid, "url": format!("rtmp://{uid}"), "audio_on": 1}));
    let own = json!({"uid": 1, "url": "rtmp://push", "role": 0});
    Value::from_iter(std::iter::once(own).chain(others)).to_string()
}

fn subscribe_to_all(stage: &mut Stage, others: usize) -> Vec<CallId> {
    let uids = 1000..1000 + others as u64;
    uids.map(|uid| stage.call(Call::Subscribe(AppUid::Number(Uid(uid)), Media::Audio))).collect()
}

fn report() -> Call {
    Call::parse("dataReporter", r#"["push","statechange",{"code":1002}]"#).unwrap()
}
