//! The built-in media engine over loopback sockets, with ffmpeg as the phones.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use nertc_gateway::embedded::{Embedded, EmbeddedConfig};
use nertc_gateway::listener::Listener;
use nertc_gateway::media::{Admission, Guests, MediaEngine as _, MediaStatistics, Refusal};
use nertc_gateway::token::{Action, GrantError, Grants, Holder, Secret};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use rml_rtmp::time::RtmpTimestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

#[tokio::test]
async fn a_call_moves_pictures_and_sound_over_rtmp_and_flv() {
    let bench = Bench::start().await;
    let _pusher = push(&bench.push_url("s", 1));
    let (by_rtmp, by_flv) =
        tokio::join!(decode(bench.pull_url("s", 2), 30), decode(bench.flv_url("s", 3), 30));
    for seen in [by_rtmp, by_flv] {
        assert_eq!(seen.frames.len(), 30);
        assert!(seen.moves(), "the picture stands still");
        assert!(seen.loudness > -40.0, "{} dB is silence", seen.loudness);
    }
    assert!(bench.media.statistics().bytes_out > 0);
}

#[tokio::test]
async fn players_that_come_first_start_when_the_publisher_comes() {
    let bench = Bench::start().await;
    let players = [bench.pull_url("s", 2), bench.flv_url("s", 3)].map(|url| {
        let player = decode(url, 10);
        tokio::spawn(player)
    });
    bench.until(|now| now.players == 2).await;
    let _pusher = push(&bench.push_url("s", 1));
    for player in players {
        assert!(player.await.unwrap().moves());
    }
}

#[tokio::test]
async fn a_late_player_starts_with_the_headers_and_a_key_frame() {
    let bench = Bench::start().await;
    let _pusher = push(&bench.push_url("s", 1));
    // Past the first key frame, so that starting at the latest packet would not be enough.
    bench.until(|now| now.bytes_in > 60_000).await;
    let mut player = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let kinds = [player.tag().await, player.tag().await, player.tag().await].map(|tag| tag.kind);
    assert_eq!(kinds, [18, 9, 8]);
    let first = player.tag().await;
    assert_eq!((first.kind, first.body[0], first.body[1]), (9, 0x17, 1));
    assert_eq!(first.timestamp, 0);

    let packets = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=flags"])
        .args(["-read_intervals", "%+#1", "-of", "csv=p=0", &bench.pull_url("s", 3)])
        .output();
    let packets = within("ffprobe", packets).await.expect(NO_FFMPEG);
    let flags = String::from_utf8(packets.stdout).unwrap();
    assert!(flags.starts_with('K'), "{flags}");
}

#[tokio::test]
async fn a_bad_grant_is_refused_for_rtmp_publish_before_any_media() {
    let bench = Bench::start().await;
    for (case, grant) in bench.bad_grants(Action::Publish) {
        let url = bench.media.push_url("s", &grant);
        let refused = output(push(&url)).await;
        assert!(!refused.success, "{case}");
        assert!(refused.says("Server error: "), "{case}: {}", refused.text);
        assert_eq!(bench.media.statistics(), MediaStatistics::default(), "{case}");
    }
}

#[tokio::test]
async fn a_bad_grant_is_refused_for_rtmp_play_before_any_media() {
    let bench = Bench::start().await;
    let _publisher = Client::publish(&bench, "s", 1).await.unwrap();
    for (case, grant) in bench.bad_grants(Action::Play) {
        let url = bench.media.pull_url("s", &grant);
        let player = ffmpeg().args(["-i", &url, "-f", "null", "-"]).spawn();
        let refused = output(player.expect(NO_FFMPEG)).await;
        assert!(!refused.success, "{case}");
        assert!(refused.says("Server error: "), "{case}: {}", refused.text);
        let now = bench.media.statistics();
        assert_eq!((now.players, now.bytes_out), (0, 0), "{case}");
    }
}

#[tokio::test]
async fn a_bad_grant_is_refused_for_flv_play_before_any_media() {
    let bench = Bench::start().await;
    let _publisher = Client::publish(&bench, "s", 1).await.unwrap();
    for (case, grant) in bench.bad_grants(Action::Play) {
        let path = format!("/live/s.flv?grant={grant}");
        let (head, body) = get(bench.flv_addr, &path).await;
        assert!(head.starts_with("HTTP/1.0 403"), "{case}: {head}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["code"], 403, "{case}");
        assert!(body["reason"].is_string(), "{case}");
        let now = bench.media.statistics();
        assert_eq!((now.players, now.bytes_out), (0, 0), "{case}");
    }
    for path in ["/live/s", "/live/.flv", "/live/a%20b.flv"] {
        let (head, _) = get(bench.flv_addr, path).await;
        assert!(head.starts_with("HTTP/1.0 404"), "{path}: {head}");
    }
}

#[tokio::test]
async fn a_player_goes_on_when_its_publisher_comes_back() {
    let bench = Bench::start().await;
    let mut first = push(&bench.push_url("s", 1));
    let mut player = Frames::open(&bench.pull_url("s", 2));
    let mut frames = vec![player.next().await];
    while frames.len() < 15 {
        frames.push(player.next().await);
    }
    first.kill().await.unwrap();
    bench.until(|now| now.publishers == 0).await;
    assert_eq!(bench.media.statistics().players, 1);
    // Whatever the player still had is far less than what it must show now.
    let _second = push(&bench.push_url("s", 1));
    bench.until(|now| now.publishers == 1).await;
    while frames.len() < 90 {
        frames.push(player.next().await);
    }
    let times: Vec<i64> = frames.iter().map(|frame| frame.time).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn the_same_holder_replaces_its_connection_and_another_is_refused() {
    let bench = Bench::start().await;
    let mut old = Client::publish(&bench, "s", 1).await.unwrap();
    old.send(KEY, 0).await;
    let refused = Client::publish(&bench, "s", 2).await.err().unwrap();
    assert_eq!(refused, "NetStream.Publish.Denied");
    let mut new = Client::publish(&bench, "s", 1).await.unwrap();
    old.closed().await;
    let before = bench.media.statistics().bytes_in;
    new.send(KEY, 0).await;
    bench.until(|now| now.bytes_in > before).await;
    assert_eq!(bench.media.statistics().publishers, 1);
}

#[tokio::test]
async fn ending_a_stream_disconnects_its_publisher_and_players() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut by_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut by_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
    bench.until(|now| now.players == 2).await;
    bench.media.end_stream("s");
    publisher.closed().await;
    by_rtmp.closed().await;
    by_flv.closed().await;
    assert_eq!(bench.media.statistics().streams, 0);
}

#[tokio::test]
async fn a_good_grant_is_worth_nothing_outside_the_room() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut by_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut by_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 2)).await;
    let _other = Client::play(&bench, "s", 3).await.unwrap();
    bench.until(|now| now.players == 3).await;
    bench.media.review(2);
    assert_eq!(bench.media.statistics().players, 3, "still in the room");

    *bench.stranger.lock().unwrap() = Some(2);
    bench.media.review(2);
    by_rtmp.closed().await;
    by_flv.closed().await;
    assert_eq!(Client::play(&bench, "s", 2).await.err().unwrap(), "NetStream.Play.Failed");
    let (head, _) = get(bench.flv_addr, &bench.flv_path("s", 2)).await;
    assert!(head.starts_with("HTTP/1.0 403"), "{head}");
    let now = bench.media.statistics();
    assert_eq!((now.publishers, now.players), (1, 1), "the others go on");

    *bench.stranger.lock().unwrap() = Some(1);
    bench.media.review(1);
    publisher.closed().await;
    assert_eq!(Client::publish(&bench, "s", 1).await.err().unwrap(), "NetStream.Publish.Denied");
}

#[tokio::test]
async fn a_slow_player_is_dropped_and_the_others_miss_nothing() {
    let bench = Bench::start_with(|config| {
        config.limits.stalled = Duration::from_secs(4);
        config.limits.broker.cached_packets = 50;
        config.limits.broker.cached_bytes = 1 << 20;
        config.limits.broker.queued_bytes = 8 << 20;
    })
    .await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    let mut slow_rtmp = Client::play(&bench, "s", 2).await.unwrap();
    let mut slow_flv = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 3)).await;
    let mut quick = FlvReader::open(bench.flv_addr, &bench.flv_path("s", 4)).await;
    let (progress, mut read) = watch::channel(0);
    let reading = tokio::spawn(async move {
        let mut last = quick.tag().await.timestamp;
        while last < 59_000 {
            let tag = quick.tag().await;
            assert!(tag.timestamp <= last + 40, "{} after {last}", tag.timestamp);
            last = tag.timestamp;
            progress.send_replace(last);
        }
        quick
    });
    bench.until(|now| now.players == 3).await;

    // 150 MB, more than the sockets of the slow ones can swallow, at the pace of the quick one.
    let body = [KEY, &[0; 100_000]].concat();
    for timestamp in (0..60_000).step_by(40) {
        publisher.send(&body, timestamp).await;
        let keeps_up = read.wait_for(|read| timestamp < read + 1000);
        within("the quick player", keeps_up).await.unwrap();
    }
    let _quick = within("the quick player", reading).await.unwrap();
    publisher.keep_sending_until(&bench, |now| now.players == 1).await;
    assert!(bench.media.statistics().dropped > 0);
    slow_rtmp.closed().await;
    slow_flv.closed().await;
}

#[tokio::test]
async fn garbage_on_the_rtmp_port_harms_nobody() {
    let bench = Bench::start().await;
    let mut seed = 1_u32;
    for round in 0..30 {
        let mut socket = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
        let mut bytes = vec![3; if round % 2 == 0 { 1 } else { 1 + 2 * 1536 }];
        bytes.extend((0..5000).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        }));
        // The server may close before all of it is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = within("the close", socket.read_to_end(&mut answer)).await;
    }
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.send(KEY, 0).await;
    bench.until(|now| now.bytes_in > 0).await;
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    let bench = Bench::start_with(|config| {
        config.limits.negotiation = Duration::from_secs(2);
        config.limits.idle_publisher = Duration::from_millis(600);
        config.limits.idle_player = Duration::from_millis(300);
    })
    .await;
    let mut silent = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
    assert_eq!(within("the close", silent.read(&mut [0; 1])).await.unwrap(), 0);
    let mut player = FlvReader::request(bench.flv_addr, &bench.flv_path("s", 1)).await;
    player.closed().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    publisher.closed().await;
    bench.until(|now| now.streams == 0).await;
}

#[tokio::test]
async fn everything_has_a_limit() {
    let bench = Bench::start_with(|config| {
        config.limits.connections = 2;
        config.limits.message_bytes = 1000;
        config.limits.broker.players_per_stream = 1;
        config.limits.broker.waiting_players = 1;
        config.limits.broker.streams = 2;
    })
    .await;
    let status = async |path: String| {
        let mut reader = FlvReader::request(bench.flv_addr, &path).await;
        (reader.status().await, reader)
    };
    let (first, _waiting) = status(bench.flv_path("a", 1)).await;
    assert_eq!(first, 200);
    assert_eq!(status(bench.flv_path("b", 1)).await.0, 503, "waiting players");
    assert_eq!(status(bench.flv_path("a", 2)).await.0, 503, "players of a stream");

    let mut publisher = Client::publish(&bench, "b", 1).await.unwrap();
    let full = Client::publish(&bench, "c", 1).await.err().unwrap();
    assert_eq!(full, "NetStream.Publish.Denied", "streams");

    let _other = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
    let mut third = TcpStream::connect(bench.media.rtmp_addr()).await.unwrap();
    assert_eq!(within("the close", third.read(&mut [0; 1])).await.unwrap(), 0);

    // A limit below that for commands holds for media only from the first media message on.
    publisher.send(&[KEY, &[0; 1000]].concat(), 0).await;
    publisher.closed().await;
}

#[tokio::test]
async fn shutting_down_closes_everything_soon() {
    let bench = Bench::start().await;
    let mut publisher = Client::publish(&bench, "s", 1).await.unwrap();
    let mut player = Client::play(&bench, "s", 2).await.unwrap();
    let mut waiting = FlvReader::request(bench.flv_addr, &bench.flv_path("t", 3)).await;
    bench.until(|now| now.players == 2).await;
    within("the shutdown", bench.media.shutdown()).await;
    publisher.closed().await;
    player.closed().await;
    waiting.closed().await;
    assert!(TcpStream::connect(bench.media.rtmp_addr()).await.is_err());
    let (head, _) = get(bench.flv_addr, &bench.flv_path("s", 2)).await;
    assert!(head.starts_with("HTTP/1.0 503"), "{head}");
}

/// An engine, an HTTP server around its router, and what issues grants.
struct Bench {
    media: Embedded,
    grants: Arc<Grants>,
    flv_addr: SocketAddr,
    /// The one user that is not in the room.
    stranger: Arc<Mutex<Option<u64>>>,
}

impl Bench {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut EmbeddedConfig)) -> Self {
        let grants = Arc::new(Grants::new(Secret::random().unwrap()));
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flv_addr = http.local_addr().unwrap();
        let mut config =
            EmbeddedConfig { listen: "127.0.0.1:0".parse().unwrap(), ..EmbeddedConfig::default() };
        change(&mut config);
        let stranger = Arc::new(Mutex::new(None::<u64>));
        let guests = Arc::new(Everybody { stranger: Arc::clone(&stranger) });
        let media = Embedded::start(config, Arc::clone(&grants), guests).await.unwrap();
        let http = Listener::new(http, Duration::from_secs(5));
        let router = media.flv_router();
        tokio::spawn(async move { axum::serve(http, router).await });
        Self { media, grants, flv_addr, stranger }
    }

    fn grant(&self, action: Action, stream: &str, uid: u64) -> String {
        self.grants.issue(action, stream, uid, NOW + 1)
    }

    fn push_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Publish, stream, uid);
        self.media.push_url(stream, &grant)
    }

    fn pull_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        self.media.pull_url(stream, &grant)
    }

    fn flv_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        format!("http://{}/live/{stream}.flv?grant={grant}", self.flv_addr)
    }

    fn flv_path(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        format!("/live/{stream}.flv?grant={grant}")
    }

    /// Every way a grant for `action` with stream "s" can be wrong.
    fn bad_grants(&self, action: Action) -> Vec<(&'static str, String)> {
        let other_action = match action {
            Action::Publish => Action::Play,
            Action::Play => Action::Publish,
        };
        let stranger = Grants::new(Secret::random().unwrap());
        vec![
            ("forged", stranger.issue(action, "s", 1, NOW + 1)),
            ("expired", self.grants.issue(action, "s", 1, NOW)),
            ("for another stream", self.grant(action, "t", 1)),
            ("for another action", self.grant(other_action, "s", 1)),
            ("malformed", "x".to_owned()),
            ("missing", String::new()),
        ]
    }

    async fn until(&self, condition: impl Fn(MediaStatistics) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self.media.statistics()) {
            assert!(Instant::now() < deadline, "still {:?}", self.media.statistics());
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A guest list with everybody but one on it.
struct Everybody {
    stranger: Arc<Mutex<Option<u64>>>,
}

impl Guests for Everybody {
    fn welcomes(&self, _: Action, _: &str, uid: u64) -> bool {
        *self.stranger.lock().unwrap() != Some(uid)
    }

    fn admits(&self, action: Action, stream: &str, holder: Holder) -> Admission {
        if holder.expires_ms <= NOW {
            Admission::Refused(GrantError::Expired.into())
        } else if self.welcomes(action, stream, holder.uid) {
            Admission::Granted
        } else {
            Admission::Refused(Refusal::NotAGuest)
        }
    }
}

/// An RTMP client for what ffmpeg cannot be made to do.
struct Client {
    socket: TcpStream,
    session: ClientSession,
}

impl Client {
    async fn publish(bench: &Bench, stream: &str, uid: u64) -> Result<Self, String> {
        let key = format!("{stream}?grant={}", bench.grant(Action::Publish, stream, uid));
        let mut client = Self::connect(bench.media.rtmp_addr()).await;
        let request = client.session.request_publishing(key, PublishRequestType::Live);
        client.write(request.unwrap()).await;
        client.event(ClientSessionEvent::PublishRequestAccepted).await?;
        Ok(client)
    }

    async fn play(bench: &Bench, stream: &str, uid: u64) -> Result<Self, String> {
        let key = format!("{stream}?grant={}", bench.grant(Action::Play, stream, uid));
        let mut client = Self::connect(bench.media.rtmp_addr()).await;
        let request = client.session.request_playback(key);
        client.write(request.unwrap()).await;
        client.event(ClientSessionEvent::PlaybackRequestAccepted).await?;
        Ok(client)
    }

    async fn connect(addr: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        let mut handshake = Handshake::new(PeerType::Client);
        let hello = handshake.generate_outbound_p0_and_p1().unwrap();
        socket.write_all(&hello).await.unwrap();
        let rest = loop {
            let mut buffer = [0; 4096];
            let read = within("the handshake", socket.read(&mut buffer)).await.unwrap();
            assert_ne!(read, 0, "closed during the handshake");
            match handshake.process_bytes(&buffer[..read]).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    socket.write_all(&response_bytes).await.unwrap();
                }
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    socket.write_all(&response_bytes).await.unwrap();
                    break remaining_bytes;
                }
            }
        };
        let (session, results) = ClientSession::new(ClientSessionConfig::new()).unwrap();
        let mut client = Self { socket, session };
        for result in results {
            client.write(result).await;
        }
        assert!(rest.is_empty());
        let request = client.session.request_connection("live".to_owned());
        client.write(request.unwrap()).await;
        client.event(ClientSessionEvent::ConnectionRequestAccepted).await.unwrap();
        client
    }

    /// Waits for an event, or fails with the code of the status that came instead.
    async fn event(&mut self, wanted: ClientSessionEvent) -> Result<(), String> {
        loop {
            let mut buffer = [0; 4096];
            let read = within("an answer", self.socket.read(&mut buffer)).await.unwrap();
            assert_ne!(read, 0, "closed while waiting for {wanted:?}");
            let mut found = false;
            for result in self.session.handle_input(&buffer[..read]).unwrap() {
                match result {
                    ClientSessionResult::RaisedEvent(event) if event == wanted => found = true,
                    ClientSessionResult::RaisedEvent(ClientSessionEvent::UnhandleableOnStatusCode {
                        code,
                    }) if code != "NetStream.Play.Reset" => return Err(code),
                    ClientSessionResult::RaisedEvent(_)
                    | ClientSessionResult::UnhandleableMessageReceived(_) => {}
                    response @ ClientSessionResult::OutboundResponse(_) => {
                        self.write(response).await;
                    }
                }
            }
            if found {
                return Ok(());
            }
        }
    }

    async fn send(&mut self, body: &[u8], timestamp: u32) {
        let (body, time) = (Bytes::copy_from_slice(body), RtmpTimestamp::new(timestamp));
        let packet = self.session.publish_video_data(body, time, false);
        self.write(packet.unwrap()).await;
    }

    async fn keep_sending_until(&mut self, bench: &Bench, condition: impl Fn(MediaStatistics) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut timestamp = 60_000;
        while !condition(bench.media.statistics()) {
            assert!(Instant::now() < deadline, "still {:?}", bench.media.statistics());
            timestamp += 40;
            self.send(KEY, timestamp).await;
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn write(&mut self, result: ClientSessionResult) {
        if let ClientSessionResult::OutboundResponse(packet) = result {
            // The server may have closed; whoever cares about that looks at what it said.
            let _ = within("a write", self.socket.write_all(&packet.bytes)).await;
        }
    }

    async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close too.
        let _ = within("the close", self.socket.read_to_end(&mut rest)).await;
    }
}

/// An HTTP-FLV player that looks at the tags.
struct FlvReader {
    stream: BufReader<TcpStream>,
}

struct Tag {
    kind: u8,
    timestamp: u32,
    body: Vec<u8>,
}

impl FlvReader {
    /// HTTP/1.0, so that the body comes without chunk sizes in between.
    async fn request(addr: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut socket = socket.connect(addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nhost: {addr}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { stream: BufReader::new(socket) }
    }

    async fn open(addr: SocketAddr, path: &str) -> Self {
        let mut reader = Self::request(addr, path).await;
        assert_eq!(reader.status().await, 200);
        assert_eq!(reader.bytes(3).await, b"FLV");
        reader.bytes(10).await;
        reader
    }

    async fn status(&mut self) -> u16 {
        let mut status = None;
        loop {
            let mut line = String::new();
            within("a header", self.stream.read_line(&mut line)).await.unwrap();
            if line.trim().is_empty() {
                return status.unwrap();
            }
            status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
        }
    }

    async fn tag(&mut self) -> Tag {
        let header = self.bytes(11).await;
        let mut rest = &header[..];
        let kind = rest.get_u8();
        let length = rest.get_uint(3) as usize;
        let timestamp = rest.get_uint(3) as u32 | u32::from(rest.get_u8()) << 24;
        let mut body = self.bytes(length + 4).await;
        body.truncate(length);
        Tag { kind, timestamp, body }
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        within("media", self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close too.
        let _ = within("the close", self.stream.read_to_end(&mut rest)).await;
    }
}

async fn get(addr: SocketAddr, path: &str) -> (String, String) {
    let mut reader = FlvReader::request(addr, path).await;
    let mut answer = String::new();
    within("an answer", reader.stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase().replacen("http", "HTTP", 1), body.to_owned())
}

/// What a player saw and heard.
struct Seen {
    frames: Vec<Frame>,
    loudness: f64,
}

#[derive(PartialEq)]
struct Frame {
    time: i64,
    hash: String,
}

impl Seen {
    fn moves(&self) -> bool {
        self.frames.windows(2).all(|pair| pair[0].hash != pair[1].hash)
    }
}

/// Plays a URL until so many frames and half a second of sound are decoded.
async fn decode(url: String, frames: u32) -> Seen {
    let player = ffmpeg()
        .args(["-i", &url, "-map", "0:v", "-frames:v", &frames.to_string(), "-f", "framemd5", "-"])
        .args(["-map", "0:a", "-t", "0.5", "-af", "volumedetect", "-f", "null", "-"])
        .spawn();
    let played = output(player.expect(NO_FFMPEG)).await;
    assert!(played.success, "{}", played.text);
    let loudness = played.text.split("mean_volume: ").nth(1);
    let loudness = loudness.and_then(|rest| rest.split(' ').next()?.parse().ok());
    Seen {
        frames: played.text.lines().filter_map(frame).collect(),
        loudness: loudness.unwrap_or_else(|| panic!("no sound: {}", played.text)),
    }
}

/// Frames as they are decoded.
struct Frames {
    lines: Lines<BufReader<ChildStdout>>,
    _player: Child,
}

impl Frames {
    fn open(url: &str) -> Self {
        let player = ffmpeg()
            .args(["-fflags", "nobuffer", "-i", url, "-map", "0:v", "-vsync", "passthrough"])
            .args(["-flush_packets", "1", "-f", "framemd5", "-"])
            .spawn();
        let mut player = player.expect(NO_FFMPEG);
        Self { lines: BufReader::new(player.stdout.take().unwrap()).lines(), _player: player }
    }

    async fn next(&mut self) -> Frame {
        loop {
            let line = within("a frame", self.lines.next_line()).await.unwrap();
            if let Some(frame) = frame(&line.expect("the player goes on")) {
                return frame;
            }
        }
    }
}

/// `stream, dts, pts, duration, size, hash`
fn frame(line: &str) -> Option<Frame> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    let &["0", _, time, _, _, hash] = &fields[..] else {
        return None;
    };
    Some(Frame { time: time.parse().ok()?, hash: hash.to_owned() })
}

/// A phone that shows a moving test picture and plays a tone.
fn push(url: &str) -> Child {
    let pusher = ffmpeg()
        .args(["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args(["-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast"])
        .args(["-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "400k"])
        .args(["-c:a", "aac", "-b:a", "64k", "-f", "flv", url])
        .spawn();
    pusher.expect(NO_FFMPEG)
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-loglevel", "info", "-nostats", "-threads", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Ran {
    success: bool,
    text: String,
}

impl Ran {
    fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

async fn output(child: Child) -> Ran {
    let output = within("ffmpeg", child.wait_with_output()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    Ran { success: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

const NOW: u64 = 1_700_000_000_000;
/// An AVC key frame of no particular picture.
const KEY: &[u8] = &[0x17, 1, 0, 0, 0];
/// Far more than anything here takes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);
const NO_FFMPEG: &str = "these tests need ffmpeg with libx264 on the PATH (apt install ffmpeg)";
