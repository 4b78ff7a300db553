//! A gateway process, and clients that reach it through lines of their own: real sockets, real time.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use nertc_miniapp::{
    Call, CallId, CloseInfo, Config, HttpFailure, HttpResponse, Input, Instant, SocketId, Uid,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::world::ClientId;
use crate::world::client::{Client, Effect};
use crate::world::ground::{Ground, Member, PATIENCE};

/// Everything runs on this thread, while a scenario waits. Dropping it ends the gateway.
pub(crate) struct RealGround {
    gateway: Option<Child>,
    address: watch::Sender<Option<SocketAddr>>,
    /// Where the operator is served.
    admin: Option<SocketAddr>,
    seats: Vec<Seat>,
    tell: Inputs,
    told: mpsc::UnboundedReceiver<(ClientId, Input)>,
    runtime: Runtime,
}

struct Seat {
    client: Client,
    uid: Uid,
    line: watch::Sender<Line>,
    /// What waits to be sent; a socket that is let go is closed.
    sockets: BTreeMap<SocketId, mpsc::UnboundedSender<String>>,
}

type Inputs = mpsc::UnboundedSender<(ClientId, Input)>;

impl Ground for RealGround {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        let address = watch::Sender::new(None);
        let mut ground = Self { gateway: None, address, admin: None, seats: Vec::new(), tell, told, runtime };
        ground.start_gateway();
        ground
    }

    fn seat(&mut self, uid: u64) -> ClientId {
        let line = watch::Sender::new(Line { state: State::Up, breaks: 0 });
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let near = listener.local_addr().unwrap();
        self.runtime.spawn(relay(listener, self.address.subscribe(), line.subscribe()));

        let mut config = Config::new(APP_KEY);
        config.seed = self.seats.len() as u64;
        config.servers.channel_server = format!("http://{near}/nrtc/getChannelInfos.action");
        config.servers.address = format!("ws://{near}");
        let client = Client::new(config, now());
        self.seats.push(Seat { client, uid: Uid(uid), line, sockets: BTreeMap::new() });
        ClientId(self.seats.len() - 1)
    }

    fn call(&mut self, id: ClientId, call: Call) -> CallId {
        let (call, effects) = self.seats[id.0].client.call(call, now());
        self.carry_out(id, effects);
        call
    }

    fn comes_true(&mut self, condition: impl Fn(&Self) -> bool) -> bool {
        let end = now() + PATIENCE;
        while !condition(self) {
            let now = now();
            if now >= end {
                return false;
            }
            for id in 0..self.seats.len() {
                if self.seats[id].client.deadline().is_some_and(|due| due <= now) {
                    self.handle(ClientId(id), Input::Timeout);
                }
            }
            let deadlines = self.seats.iter().filter_map(|seat| seat.client.deadline());
            let next = deadlines.fold(now + GLANCE, Instant::min);
            let input = async { timeout(next.since(now), self.told.recv()).await };
            if let Ok(Some((id, input))) = self.runtime.block_on(input) {
                self.handle(id, input);
            }
        }
        true
    }

    fn cut(&mut self, id: ClientId) {
        self.seats[id.0].line.send_modify(|line| *line = Line { state: State::Cut, breaks: line.breaks + 1 });
    }

    fn drop_connection(&mut self, id: ClientId) {
        self.seats[id.0].line.send_modify(|line| line.breaks += 1);
    }

    fn swallow(&mut self, id: ClientId) {
        self.seats[id.0].line.send_modify(|line| line.state = State::Swallowing);
    }

    fn heal(&mut self, id: ClientId) {
        self.seats[id.0].line.send_modify(|line| line.state = State::Up);
    }

    fn kill_gateway(&mut self) {
        let mut gateway = self.gateway.take().unwrap();
        self.runtime.block_on(gateway.kill()).unwrap();
        self.address.send_replace(None);
    }

    fn stop_gateway(&mut self) {
        let mut gateway = self.gateway.take().unwrap();
        let pid = gateway.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let end = async { timeout(PATIENCE, gateway.wait()).await };
        assert!(self.runtime.block_on(end).expect("it does not stop").unwrap().success());
        self.address.send_replace(None);
    }

    fn start_gateway(&mut self) {
        let started = async { timeout(PATIENCE, start_gateway()).await };
        let (gateway, [address, admin]) = self.runtime.block_on(started).expect("it does not start");
        self.gateway = Some(gateway);
        self.address.send_replace(Some(address));
        self.admin = Some(admin);
    }

    fn kick(&mut self, room: &str, id: ClientId) {
        let body = json!({"appkey": APP_KEY, "uid": self.seats[id.0].uid});
        self.operate("POST", &format!("/v1/rooms/{room}/kick"), &body.to_string());
    }

    fn dissolve(&mut self, room: &str) {
        let body = json!({"appkey": APP_KEY});
        self.operate("POST", &format!("/v1/rooms/{room}/dissolve"), &body.to_string());
    }

    fn members_of(&self, room: &str) -> Vec<Member> {
        let mut answer: Value = serde_json::from_str(&self.operate("GET", "/v1/rooms", "")).unwrap();
        let rooms = answer["rooms"].as_array_mut().unwrap();
        let members = rooms.iter_mut().find(|status| status["channel"] == room);
        members.map_or_else(Vec::new, |status| serde_json::from_value(status["members"].take()).unwrap())
    }

    fn client(&self, id: ClientId) -> &Client {
        &self.seats[id.0].client
    }

    fn client_mut(&mut self, id: ClientId) -> &mut Client {
        &mut self.seats[id.0].client
    }

    fn uid(&self, id: ClientId) -> Uid {
        self.seats[id.0].uid
    }
}

impl RealGround {
    fn handle(&mut self, id: ClientId, input: Input) {
        let effects = self.seats[id.0].client.handle(input, now());
        self.carry_out(id, effects);
    }

    /// Does what a client asks of its surroundings.
    fn carry_out(&mut self, id: ClientId, effects: Vec<Effect>) {
        let seat = &mut self.seats[id.0];
        for effect in effects {
            let tell = self.tell.clone();
            // Nobody listens any more once the scenario is over.
            let tell = move |input| drop(tell.send((id, input)));
            match effect {
                Effect::Request(request, body) => {
                    let (_, wish) = seat.client.requests.iter().find(|(id, _)| *id == request).unwrap();
                    let (url, headers) = (wish.url.as_str().to_owned(), wish.headers.clone());
                    self.runtime.spawn(async move {
                        let failed = |error: io::Error| HttpFailure { message: error.to_string() };
                        let answer = http("POST", &url, &headers, &body).await.map_err(failed);
                        tell(Input::Response(request, answer));
                    });
                }
                Effect::Open(socket, url) => {
                    let (queue, outgoing) = mpsc::unbounded_channel();
                    seat.sockets.insert(socket, queue);
                    self.runtime.spawn(async move {
                        let (code, reason) = converse(socket, url, outgoing, &tell).await;
                        tell(Input::SocketClosed(socket, CloseInfo { code, reason }));
                    });
                }
                Effect::Send(socket, text) => {
                    // A socket that has just closed will say so.
                    let _sent = seat.sockets.get(&socket).map(|queue| queue.send(text));
                }
                Effect::Close(socket) => drop(seat.sockets.remove(&socket)),
                Effect::AskRetry(_) | Effect::Settled(_) | Effect::Told(_) => {}
            }
        }
    }

    fn operate(&self, method: &str, path: &str, body: &str) -> String {
        let url = format!("http://{}{path}", self.admin.expect("the gateway is up"));
        let headers =
            [("Authorization", format!("Bearer {ADMIN}")), ("Content-Type", "application/json".to_owned())];
        let answer = async { timeout(PATIENCE, http(method, &url, &headers, body)).await };
        let answer = self.runtime.block_on(answer).expect("the operator gets no answer").unwrap();
        assert!([200, 204].contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }
}

/// A client's line.
#[derive(Clone, Copy)]
struct Line {
    state: State,
    /// How often everything on it was broken.
    breaks: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Cut,
    Swallowing,
}

/// Carries a client's connections to the gateway, wherever it is at the moment: after a restart, on other
/// ports.
async fn relay(
    listener: TcpListener,
    gateway: watch::Receiver<Option<SocketAddr>>,
    line: watch::Receiver<Line>,
) {
    while let Ok((near, _peer)) = listener.accept().await {
        tokio::spawn(carry(near, *gateway.borrow(), line.clone()));
    }
}

async fn carry(mut near: TcpStream, gateway: Option<SocketAddr>, mut line: watch::Receiver<Line>) {
    let Some(gateway) = gateway else { return };
    let mut flow = pin!(async {
        let mut far = TcpStream::connect(gateway).await?;
        copy_bidirectional(&mut near, &mut far).await
    });
    let first = line.borrow_and_update().breaks;
    loop {
        let Line { state, breaks } = *line.borrow_and_update();
        if state == State::Cut || breaks != first {
            return;
        }
        tokio::select! {
            // Left alone, it moves nothing, and what was sent waits as behind a network that lost it.
            _ended = &mut flow, if state == State::Up => return,
            changed = line.changed() => if changed.is_err() { return },
        }
    }
}

/// A WebSocket from opening to closing; returns how it closed.
async fn converse(
    id: SocketId,
    url: String,
    mut outgoing: mpsc::UnboundedReceiver<String>,
    tell: &impl Fn(Input),
) -> (u16, String) {
    let opened = tokio::select! {
        opened = connect_async(url) => opened,
        _let_go = outgoing.recv() => return (1000, String::new()),
    };
    let mut socket = match opened {
        Ok((socket, _response)) => socket,
        Err(error) => return (1006, error.to_string()),
    };
    tell(Input::SocketOpened(id));
    let close = loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => tell(Input::SocketText(id, text.as_str().to_owned())),
                Some(Ok(Message::Close(Some(frame)))) => break (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                Some(Err(error)) => break (1006, error.to_string()),
                None => break (1006, "no close frame".to_owned()),
            },
            text = outgoing.recv() => match text {
                Some(text) => if let Err(error) = socket.send(Message::text(text)).await {
                    break (1006, error.to_string());
                },
                None => break (1000, String::new()),
            },
        }
    };
    // Answers the peer's close frame, or sends one.
    let _gone = socket.close(None).await;
    close
}

/// One request, on a connection of its own.
async fn http(
    method: &str,
    url: &str,
    headers: &[(&'static str, String)],
    body: &str,
) -> io::Result<HttpResponse> {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
    let mut socket = TcpStream::connect(host).await?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(HttpResponse { status: status.ok_or(io::ErrorKind::InvalidData)?, body: body.to_owned() })
}

/// A gateway on free ports, and where it speaks HTTP, to clients and to the operator.
async fn start_gateway() -> (Child, [SocketAddr; 2]) {
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_nertc-gateway"))
        .args(["--listen", "127.0.0.1:0", "--rtmp-listen", "127.0.0.1:0", "--exit-on-stdin-close"])
        .args(["--admin-token", ADMIN, "--secret", SECRET, "--log", "error"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(gateway.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let ready: Value = serde_json::from_str(line.strip_prefix("ready ").expect(&line)).unwrap();
    (gateway, ["http", "admin"].map(|door| ready[door].as_str().unwrap().parse().unwrap()))
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant::from_millis(since.as_millis().try_into().unwrap())
}

/// How long a condition may go unasked when nothing happens that a client could see.
const GLANCE: Duration = Duration::from_millis(20);
const APP_KEY: &str = "app";
const ADMIN: &str = "operators only, please";
const SECRET: &str = "the same before and after a restart";
