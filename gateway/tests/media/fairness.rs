//! Nobody takes more than its share, of places or of time.

use std::time::Duration;

use nertc_gateway::media::MediaEngine as _;
use tokio::time::Instant;

use crate::bench::*;

#[tokio::test]
async fn one_user_has_a_few_places_on_a_stream_and_its_oldest_goes_for_one_more() {
    let bench = Bench::start_with(|config| config.limits.broker.players_per_stream = 5).await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    let mut other = Client::play(&bench, "s", 3).await.unwrap();
    let mut greedy = Vec::new();
    for _ in 0..20 {
        greedy.push(Client::play(&bench, "s", 2).await.unwrap());
    }
    assert_eq!(bench.media.statistics().players, 5);
    for old in &mut greedy[..16] {
        old.closed().await;
    }
    publisher.send(KEY, 40).await;
    for player in greedy[16..].iter_mut().chain([&mut other]) {
        player.next_media().await;
    }
}

#[tokio::test]
async fn who_comes_late_finds_a_place_though_others_have_taken_all_of_them() {
    let bench = Bench::start_with(|config| {
        config.limits.broker.players = 12;
        config.limits.broker.waiting_players = 12;
    })
    .await;
    let mut greedy = Vec::new();
    for stream in ["a", "b", "c"] {
        for _ in 0..4 {
            greedy.push(Client::play(&bench, stream, 1).await.unwrap());
        }
    }
    let mut late = Vec::new();
    for holder in 2..8 {
        late.push(Client::play(&bench, "s", holder).await.unwrap());
    }
    assert_eq!(bench.media.statistics().players, 12);
    for old in &mut greedy[..6] {
        old.closed().await;
    }
    // Whoever has one asks for no more than that of anybody, until nobody has two.
    for holder in 8..13 {
        late.push(Client::play(&bench, "s", holder).await.unwrap());
    }
    let full = Client::play(&bench, "s", 13).await.err().unwrap();
    assert_eq!(full, "NetStream.Play.Failed");
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    for player in &mut late {
        player.next_media().await;
    }
}

#[tokio::test]
async fn a_publisher_that_sends_too_much_is_read_no_faster_and_closed_if_it_goes_on() {
    const RATE: u64 = 200;
    let bench = Bench::start_with(|config| {
        config.limits.messages_per_second = RATE;
        config.limits.burst = Duration::from_secs(1);
        config.limits.excess = Duration::from_secs(2);
    })
    .await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = Client::play(&bench, "s", 2).await.unwrap();
    let begun = Instant::now();
    let flood = chunk(4, 8, b"\xaf\x01").repeat(5000);
    let mut written = 0;
    // It stops where nothing is taken any more: at the end.
    while tokio::io::AsyncWriteExt::write_all(&mut publisher.socket, &flood).await.is_ok() {
        written += 5000;
        assert!(written < 10_000_000, "everything is taken");
    }
    let taken = bench.media.statistics().bytes_in / 2;
    let most = RATE * (2 + begun.elapsed().as_secs()) + 64;
    assert!((RATE..most).contains(&taken), "{taken} of {written}, at most {most}");
    assert_eq!(player.next_media().await.0, 8);
}

#[tokio::test]
async fn questions_that_are_no_media_count_too() {
    const RATE: u64 = 100;
    let bench = Bench::start_with(|config| {
        config.limits.messages_per_second = RATE;
        config.limits.burst = Duration::from_secs(1);
        config.limits.excess = Duration::from_secs(1);
        config.limits.negotiation = Duration::from_secs(3);
    })
    .await;
    let ping = chunk(2, 4, b"\0\x06abcd").repeat(5000);
    let stranger = Client::connect(bench.media.rtmp_addr()).await;
    let player = Client::play(&bench, "s", 2).await.unwrap();
    let publisher = Client::publish(&bench, "s", 1).await.unwrap();
    for (who, client) in [("stranger", stranger), ("player", player), ("publisher", publisher)] {
        let (mut reading, mut writing) = client.socket.into_split();
        let asking =
            async { while tokio::io::AsyncWriteExt::write_all(&mut writing, &ping).await.is_ok() {} };
        let answers = async {
            let mut answers = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answers).await;
            answers.windows(4).filter(|bytes| bytes == b"abcd").count()
        };
        let ((), answers) = within("the close", async { tokio::join!(asking, answers) }).await;
        // What one read brings is answered at once, and paid for after.
        assert!((1..8_000).contains(&answers), "{who}: {answers}");
    }
}

#[tokio::test]
async fn an_encoder_whose_stream_ends_hears_of_it_and_its_pipe_does_not_break() {
    let bench = Bench::start().await;
    for how in ["its member has left", "another takes over", "the stream is ended"] {
        let encoder = push(&bench.push_url("s", 1));
        bench.until(|now| now.publishers == 1 && now.bytes_in > 0).await;
        let mut successor = None;
        if how == "its member has left" {
            *bench.stranger.lock().unwrap() = Some(1);
            bench.media.review(1);
            *bench.stranger.lock().unwrap() = None;
        } else if how == "another takes over" {
            successor = Some(Client::publish(&bench, "s", 1).await.unwrap());
        } else {
            bench.media.end_stream("s");
        }
        let ended = output(encoder).await;
        assert!(ended.says("cut off or replaced"), "{how}: {}", ended.text);
        for broken in ["Broken pipe", "reset by peer"] {
            assert!(!ended.says(broken), "{how}: {}", ended.text);
        }
        drop(successor);
        bench.until(|now| now.publishers == 0).await;
    }
}

#[tokio::test]
async fn what_an_encoder_still_sends_when_it_is_let_go_is_taken() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    bench.until(|now| now.bytes_in > 0).await;
    bench.media.end_stream("s");
    // A second of a very good picture, all of it after the end.
    for _ in 0..60 {
        publisher.write_raw(&chunk(6, 9, &[0x27; 120])).await;
    }
    let words = publisher.last_words().await;
    let said = |text: &str| words.find(text).unwrap_or_else(|| panic!("no {text} in {words}"));
    assert!(said("NetStream.Unpublish.Success") < said("NetStream.Publish.Denied"));
}

/// A message that is one chunk on a stream of its own.
fn chunk(id: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap();
    [&[id, 0, 0, 0, 0, 0, length, kind, 1, 0, 0, 0], body].concat()
}
