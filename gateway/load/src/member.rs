//! One member of a room: it asks where to go, logs in, sends commands, and notes what it hears.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use nertc_miniapp::wire::bootstrap::{BootstrapForm, debug_checksum};
use nertc_miniapp::wire::model::{Cid, Role, Seq, Uid, Url};
use nertc_miniapp::wire::protocol::{ClientPacket, Command, Login, Notice, ServerPacket};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Failure;
use crate::tally::Tally;

/// What all members of one server have in common.
#[derive(Debug)]
pub(crate) struct Scene {
    epoch: Instant,
    /// By uid.
    seats: Vec<Seat>,
    /// From a heartbeat to its answer.
    pub(crate) heartbeats: Tally,
    /// From a command to the notice of it, at each of those who are told.
    pub(crate) told: Tally,
    /// Answers to commands that are no heartbeats.
    pub(crate) answers: AtomicU64,
    /// Answers that say no, frames that cannot be read, and connections that end by themselves.
    pub(crate) faults: AtomicU64,
}

#[derive(Debug, Default)]
struct Seat {
    /// When the heartbeat was sent that has no answer yet; 0 while there is none.
    heartbeat: AtomicU64,
    /// When it last told the others something.
    said: AtomicU64,
}

impl Scene {
    pub(crate) fn new(members: usize) -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            seats: (0..=members).map(|_| Seat::default()).collect(),
            heartbeats: Tally::default(),
            told: Tally::default(),
            answers: AtomicU64::new(0),
            faults: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn seat(&self, uid: Uid) -> Option<&Seat> {
        self.seats.get(usize::try_from(uid.0).ok()?)
    }

    fn answered(&self, uid: Uid) {
        let sent = self.seat(uid).map_or(0, |seat| seat.heartbeat.swap(0, Ordering::Relaxed));
        if sent > 0 {
            self.heartbeats.note(self.now().saturating_sub(sent));
        }
    }

    fn hear(&self, from: Uid) {
        let said = self.seat(from).map_or(0, |seat| seat.said.load(Ordering::Relaxed));
        self.told.note(self.now().saturating_sub(said));
    }

    fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }
}

/// A member that is in its room. Whoever drops it hangs up.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) uid: Uid,
    cid: Cid,
    seq: u32,
    scene: Arc<Scene>,
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    listening: JoinHandle<()>,
    /// Its own stream's, and those of the others by the order of their uids.
    pub(crate) urls: Vec<Url>,
}

impl Member {
    /// Logs in to a room of a server that speaks the protocol.
    pub(crate) async fn join(
        door: &mut Door,
        scene: &Arc<Scene>,
        room: &str,
        uid: Uid,
    ) -> Result<Self, Failure> {
        let (cid, token, address) = door.ask(room, uid).await?;
        let (mut sink, mut stream) = connect(door.address, &address).await?.split();
        let login =
            ClientPacket { seq: Seq(1), uid, cid, command: Command::Login(Box::new(login(uid, cid, token))) };
        sink.send(Message::text(login.encode())).await?;
        let ack = loop {
            match stream.next().await.ok_or("closed before the login was answered")?? {
                Message::Text(text) => match ServerPacket::decode(&text) {
                    Ok(ServerPacket::Ack(Seq(1), ack)) if ack.is_ok() => break ack,
                    _other => return Err(format!("the login was answered with {text:.200}").into()),
                },
                Message::Binary(_)
                | Message::Ping(_)
                | Message::Pong(_)
                | Message::Close(_)
                | Message::Frame(_) => {}
            }
        };
        let entries = ack.userlist.unwrap_or_default();
        let urls = entries.into_iter().filter_map(|entry| entry.url).collect();
        let listening = tokio::spawn(listen(stream, Arc::clone(scene), uid));
        Ok(Self { uid, cid, seq: 1, scene: Arc::clone(scene), sink, listening, urls })
    }

    /// Connects to a server that only gives back what it is sent.
    pub(crate) async fn beside(echo: SocketAddr, scene: &Arc<Scene>, uid: Uid) -> Result<Self, Failure> {
        let (sink, stream) = connect(echo, "/").await?.split();
        let listening = tokio::spawn(listen(stream, Arc::clone(scene), uid));
        let scene = Arc::clone(scene);
        Ok(Self { uid, cid: Cid(1), seq: 1, scene, sink, listening, urls: Vec::new() })
    }

    pub(crate) async fn heartbeat(&mut self) -> Result<(), Failure> {
        if let Some(seat) = self.scene.seat(self.uid) {
            // One that was not answered counts by its absence.
            seat.heartbeat.store(self.scene.now(), Ordering::Relaxed);
        }
        self.send(Command::Heartbeat).await
    }

    /// Sends a command that the others are told of.
    pub(crate) async fn say(&mut self, command: Command) -> Result<(), Failure> {
        if let Some(seat) = self.scene.seat(self.uid) {
            seat.said.store(self.scene.now(), Ordering::Relaxed);
        }
        self.send(command).await
    }

    /// Logs out, and waits until the server has closed the connection.
    pub(crate) async fn leave(mut self) -> Result<(), Failure> {
        self.send(Command::Logout).await?;
        (&mut self.listening).await?;
        Ok(())
    }

    async fn send(&mut self, command: Command) -> Result<(), Failure> {
        self.seq += 1;
        let packet = ClientPacket { seq: Seq(self.seq), uid: self.uid, cid: self.cid, command };
        Ok(self.sink.send(Message::text(packet.encode())).await?)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(mut stream: SplitStream<WebSocketStream<TcpStream>>, scene: Arc<Scene>, uid: Uid) {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => hear(&text, &scene, uid),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(frame)))
                if frame.as_ref().is_some_and(|frame| u16::from(frame.code) == LEFT) =>
            {
                return;
            }
            Some(Ok(Message::Binary(_) | Message::Frame(_) | Message::Close(_)) | Err(_)) | None => {
                return scene.fault();
            }
        }
    }
}

fn hear(text: &Utf8Bytes, scene: &Scene, uid: Uid) {
    let packet = match ServerPacket::decode(text) {
        Ok(packet) => packet,
        // The echo of what we sent.
        Err(_) if ClientPacket::decode(text).is_ok_and(|packet| packet.command == Command::Heartbeat) => {
            return scene.answered(uid);
        }
        Err(_) => return scene.fault(),
    };
    match packet {
        ServerPacket::Ack(_, ack) if !ack.is_ok() => scene.fault(),
        ServerPacket::Ack(..) if text.contains(HEARTBEAT_ANSWER) => scene.answered(uid),
        ServerPacket::Ack(..) => drop(scene.answers.fetch_add(1, Ordering::Relaxed)),
        ServerPacket::Notice(Notice::Mute(from, ..) | Notice::Published(from, ..)) => scene.hear(from),
        ServerPacket::Notice(Notice::Join(_) | Notice::Leave(_)) => {}
        ServerPacket::Notice(_unexpected) => scene.fault(),
    }
}

/// A connection on which the channel server is asked, again and again.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    socket: BufReader<TcpStream>,
}

impl Door {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { address, socket: BufReader::new(TcpStream::connect(address).await?) })
    }

    /// Where a member of a room has to go, and what it shows there.
    async fn ask(&mut self, room: &str, uid: Uid) -> Result<(Cid, String, String), Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let curtime = u64::try_from(now.as_millis())?;
        let form = BootstrapForm {
            uid: uid.to_string(),
            appkey: APP.into(),
            channel_name: room.into(),
            secure_type: "2".into(),
            version: "4.6.11.0".into(),
            curtime,
            checksum: debug_checksum(APP, uid, curtime),
            t1: curtime,
            perm_key_secret: String::new(),
        };
        let body = form.encode();
        let head = format!(
            "POST /nrtc/getChannelInfos.action HTTP/1.1\r\nhost: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.socket.write_all((head + &body).as_bytes()).await?;
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            if self.socket.read_line(&mut head).await? == 0 {
                return Err("the channel server has hung up".into());
            }
            let line = head.trim_end().rsplit("\r\n").next().unwrap_or_default().to_ascii_lowercase();
            length = line.strip_prefix("content-length:").map_or(Ok(length), |text| text.trim().parse())?;
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        let cid = answer["cid"].as_u64().map(Cid);
        let (token, address) = (answer["token"].as_str(), answer["ips"]["wechatapparray"][0].as_str());
        let (Some(cid), Some(token), Some(address)) = (cid, token, address) else {
            return Err(format!("the channel server says {answer:.200}").into());
        };
        let path = address.find('/').map_or("/", |at| &address[at..]);
        Ok((cid, token.to_owned(), path.to_owned()))
    }
}

async fn connect(server: SocketAddr, path: &str) -> Result<WebSocketStream<TcpStream>, Failure> {
    let socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    let settings = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
    let (socket, _answer) =
        client_async_with_config(format!("ws://{server}{path}"), socket, Some(settings)).await?;
    Ok(socket)
}

/// What the SDK logs in with.
fn login(uid: Uid, cid: Cid, token: String) -> Login {
    Login {
        uid,
        cid,
        token,
        mode: None,
        scene: 1,
        usertype: 3,
        live_enable: false,
        webrtc: 1,
        record_audio: false,
        record_video: false,
        rtmp_record: false,
        record_type: "0".into(),
        role: Role::Broadcaster,
        is_host_speaker: false,
        edge_addr: String::new(),
        newprotocol: 2,
        dual_audio: None,
        audio_change_mode: Some(0),
        audio_local_pitch: "1.0".into(),
        audio_change_type: Some(0),
        audio_beauty_type: Some(0),
        resume: String::new(),
        model: String::new(),
    }
}

const APP: &str = "load";
const READ_BUFFER: usize = 4 * 1024;
/// What every server of the protocol begins the answer to a heartbeat with.
const HEARTBEAT_ANSWER: &str = "\"cmd\":3,";
/// How a server closes after a logout.
const LEFT: u16 = 1000;
