//! Tracks that begin, end and tell time on their own, as players see them.

use crate::bench::*;

#[tokio::test]
async fn new_players_hear_of_a_microphone_or_camera_only_while_it_is_on() {
    for (case, kind, other, goes_on) in
        [("camera off", AUDIO, VIDEO, Track::Sound), ("microphone off", VIDEO, AUDIO, Track::Picture)]
    {
        let bench = Bench::start().await;
        let mut encoder = Encoder::start(&bench).await;
        for _ in 0..5 {
            encoder.send(Track::Sound).await;
            encoder.send(Track::Picture).await;
        }
        let mut player = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 2)).await;
        assert_eq!([player.tag().await.kind, player.tag().await.kind], [VIDEO, AUDIO], "{case}");

        let flags = if kind == AUDIO { 4 } else { 1 };
        let mut flv = loop {
            let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
            bench.until(|now| now.players == 2).await;
            encoder.send(goes_on).await;
            if player.begin().await == flags {
                break player;
            }
            drop(player);
            bench.until(|now| now.players == 1).await;
        };
        let mut rtmp = Client::play(&bench, "s", 4).await.unwrap();
        bench.until(|now| now.players == 3).await;
        for _ in 0..3 {
            encoder.send(goes_on).await;
        }
        for _ in 0..3 {
            assert_eq!(flv.tag().await.kind, kind, "{case}");
            assert_eq!(rtmp.next_media().await.0, kind, "{case}");
        }

        // What was off comes on again: its header first.
        let comes_on = if goes_on == Track::Sound { Track::Picture } else { Track::Sound };
        encoder.send(comes_on).await;
        let tag = loop {
            let tag = flv.tag().await;
            if tag.kind != kind {
                break tag;
            }
        };
        assert_eq!((tag.kind, tag.body[1]), (other, 0), "{case}");
        assert_eq!(flv.tag().await.kind, other, "{case}");
        while rtmp.next_media().await.0 != other {}
    }
}

#[tokio::test]
async fn clocks_an_hour_apart_are_one_for_players() {
    let bench = Bench::start().await;
    let mut encoder = Encoder::start(&bench).await;
    encoder.sound_clock = 3_600_000;
    let mut flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let mut rtmp = Client::play(&bench, "s", 3).await.unwrap();
    bench.until(|now| now.players == 2).await;
    for step in 0..100 {
        // Half-way, the camera's clock starts over.
        if step == 50 {
            encoder.picture_clock = 0;
        }
        encoder.send(Track::Picture).await;
        encoder.send(Track::Sound).await;
    }
    flv.begin().await;
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let (kind, time, body) = rtmp.next_media().await;
        if body[1] == 1 {
            seen.push((kind, time));
        }
    }
    for (track, seams) in [(AUDIO, 0), (VIDEO, 1)] {
        let times = seen.iter().filter(|(kind, _)| *kind == track).map(|(_, time)| *time);
        let times: Vec<_> = times.collect();
        let steps = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let odd: Vec<_> = steps.filter(|step| *step != 40).collect();
        assert!(odd.len() <= seams && odd.iter().all(|step| *step < 1_000), "{track}: {odd:?}");
    }
    let mut last = 0;
    for _ in 0..100 {
        let tag = flv.tag().await;
        assert!(tag.timestamp.abs_diff(last) < 1_000, "{} after {last}", tag.timestamp);
        last = tag.timestamp;
    }
}

/// A publisher that sends what it is told to, in steps of its own clocks.
struct Encoder {
    client: Client,
    sound_clock: u32,
    picture_clock: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Track {
    Sound,
    Picture,
}

impl Encoder {
    async fn start(bench: &Bench) -> Self {
        let mut client = Client::publish(bench, "s", 1).await.unwrap();
        client.send(b"\x17\0\0\0\0CONF", 0).await;
        client.send_sound(b"\xaf\0CONF", 0).await;
        Self { client, sound_clock: 0, picture_clock: 0 }
    }

    async fn send(&mut self, track: Track) {
        match track {
            Track::Sound => {
                self.client.send_sound(b"\xaf\x01sound", self.sound_clock).await;
                self.sound_clock += 40;
            }
            Track::Picture => {
                self.client.send(KEY, self.picture_clock).await;
                self.picture_clock += 40;
            }
        }
    }
}

const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
