//! The engine on loopback sockets, and the peers that speak to it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use nertc_gateway::door::listener::Listener;
use nertc_gateway::media::embedded::{Embedded, EmbeddedConfig};
use nertc_gateway::media::{MediaEngine as _, MediaStatistics};
use nertc_gateway::rights::{Action, Admission, Authorizer, GrantError, Grants, Holder, Privileges, Secret};
use nertc_gateway::vital::Vital;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use rml_rtmp::time::RtmpTimestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

/// An engine, an HTTP server around its router, and what issues grants.
pub(crate) struct Bench {
    pub(crate) media: Embedded,
    pub(crate) grants: Arc<Grants>,
    pub(crate) flv_addr: SocketAddr,
    /// The one user that is not in the room.
    pub(crate) stranger: Arc<Mutex<Option<u64>>>,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut EmbeddedConfig)) -> Self {
        let grants = Arc::new(Grants::new(Secret::random().unwrap()));
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flv_addr = http.local_addr().unwrap();
        let mut config =
            EmbeddedConfig { listen: "127.0.0.1:0".parse().unwrap(), ..EmbeddedConfig::default() };
        change(&mut config);
        let stranger = Arc::new(Mutex::new(None::<u64>));
        let authorizer = Arc::new(Everybody { stranger: Arc::clone(&stranger) });
        let media =
            Embedded::start(config, Arc::clone(&grants), authorizer, &Vital::default()).await.unwrap();
        let http = Listener::new(http, Duration::from_secs(5));
        let router = media.flv_router();
        tokio::spawn(async move { axum::serve(http, router).await });
        Self { media, grants, flv_addr, stranger }
    }

    pub(crate) fn grant(&self, action: Action, stream: &str, uid: u64) -> String {
        self.grants.issue(action, stream, uid, NOW + 1)
    }

    pub(crate) fn push_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Publish, stream, uid);
        self.media.push_url(stream, &grant)
    }

    pub(crate) fn pull_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        self.media.pull_url(stream, &grant)
    }

    pub(crate) fn flv_url(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        format!("http://{}/live/{stream}.flv?grant={grant}", self.flv_addr)
    }

    pub(crate) fn flv_path(&self, stream: &str, uid: u64) -> String {
        let grant = self.grant(Action::Play, stream, uid);
        format!("/live/{stream}.flv?grant={grant}")
    }

    /// Every way a grant for `action` with stream "s" can be wrong.
    pub(crate) fn bad_grants(&self, action: Action) -> Vec<(&'static str, String)> {
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

    pub(crate) async fn until(&self, condition: impl Fn(MediaStatistics) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self.media.statistics()) {
            assert!(Instant::now() < deadline, "still {:?}", self.media.statistics());
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// An RTMP client for what ffmpeg cannot be made to do.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) session: ClientSession,
    events: VecDeque<ClientSessionEvent>,
}

impl Client {
    pub(crate) async fn publish(bench: &Bench, stream: &str, uid: u64) -> Result<Self, String> {
        let key = format!("{stream}?grant={}", bench.grant(Action::Publish, stream, uid));
        let mut client = Self::connect(bench.media.rtmp_addr()).await;
        let request = client.session.request_publishing(key, PublishRequestType::Live);
        client.write(request.unwrap()).await;
        client.event(ClientSessionEvent::PublishRequestAccepted).await?;
        Ok(client)
    }

    pub(crate) async fn play(bench: &Bench, stream: &str, uid: u64) -> Result<Self, String> {
        let key = format!("{stream}?grant={}", bench.grant(Action::Play, stream, uid));
        let mut client = Self::connect(bench.media.rtmp_addr()).await;
        let request = client.session.request_playback(key);
        client.write(request.unwrap()).await;
        client.event(ClientSessionEvent::PlaybackRequestAccepted).await?;
        Ok(client)
    }

    pub(crate) async fn connect(addr: SocketAddr) -> Self {
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
        let mut client = Self { socket, session, events: VecDeque::new() };
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
    pub(crate) async fn event(&mut self, wanted: ClientSessionEvent) -> Result<(), String> {
        loop {
            let event = self.next_event("an answer").await;
            if event == wanted {
                return Ok(());
            }
            if let ClientSessionEvent::UnhandleableOnStatusCode { code } = event
                && code != "NetStream.Play.Reset"
            {
                return Err(code);
            }
        }
    }

    /// What the server says next, after an answer where one is due.
    pub(crate) async fn next_event(&mut self, what: &str) -> ClientSessionEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let mut buffer = [0; 4096];
            let read = within(what, self.socket.read(&mut buffer)).await.unwrap();
            assert_ne!(read, 0, "closed while waiting for {what}");
            for result in self.session.handle_input(&buffer[..read]).unwrap() {
                match result {
                    ClientSessionResult::RaisedEvent(event) => self.events.push_back(event),
                    ClientSessionResult::UnhandleableMessageReceived(_) => {}
                    response @ ClientSessionResult::OutboundResponse(_) => self.write(response).await,
                }
            }
        }
    }

    /// The next sound or picture: its message type, time and body.
    pub(crate) async fn next_media(&mut self) -> (u8, u32, Bytes) {
        loop {
            let event = self.next_event("media").await;
            if let ClientSessionEvent::AudioDataReceived { timestamp, data } = event {
                return (8, timestamp.value, data);
            } else if let ClientSessionEvent::VideoDataReceived { timestamp, data } = event {
                return (9, timestamp.value, data);
            }
        }
    }

    /// Bytes as they are, on chunk streams that the session does not use.
    pub(crate) async fn write_raw(&mut self, bytes: &[u8]) {
        within("a write", self.socket.write_all(bytes)).await.unwrap();
    }

    /// What the server says before it closes.
    pub(crate) async fn last_words(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = within("the close", self.socket.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }

    pub(crate) async fn send(&mut self, body: &[u8], timestamp: u32) {
        let (body, time) = (Bytes::copy_from_slice(body), RtmpTimestamp::new(timestamp));
        let packet = self.session.publish_video_data(body, time, false);
        self.write(packet.unwrap()).await;
    }

    pub(crate) async fn send_sound(&mut self, body: &[u8], timestamp: u32) {
        let (body, time) = (Bytes::copy_from_slice(body), RtmpTimestamp::new(timestamp));
        let packet = self.session.publish_audio_data(body, time, false);
        self.write(packet.unwrap()).await;
    }

    pub(crate) async fn keep_sending_until(
        &mut self,
        bench: &Bench,
        condition: impl Fn(MediaStatistics) -> bool,
    ) {
        let deadline = Instant::now() + PATIENCE;
        let mut timestamp = 60_000;
        while !condition(bench.media.statistics()) {
            assert!(Instant::now() < deadline, "still {:?}", bench.media.statistics());
            timestamp += 40;
            self.send(KEY, timestamp).await;
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn write(&mut self, result: ClientSessionResult) {
        if let ClientSessionResult::OutboundResponse(packet) = result {
            // The session names a window by itself; most encoders name none.
            if packet.bytes.get(7) == Some(&WINDOW) {
                return;
            }
            // The server may have closed; whoever cares about that looks at what it said.
            let _ = within("a write", self.socket.write_all(&packet.bytes)).await;
        }
    }

    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close too.
        let _ = within("the close", self.socket.read_to_end(&mut rest)).await;
    }
}

/// An HTTP-FLV player that looks at the tags.
pub(crate) struct FlvReader {
    pub(crate) stream: BufReader<TcpStream>,
}

pub(crate) struct Tag {
    pub(crate) kind: u8,
    pub(crate) timestamp: u32,
    pub(crate) body: Vec<u8>,
}

impl FlvReader {
    pub(crate) async fn request(addr: SocketAddr, path: &str) -> Self {
        Self::ask(addr, "GET", path, "").await
    }

    /// HTTP/1.0, so that the body comes without chunk sizes in between.
    async fn ask(addr: SocketAddr, method: &str, path: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut socket = socket.connect(addr).await.unwrap();
        let request = format!("{method} {path} HTTP/1.0\r\nhost: {addr}\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { stream: BufReader::new(socket) }
    }

    pub(crate) async fn open(addr: SocketAddr, path: &str) -> Self {
        let mut reader = Self::request(addr, path).await;
        reader.begin().await;
        reader
    }

    /// Reads up to the first tag, and says which tracks are announced.
    pub(crate) async fn begin(&mut self) -> u8 {
        assert_eq!(self.status().await, 200);
        let head = self.bytes(13).await;
        assert_eq!(head[..4], *b"FLV\x01");
        head[4]
    }

    pub(crate) async fn status(&mut self) -> u16 {
        self.head().await.0
    }

    /// The status, and all lines of the head in small letters.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = within("a header", self.stream.read_line(&mut head)).await.unwrap();
            assert_ne!(read, 0, "closed in the head: {head}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap(), head.to_ascii_lowercase())
    }

    pub(crate) async fn tag(&mut self) -> Tag {
        let header = self.bytes(11).await;
        let mut rest = &header[..];
        let kind = rest.get_u8();
        let length = rest.get_uint(3) as usize;
        let timestamp = rest.get_uint(3) as u32 | u32::from(rest.get_u8()) << 24;
        let mut body = self.bytes(length + 4).await;
        body.truncate(length);
        Tag { kind, timestamp, body }
    }

    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        within("media", self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close too.
        let _ = within("the close", self.stream.read_to_end(&mut rest)).await;
    }
}

pub(crate) async fn get(addr: SocketAddr, path: &str) -> (String, String) {
    ask(addr, "GET", path, "").await
}

/// An answer's head, in small letters, and its body.
pub(crate) async fn ask(addr: SocketAddr, method: &str, path: &str, headers: &str) -> (String, String) {
    let mut reader = FlvReader::ask(addr, method, path, headers).await;
    let mut answer = String::new();
    within("an answer", reader.stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase().replacen("http", "HTTP", 1), body.to_owned())
}

/// What a player saw and heard.
pub(crate) struct Seen {
    pub(crate) frames: Vec<Frame>,
    pub(crate) loudness: f64,
}

#[derive(PartialEq)]
pub(crate) struct Frame {
    pub(crate) time: i64,
    pub(crate) hash: String,
}

impl Seen {
    pub(crate) fn moves(&self) -> bool {
        self.frames.windows(2).all(|pair| pair[0].hash != pair[1].hash)
    }
}

/// Plays a URL until so many frames and half a second of sound are decoded.
pub(crate) async fn decode(url: String, frames: u32) -> Seen {
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
pub(crate) struct Frames {
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    _player: Child,
}

impl Frames {
    pub(crate) fn open(url: &str) -> Self {
        let player = ffmpeg()
            .args(["-fflags", "nobuffer", "-i", url, "-map", "0:v", "-vsync", "passthrough"])
            .args(["-flush_packets", "1", "-f", "framemd5", "-"])
            .spawn();
        let mut player = player.expect(NO_FFMPEG);
        Self { lines: BufReader::new(player.stdout.take().unwrap()).lines(), _player: player }
    }

    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            let line = within("a frame", self.lines.next_line()).await.unwrap();
            if let Some(frame) = frame(&line.expect("the player goes on")) {
                return frame;
            }
        }
    }
}

/// `stream, dts, pts, duration, size, hash`
pub(crate) fn frame(line: &str) -> Option<Frame> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    let &["0", _, time, _, _, hash] = &fields[..] else {
        return None;
    };
    Some(Frame { time: time.parse().ok()?, hash: hash.to_owned() })
}

/// A phone that shows a moving test picture and plays a tone.
pub(crate) fn push(url: &str) -> Child {
    let pusher = ffmpeg()
        .args(["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args(["-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast"])
        .args(["-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "400k"])
        .args(["-c:a", "aac", "-b:a", "64k", "-f", "flv", url])
        .spawn();
    pusher.expect(NO_FFMPEG)
}

pub(crate) fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-loglevel", "info", "-nostats", "-threads", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) text: String,
}

impl Ran {
    pub(crate) fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

pub(crate) async fn output(child: Child) -> Ran {
    let output = within("ffmpeg", child.wait_with_output()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    Ran { success: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

pub(crate) const NOW: u64 = 1_700_000_000_000;
/// The message type that names a window for acknowledgements.
const WINDOW: u8 = 5;
/// An AVC key frame of no particular picture.
pub(crate) const KEY: &[u8] = &[0x17, 1, 0, 0, 0];
/// Far more than anything here takes, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const NO_FFMPEG: &str = "these tests need ffmpeg with libx264 on the PATH (apt install ffmpeg)";

/// A roster with everybody but one on it.
struct Everybody {
    stranger: Arc<Mutex<Option<u64>>>,
}

impl Authorizer for Everybody {
    fn permits(&self, _: Action, _: &str, uid: u64) -> bool {
        *self.stranger.lock().unwrap() != Some(uid)
    }

    fn admits(&self, action: Action, stream: &str, holder: Holder) -> Admission {
        if holder.expires_ms <= NOW {
            Admission::Refused(GrantError::Expired)
        } else if self.permits(action, stream, holder.uid) {
            Admission::Granted(Privileges::ALL.into())
        } else {
            Admission::Refused(GrantError::NotAMember)
        }
    }
}
