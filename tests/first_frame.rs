//! What a player was promised and does not show: each track for itself.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::time::Duration;

use nertc_miniapp::{AppSignal, Call, Media, NativeStatus, Uid};
use serde_json::{Value, json};
use world::page::Page;

/// What a player says that has sound alone.
const SOUND_ALONE: [i32; 5] = [2001, 2002, 2007, 2004, 2026];

#[test]
fn sound_without_the_picture_that_was_announced_is_pulled_again_then_reported() {
    for measured in [true, false] {
        let mut page = watching(&[Media::Audio, Media::Video]);
        let renewed = play(&mut page, &SOUND_ALONE, |page| {
            if measured {
                page.measure(0, 46, 7);
            }
        });
        assert_eq!(renewed, 1);
        let told = serde_json::to_value(NativeStatus::never_came(Uid(7), Media::Video)).unwrap();
        assert_eq!(page.statuses(), [told]);
        assert_eq!(page.statuses()[0]["mediaType"], "video");
    }
}

#[test]
fn a_picture_without_the_sound_that_was_announced_is_missed_where_reports_say_so() {
    let picture_alone = [2001, 2002, 2004, 2003];
    let mut page = watching(&[Media::Audio, Media::Video]);
    assert_eq!(play(&mut page, &picture_alone, |page| page.measure(15, 0, 7)), 1);
    assert_eq!(page.statuses()[0]["mediaType"], "audio");

    // Few clients tell of the first sound: that nothing is said means nothing.
    let mut page = watching(&[Media::Audio, Media::Video]);
    assert_eq!(play(&mut page, &picture_alone, |_| {}), 0);
    assert_eq!(page.statuses(), Vec::<Value>::new());
}

#[test]
fn whatever_shows_what_was_announced_is_left_alone() {
    let both = [Media::Audio, Media::Video];
    // The codes of clients of any age, and the frames that they report.
    for (media, codes, fps, audio) in [
        (&both[..], &[2001, 2002, 2007, 2004, 2003, 2026][..], 15, 46),
        (&both[..], &[2004], 15, 46),
        (&both[..], &[2001, 2002, 2004], 1, 46),
        (&both[..], &[], 15, 46),
        (&both[..], &[2001, 2003], 0, 46),
        (&both[..1], &SOUND_ALONE, 0, 46),
        (&both[..1], &[2001, 2004], 0, 46),
    ] {
        let mut page = watching(media);
        assert_eq!(play(&mut page, codes, |page| page.measure(fps, audio, 7)), 0, "{media:?} {codes:?}");
        assert_eq!(page.statuses(), Vec::<Value>::new(), "{media:?} {codes:?}");
    }
}

#[test]
fn no_picture_is_missed_that_was_not_promised() {
    // Not wanted; not published; muted; known to be stuck.
    for (wanted, joined, then) in [
        (&[Media::Audio][..], r#""audio_on":1,"video_on":1"#, ""),
        (&[Media::Audio, Media::Video], r#""audio_on":1,"video_on":0"#, ""),
        (&[Media::Audio, Media::Video], r#""audio_on":1,"video_on":1"#, MUTED),
        (&[Media::Audio, Media::Video], r#""audio_on":1,"video_on":1"#, STALLED),
    ] {
        let mut page = Page::new();
        page.stage.text(&format!(r#"{{"cmd":20,"body":{{"uid":7,"url":"rtmp://7",{joined}}}}}"#));
        if !then.is_empty() {
            page.stage.text(then);
        }
        subscribe_to_what_is_there(&mut page, wanted);
        assert_eq!(play(&mut page, &SOUND_ALONE, |page| page.measure(0, 46, 7)), 0, "{joined} {then}");
        assert_eq!(page.statuses(), Vec::<Value>::new(), "{joined} {then}");
    }
}

#[test]
fn a_picture_that_is_promised_later_is_missed_from_then_on() {
    for promise in [UNMUTED, FLOWS] {
        let mut page = watching_in(&[Media::Audio, Media::Video], &[MUTED, STALLED]);
        let first = play(&mut page, &SOUND_ALONE, |page| page.measure(0, 46, 7));
        page.stage.text(if promise == UNMUTED { FLOWS } else { UNMUTED });
        let second = play(&mut page, &SOUND_ALONE, |page| page.measure(0, 46, 7));
        page.stage.text(promise);
        let third = play(&mut page, &SOUND_ALONE, |page| page.measure(0, 46, 7));
        assert_eq!([first, second, third], [0, 0, 1]);
        assert_eq!(page.statuses()[0]["mediaType"], "video");
    }
}

#[test]
fn a_camera_that_was_seen_before_is_missed_only_where_reports_say_so() {
    for (fps, renewed) in [(Some(0), 1), (Some(15), 0), (None, 0)] {
        let mut page = watching(&[Media::Audio, Media::Video]);
        play(&mut page, &[2001, 2004, 2003], |page| page.measure(15, 46, 7));
        page.stage.text(MUTED);
        page.render();
        page.stage.run_alive_for(Duration::from_secs(20));
        page.stage.text(UNMUTED);
        // The connection is the one before, so no client tells of a first picture.
        let seen = play(&mut page, &[], |page| {
            if let Some(fps) = fps {
                page.measure(fps, 46, 7);
            }
        });
        assert_eq!(seen, renewed, "{fps:?}");
    }
}

#[test]
fn a_screen_that_is_shared_and_not_shown_is_pulled_again() {
    let mut page = Page::new();
    page.stage.text(r#"{"cmd":20,"body":{"uid":7,"url":"rtmp://a","screen_on":1,"screen_url":"rtmp://s"}}"#);
    page.subscribe(7, Media::ScreenShare);
    let key = page.render()["players[0]"]["key"].clone();
    for code in SOUND_ALONE {
        let told = json!({"code": code, "key": key});
        let arguments = json!(["pull", "bindstatechange", told, 7]).to_string();
        page.stage.call(Call::parse("dataReporter", &arguments).unwrap());
    }
    page.stage.run_alive_for(Duration::from_secs(5));
    assert_eq!(page.render()["players[0].key"], "player-2");
}

#[test]
fn what_was_missing_and_comes_is_told_when_it_is_missing_again() {
    let mut page = watching(&[Media::Audio, Media::Video]);
    play(&mut page, &SOUND_ALONE, |_| {});
    assert_eq!(page.statuses().len(), 1);
    page.report("pull", 2003, Some(7));
    page.report("pull", 2103, Some(7));
    assert_eq!(play(&mut page, &SOUND_ALONE, |_| {}), 1);
    assert_eq!(page.statuses().len(), 2);
}

#[test]
fn nothing_is_missed_in_the_background() {
    let mut page = watching(&[Media::Audio, Media::Video]);
    for code in SOUND_ALONE {
        page.report("pull", code, Some(7));
    }
    page.stage.run_alive_for(Duration::from_secs(2));
    page.stage.signal(AppSignal::Hidden);
    page.stage.run_alive_for(Duration::from_secs(4));
    page.stage.signal(AppSignal::Shown);
    page.stage.run_for(Duration::from_millis(1900));
    assert_eq!(page.render().get("players[0].key"), None, "four seconds of it were in the background");
    page.stage.run_for(Duration::from_millis(1200));
    assert_eq!(page.render()["players[0].key"], "player-2");
}

const MUTED: &str = r#"{"cmd":15,"body":{"uid":7,"mediaType":"video","mute":true}}"#;
const UNMUTED: &str = r#"{"cmd":15,"body":{"uid":7,"mediaType":"video","mute":false}}"#;
const STALLED: &str = r#"{"cmd":30,"body":{"uid":7,"mediaType":"video","status":"off"}}"#;
const FLOWS: &str = r#"{"cmd":30,"body":{"uid":7,"mediaType":"video","status":"on"}}"#;

/// A page that has subscribed to a member that publishes these.
fn watching(media: &[Media]) -> Page {
    watching_in(media, &[])
}

/// The same, where something was told of the member before.
fn watching_in(media: &[Media], told: &[&str]) -> Page {
    let mut page = Page::new();
    let on = |wanted: Media| u8::from(media.contains(&wanted));
    let (audio, video) = (on(Media::Audio), on(Media::Video));
    page.stage.text(&format!(
        r#"{{"cmd":20,"body":{{"uid":7,"url":"rtmp://7","audio_on":{audio},"video_on":{video}}}}}"#
    ));
    for text in told {
        page.stage.text(text);
    }
    subscribe_to_what_is_there(&mut page, media);
    page
}

fn subscribe_to_what_is_there(page: &mut Page, media: &[Media]) {
    for media in media {
        page.subscribe(7, *media);
    }
    page.render();
}

/// Eighteen seconds, in which each component of the player tells these codes once and then, now and
/// again, what `measure` makes of it; how often it was made anew.
fn play(page: &mut Page, codes: &[i32], measure: impl Fn(&mut Page)) -> usize {
    let mut renewed = 0;
    let mut is_new = true;
    for second in 0..18 {
        if std::mem::take(&mut is_new) {
            codes.iter().for_each(|code| page.report("pull", *code, Some(7)));
        }
        if second % 2 == 0 {
            measure(page);
        }
        page.stage.run_alive_for(Duration::from_secs(1));
        if page.render().get("players[0].key").is_some() {
            renewed += 1;
            is_new = true;
        }
    }
    renewed
}
