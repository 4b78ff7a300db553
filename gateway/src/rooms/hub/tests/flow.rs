//! What is told of media that stop and flow again.

use super::*;

#[test]
fn media_that_stop_and_flow_again_are_told_once_and_to_nobody_who_throws_on_it() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    let old = bench.open();
    bench.login(old, as_4_4_1, CAROL);
    bench.publish(bob, Media::Audio, true);
    bench.publish(bob, Media::ScreenShare, true);
    bench.notices(alice);
    let mut flow = |stream, is_live| {
        bench.input(HubInput::Flow(CID, BOB, stream, is_live));
        bench.notices(alice)
    };
    assert_eq!(flow(Stream::Main, false), [], "it has not begun");
    assert_eq!(flow(Stream::Main, true), []);
    for _ in 0..2 {
        let told = flow(Stream::Main, false);
        assert!(matches!(
            &told[..],
            [Notice::MediaStatus { uid: BOB, media: Media::Audio, status, url: Some(_) }] if status == "off"
        ));
        assert_eq!(flow(Stream::Main, false), [], "repeated");
        let told = flow(Stream::Main, true);
        assert!(matches!(&told[..], [Notice::MediaStatus { status, .. }] if status == "on"));
        assert_eq!(flow(Stream::Main, true), [], "repeated");
    }
    assert!(
        bench
            .notices(bob)
            .iter()
            .chain(&bench.notices(old))
            .all(|notice| { !matches!(notice, Notice::MediaStatus { .. }) })
    );
}

#[test]
fn who_comes_later_learns_what_has_stopped_and_a_medium_that_is_published_meanwhile_is_off_too() {
    let mut bench = Bench::new();
    let alice = bench.join(ALICE);
    let bob = bench.join(BOB);
    bench.publish(bob, Media::Audio, true);
    bench.input(HubInput::Flow(CID, BOB, Stream::Main, true));
    assert_eq!(bench.hub.rooms().next().unwrap().members[1].pushes, ["main"]);
    bench.input(HubInput::Flow(CID, BOB, Stream::Main, false));
    bench.notices(alice);
    bench.publish(bob, Media::Video, true);
    assert!(matches!(
        &bench.notices(alice)[..],
        [Notice::Published(..), Notice::MediaStatus { media: Media::Video, .. }]
    ));
    let carol = bench.join(CAROL);
    let entry = bench.userlist(carol).into_iter().find(|entry| entry.uid == BOB).unwrap();
    assert!(entry.stalled.contains(Media::Audio) && entry.stalled.contains(Media::Video));

    // What nobody publishes is not missed.
    for media in [Media::Audio, Media::Video] {
        bench.publish(bob, media, false);
    }
    bench.notices(alice);
    bench.publish(bob, Media::Audio, true);
    bench.input(HubInput::Flow(CID, BOB, Stream::Main, true));
    assert!(matches!(&bench.notices(alice)[..], [Notice::Published(..)]));
    bench.input(HubInput::Flow(CID, Uid(9), Stream::Main, false));
}
