//! The healthy call, and members for others to borrow: they log in, send heartbeats and media, and notice
//! whatever is late or missing.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nertc_miniapp::wire::bootstrap::debug_checksum;
use nertc_miniapp::wire::model::Uid;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::PATIENCE;
use super::peer::{Peer, ask};
use super::process::Process;
use crate::chunks::Writer;
use crate::flv::Reader;
use crate::frames;

/// A call that goes on until it is dropped.
#[derive(Debug)]
pub(super) struct Call {
    harm: Arc<Mutex<Option<String>>>,
    _stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
    /// What the guests publish, and what their last one plays: stream and grant.
    pub(super) push: Vec<String>,
    pub(super) pull: Vec<String>,
    /// The guests' room, and a ticket for it.
    pub(super) cid: u64,
    pub(super) ticket: String,
}

impl Call {
    pub(super) fn begin(process: &Process) -> Result<Self, String> {
        let (http, rtmp) = (process.http, process.rtmp);
        let mut members = vec![Member::join(http, "healthy", 1)?, Member::join(http, "healthy", 2)?];
        let (push, pull) = (members[0].push.clone(), members[1].pull[0].clone());
        let mut healthy = Healthy::begin(http, rtmp, &push, &pull)?;
        let mut guests = Vec::new();
        for uid in GUESTS {
            guests.push(Member::join(http, "guests", uid)?);
        }
        let push = guests.iter().map(|guest| guest.push.clone()).collect();
        let last = guests.last().ok_or("there are guests")?;
        let (pull, cid, ticket) = (last.pull.clone(), last.cid, last.ticket.clone());
        members.extend(guests);

        let harm = Arc::new(Mutex::new(None));
        let (stop, stopped) = mpsc::channel();
        let told = Arc::clone(&harm);
        let thread = thread::spawn(move || {
            let outcome = (|| {
                for turn in 0_u32.. {
                    healthy.frame(turn)?;
                    if turn % BEAT == 0 {
                        members.iter_mut().try_for_each(Member::beat)?;
                        bootstrap(http, "healthy", 3)?;
                    }
                    if stopped.recv_timeout(PACE) != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                }
                Ok::<_, String>(())
            })();
            *told.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err();
        });
        Ok(Self { harm, _stop: stop, thread: Some(thread), push, pull, cid, ticket })
    }

    /// Says what has gone wrong in the call, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        match &*self.harm.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(harm) => Err(format!("the healthy call was harmed: {harm}")),
            None => Ok(()),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (nobody, _) = mpsc::channel();
        self._stop = nobody;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Media from one member to another.
struct Healthy {
    publisher: Peer,
    player: Peer,
    reader: Reader,
}

impl Healthy {
    fn begin(http: SocketAddr, rtmp: SocketAddr, push: &str, pull: &str) -> Result<Self, String> {
        let publisher = Peer::stream(rtmp, "publish", push)?;
        Ok(Self { publisher, player: Peer::flv(http, pull)?, reader: Reader::default() })
    }

    /// One frame there and back.
    fn frame(&mut self, turn: u32) -> Result<(), String> {
        let body = [&b"\x17\x01\0\0\0"[..], &turn.to_be_bytes()].concat();
        let mut writer = Writer::default();
        writer.plainly(9, 1, turn * PACE.as_millis() as u32, &body);
        self.publisher.say(&writer.bytes);
        let begin = Instant::now();
        loop {
            let bytes = self.player.some(begin).map_err(|error| format!("frame {turn}: {error}"))?;
            let tags = self.reader.read(&bytes)?;
            // Each one, once, and in its turn.
            let frames: Vec<_> = tags.into_iter().filter(|tag| tag.kind == 9).map(|tag| tag.body).collect();
            match &frames[..] {
                [] => {}
                [frame] if *frame == body => return Ok(()),
                others => return Err(format!("frame {turn} came as {others:?}")),
            }
        }
    }
}

/// A member of a room.
pub(super) struct Member {
    socket: WebSocket<TcpStream>,
    uid: u64,
    cid: u64,
    ticket: String,
    seq: u32,
    push: String,
    pull: Vec<String>,
}

impl Member {
    fn join(http: SocketAddr, room: &str, uid: u64) -> Result<Self, String> {
        let (cid, ticket) = bootstrap(http, room, uid)?;
        let stream = TcpStream::connect(http).map_err(|error| error.to_string())?;
        let set = stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE)));
        set.map_err(|error| error.to_string())?;
        let (socket, _) = client(format!("ws://{http}/"), stream).map_err(|error| error.to_string())?;
        let (push, pull) = (String::new(), Vec::new());
        let mut member = Self { socket, uid, cid, ticket, seq: 0, push, pull };
        let answer = member.command(frames::login(uid, cid, &member.ticket, 0, 1))?;
        let urls = answer["userlist"].as_array().into_iter().flatten().map(|user| name(&user["url"]));
        let mut urls: Vec<String> = urls.collect();
        if urls.is_empty() {
            return Err(format!("the login of {uid} was answered {answer}"));
        }
        member.push = urls.remove(0);
        member.pull = urls;
        Ok(member)
    }

    fn beat(&mut self) -> Result<(), String> {
        let body = json!({ "uid": self.uid, "cid": self.cid });
        let answer = self.command(json!({ "cmd": 2, "body": body }));
        let answer = answer.map_err(|error| format!("the heartbeat of {}: {error}", self.uid))?;
        if answer["code"] == 200 { Ok(()) } else { Err(format!("a heartbeat was answered {answer}")) }
    }

    /// Sends a command, and waits for its answer.
    fn command(&mut self, mut packet: Value) -> Result<Value, String> {
        self.seq += 1;
        packet["seq"] = json!(self.seq);
        self.socket.send(Message::text(packet.to_string())).map_err(|error| error.to_string())?;
        loop {
            let message = self.socket.read().map_err(|error| error.to_string())?;
            let answer: Value =
                serde_json::from_str(message.to_text().unwrap_or_default()).unwrap_or_default();
            if answer["seq"] == self.seq {
                return Ok(answer["body"].clone());
            }
        }
    }
}

/// The room's number and a ticket.
pub(super) fn bootstrap(http: SocketAddr, room: &str, uid: u64) -> Result<(u64, String), String> {
    let head =
        "POST /nrtc/getChannelInfos.action HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let (_, body) = ask(http, head, &form(room, uid))?;
    let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
    match (answer["cid"].as_u64(), answer["token"].as_str()) {
        (Some(cid), Some(token)) => Ok((cid, token.to_owned())),
        _ => Err(format!("the bootstrap of {uid} was answered {body}")),
    }
}

/// The form of a bootstrap.
pub(super) fn form(room: &str, uid: u64) -> String {
    let checksum = debug_checksum("ak", Uid(uid), NOW);
    format!(
        "uid={uid}&appkey=ak&channelName={room}&secureType=2&osType=4&mode=2&netType=0&version=4.6.11.0\
         &curtime={NOW}&checksum={checksum}&nrtcg2=1&t1={NOW}"
    )
}

/// What comes behind the application in a media URL.
fn name(url: &Value) -> String {
    url.as_str().and_then(|url| url.rsplit_once('/')).map(|(_, name)| name.to_owned()).unwrap_or_default()
}

const NOW: u64 = 1_700_000_000_000;
/// Numbers that no other request comes upon: a guest that is removed would be no harm done.
const GUESTS: [u64; 4] = [3001, 3002, 3003, 3004];
/// Between two frames, and between two heartbeats in frames.
const PACE: Duration = Duration::from_millis(50);
const BEAT: u32 = 20;
