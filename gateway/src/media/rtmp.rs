//! RTMP over TCP: one task per connection, from the handshake to the last byte.
//!
//! Hides sockets and deadlines. What the bytes mean is in `session`; who may do what is decided by
//! [`Engine::publish`] and [`Engine::play`].

mod chunks;
pub(crate) mod dry;
mod enhanced;
mod outgoing;
mod session;

use std::fmt::Display;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Buf as _;
use futures_util::FutureExt as _;
use rml_rtmp::handshake::{Handshake, HandshakeError, HandshakeProcessResult, PeerType};
use socket2::SockRef;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::either::Either;
use tokio_util::task::task_tracker::TaskTrackerToken;

use self::outgoing::Outgoing;
use self::session::{ServerSession, SessionError, SessionEvent};
use super::broker::{Arrival, Packet, Turn};
use super::engine::{EmbeddedLimits, Engine};
use super::streams::{Publication, Subscription};
use crate::media::MediaRefusal;
use crate::net::{Exhausted, Pace, Rate, Share, Stranger, Tls, TlsStream};
use crate::rights::Action;

/// Why a connection ended before its client said so.
#[derive(Debug, Error)]
pub(crate) enum Cut {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("the handshake failed: {0}")]
    Handshake(#[from] HandshakeError),
    #[error("{0}")]
    Session(#[from] SessionError),
    #[error("refused: {0}")]
    Refused(#[from] MediaRefusal),
    #[error("it was cut off or replaced")]
    Ended,
    #[error("it sends more than may be sent")]
    TooMuch,
    #[error("it did not say what it wants in time")]
    Undecided,
    #[error("nothing moved for too long")]
    Idle,
    #[error("its place was needed before it proved a right")]
    SentAway,
    #[error(transparent)]
    Memory(#[from] Exhausted),
}

/// Serves one connection to its end, or until it plays and sits with others. It takes a stranger's place until it
/// has one of its own, and a place among all connections for as long as there is one.
pub(crate) async fn serve(
    socket: TcpStream,
    tls: Option<Tls>,
    peer: SocketAddr,
    engine: Arc<Engine>,
    stranger: Stranger,
    place: TaskTrackerToken,
) {
    conclude(peer, &lead(socket, tls, peer, engine, stranger, place).await);
}

async fn lead(
    socket: TcpStream,
    tls: Option<Tls>,
    peer: SocketAddr,
    engine: Arc<Engine>,
    stranger: Stranger,
    place: TaskTrackerToken,
) -> Result<(), Cut> {
    let decision = async {
        let mut line = Line::new(secured(socket, tls).await?, engine.limits());
        let decision = decide(&mut line, &engine, &stranger).await?;
        Ok::<_, Cut>(decision.map(|(session, admitted)| (line, session, admitted)))
    };
    let decision = tokio::select! {
        decision = decision => decision?,
        () = stranger.sent_away() => return Err(Cut::SentAway),
    };
    drop(stranger);
    match decision {
        None => Ok(()),
        Some((line, session, Admitted::Publisher(publication))) => {
            publish(line, session, publication, &engine).await
        }
        Some((line, session, Admitted::Player(subscription))) => {
            let (stream, share) = (Arc::clone(subscription.stream()), engine.memory.share());
            engine.rows.seat(&stream, async move {
                conclude(peer, &play(line, session, subscription, share).await);
                drop(place);
            });
            Ok(())
        }
    }
}

async fn secured(socket: TcpStream, tls: Option<Tls>) -> io::Result<Socket> {
    // A frame must not wait for the next one to fill a segment.
    socket.set_nodelay(true)?;
    Ok(match tls {
        None => Either::Left(socket),
        Some(tls) => Either::Right(Box::new(tls.shake_hands(socket).await?)),
    })
}

fn conclude(peer: SocketAddr, end: &Result<(), Cut>) {
    if let Err(cut) = end {
        tracing::debug!(%peer, "an RTMP connection ends: {cut}");
    }
}

/// Goes as far as what it is admitted to.
async fn decide(
    line: &mut Line,
    engine: &Engine,
    stranger: &Stranger,
) -> Result<Option<(ServerSession, Admitted)>, Cut> {
    let request = timeout(line.limits.negotiation, negotiate(line));
    let Some((mut session, action, asked)) = request.await.map_err(|_| Cut::Undecided)?? else {
        return Ok(None);
    };
    let admitted = answer(line, &mut session, action, &asked, engine, stranger).await?;
    Ok(admitted.map(|admitted| (session, admitted)))
}

/// As it is, or with what secures it.
type Socket = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A client's socket, and how fast it is read.
struct Line {
    socket: Socket,
    messages: Pace,
    bytes: Pace,
    /// Those of its beginning.
    limits: Arc<EmbeddedLimits>,
    was_full: bool,
}

impl Line {
    fn new(socket: Socket, limits: Arc<EmbeddedLimits>) -> Self {
        let now = Instant::now();
        let pace = |units| Pace::new(Rate { units, burst: limits.burst }, now);
        let (messages, bytes) = (pace(limits.messages_per_second), pace(limits.bytes_per_second));
        Self { socket, messages, bytes, limits, was_full: false }
    }

    /// Writes what there is room for, and says whether that was all.
    fn write(&mut self, outgoing: &mut Outgoing) -> io::Result<bool> {
        match self.try_write(outgoing) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn try_write(&mut self, outgoing: &mut Outgoing) -> io::Result<()> {
        while outgoing.has_remaining() {
            let mut slices = [IoSlice::new(&[]); WRITTEN_AT_ONCE];
            let count = outgoing.chunks_vectored(&mut slices);
            let slices = &slices[..count];
            let written = match &mut self.socket {
                Either::Left(bare) => {
                    // Not `try_write_vectored`, which goes by way of what files need as well.
                    let send = || SockRef::from(&*bare).send_vectored(slices);
                    bare.try_io(Interest::WRITABLE, send)?
                }
                Either::Right(secured) => {
                    at_once(|context| Pin::new(secured).poll_write_vectored(context, slices))?
                }
            };
            outgoing.advance(written);
        }
        match &mut self.socket {
            Either::Left(_) => Ok(()),
            // What is encrypted may not have gone out yet.
            Either::Right(secured) => at_once(|context| Pin::new(secured).poll_flush(context)),
        }
    }

    /// What carries it, secured or not.
    fn bare(&self) -> &TcpStream {
        match &self.socket {
            Either::Left(bare) => bare,
            Either::Right(secured) => secured.get_ref().0,
        }
    }

    /// Counts the messages that came.
    fn count(&mut self, session: &mut ServerSession) -> Instant {
        let now = Instant::now();
        self.messages.spend(session.take_messages(), now);
        now
    }

    /// Waits until more may be read or looked at. Safe to cancel.
    async fn pause(&mut self, session: &mut ServerSession) -> Result<(), Cut> {
        loop {
            let now = self.count(session);
            let Some(resumes) = self.messages.resumes(now).max(self.bytes.resumes(now)) else {
                return Ok(());
            };
            if self.messages.excess(now).max(self.bytes.excess(now)) >= self.limits.excess {
                return Err(Cut::TooMuch);
            }
            // What is not read does not say either that its sender is gone.
            sleep_until(resumes.min(now + LOOK)).await;
            if self.is_closed() {
                return Err(io::Error::from(io::ErrorKind::ConnectionReset).into());
            }
        }
    }

    /// Whether the other side is known to be closed, however much of it was not read.
    fn is_closed(&self) -> bool {
        let ready = self.bare().ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed()))
    }
}

/// Does what can be done without waiting. Whoever must wait does so for the socket that carries it.
fn at_once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>) -> io::Result<T> {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// What somebody may do who was let in.
enum Admitted {
    Publisher(Publication),
    Player(Subscription),
}

/// Goes through the handshake and the commands up to the one request.
async fn negotiate(line: &mut Line) -> Result<Option<(ServerSession, Action, String)>, Cut> {
    let mut session = ServerSession::new(line.limits.message_bytes);
    // Who has something to say begins at once.
    let first = timeout(line.limits.first_byte, fill(line, &mut session));
    if !first.await.map_err(|_| Cut::Undecided)?? || !shake_hands(line, &mut session).await? {
        return Ok(None);
    }
    let stalled = line.limits.stalled;
    loop {
        match session.poll_event() {
            Ok(Some(SessionEvent::Request(action, asked))) => return Ok(Some((session, action, asked))),
            Ok(Some(SessionEvent::Media(_) | SessionEvent::Alive | SessionEvent::Finished)) => {}
            Ok(None) => {
                flush(line, &mut session, stalled).await?;
                if !fill(line, &mut session).await? {
                    return Ok(None);
                }
            }
            Err(error) => {
                refuse(line, &mut session, &error, stalled).await?;
                return Err(error.into());
            }
        }
    }
}

/// Answers the request, as soon as it is known whether it may be granted.
async fn answer(
    line: &mut Line,
    session: &mut ServerSession,
    action: Action,
    asked: &str,
    engine: &Engine,
    stranger: &Stranger,
) -> Result<Option<Admitted>, Cut> {
    let admitted = async {
        match action {
            Action::Publish => engine.publish(asked, stranger).await.map(Admitted::Publisher),
            Action::Play => engine.play(asked, Some(stranger)).await.map(Admitted::Player),
        }
    };
    let admitted = tokio::select! {
        biased;
        admitted = admitted => admitted,
        // Its successor may be waiting already, and would be replaced by it.
        () = hung_up(line, session) => return Ok(None),
    };
    let stalled = line.limits.stalled;
    match admitted {
        Ok(admitted) => {
            session.accept();
            flush(line, session, stalled).await?;
            Ok(Some(admitted))
        }
        Err(refusal) => {
            refuse(line, session, &refusal, stalled).await?;
            Err(refusal.into())
        }
    }
}

/// Returns when a client that waits for its answer has gone. What it says before the answer is kept, up to a
/// limit.
async fn hung_up(line: &mut Line, session: &mut ServerSession) {
    while session.buffer().len() < UNHEARD {
        if !matches!(fill(line, session).await, Ok(true)) {
            return;
        }
    }
    while !line.is_closed() {
        sleep(LOOK).await;
    }
}

async fn shake_hands(line: &mut Line, session: &mut ServerSession) -> Result<bool, Cut> {
    let mut handshake = Handshake::new(PeerType::Server);
    loop {
        let received = session.buffer().split();
        match handshake.process_bytes(&received)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                line.socket.write_all(&response_bytes).await?;
                line.socket.flush().await?;
                if !fill(line, session).await? {
                    return Ok(false);
                }
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                line.socket.write_all(&response_bytes).await?;
                line.socket.flush().await?;
                session.buffer().extend_from_slice(&remaining_bytes);
                return Ok(true);
            }
        }
    }
}

async fn publish(
    mut line: Line,
    mut session: ServerSession,
    publication: Publication,
    engine: &Engine,
) -> Result<(), Cut> {
    let stream = Arc::clone(publication.stream());
    tracing::info!(%stream, "a publisher starts");
    let end = feed(&mut line, &mut session, &publication, engine).await;
    // Its place is free before the last words are said.
    drop(publication);
    match &end {
        Ok(()) => tracing::info!(%stream, "a publisher leaves"),
        Err(cut) => tracing::info!(%stream, "a publisher is gone: {cut}"),
    }
    let stalled = line.limits.stalled;
    let _ = dismiss(&mut line, &mut session, end.as_ref().err(), stalled).await;
    end
}

async fn feed(
    line: &mut Line,
    session: &mut ServerSession,
    publication: &Publication,
    engine: &Engine,
) -> Result<(), Cut> {
    // An encoder whose microphone and camera are off has nothing to send, and is no dead one.
    let (idle, stalled) = (line.limits.idle_publisher, line.limits.stalled);
    let (mut heard, mut is_asked) = (Instant::now(), false);
    let mut share = engine.memory.share();
    // One timer, which is looked after when it is over: packets come much more often.
    let mut patience = pin!(sleep_until(heard + idle / 2));
    loop {
        let (packets, next) = gather(session, line.messages.allowance(Instant::now()));
        if !packets.is_empty() || matches!(next, Next::Alive) {
            (heard, is_asked) = (Instant::now(), false);
        }
        publication.push(&packets).await.map_err(|_| Cut::Ended)?;
        share.hold(session.held())?;
        flush(line, session, stalled).await?;
        match next {
            Next::Alive => {}
            Next::More => tokio::select! {
                paused = line.pause(session) => {
                    paused?;
                    yield_now().await;
                }
                () = share.revoked() => return Err(Exhausted.into()),
                () = publication.ended() => return Err(Cut::Ended),
            },
            Next::Wait => tokio::select! {
                is_open = fill(line, session) => if !is_open? {
                    return Ok(());
                },
                () = share.revoked() => return Err(Exhausted.into()),
                () = publication.ended() => return Err(Cut::Ended),
                () = patience.as_mut() => {
                    let silence = heard.elapsed();
                    if is_asked && silence >= idle {
                        return Err(Cut::Idle);
                    }
                    if !is_asked && silence >= idle / 2 {
                        session.ping();
                        is_asked = true;
                    }
                    patience.as_mut().reset(heard + if is_asked { idle } else { idle / 2 });
                }
            },
            Next::Finished => return Ok(()),
            Next::Wrong(error) => return Err(error.into()),
        }
    }
}

/// What comes after the packets that were gathered.
enum Next {
    /// Perhaps more, that was read already.
    More,
    Wait,
    Alive,
    Finished,
    Wrong(SessionError),
}

/// Takes out what was read, as much as may be passed on at once.
fn gather(session: &mut ServerSession, allowance: u64) -> (Vec<Packet>, Next) {
    let most = usize::try_from(allowance).unwrap_or(usize::MAX).clamp(1, GATHERED);
    let mut packets = Vec::new();
    while packets.len() < most {
        let next = match session.poll_event() {
            Ok(Some(SessionEvent::Media(packet))) => {
                packets.push(packet);
                continue;
            }
            Ok(Some(SessionEvent::Alive)) => Next::Alive,
            Ok(Some(SessionEvent::Finished)) => Next::Finished,
            Ok(Some(SessionEvent::Request(..))) => Next::Wrong(SessionError::Command),
            Ok(None) => Next::Wait,
            Err(error) => Next::Wrong(error),
        };
        return (packets, next);
    }
    (packets, Next::More)
}

/// What a player waits for besides media.
enum Other {
    /// Its client says something.
    Said,
    /// Nothing came for so long that it may have been too long.
    Late,
}

async fn play(
    mut line: Line,
    mut session: ServerSession,
    subscription: Subscription,
    mut share: Share,
) -> Result<(), Cut> {
    let (idle, stalled) = (line.limits.idle_player, line.limits.stalled);
    // One timer, which is looked after when it is over: packets come much more often.
    let mut heard = Instant::now();
    let mut patience = pin!(sleep_until(heard + idle));
    let mut turn = Turn::Other;
    loop {
        let next = poll_fn(|context| {
            subscription.poll_beside(turn, context, |context| match patience.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Other::Late),
                Poll::Pending => line.bare().poll_read_ready(context).map(|_| Other::Said),
            })
        })
        .await;
        turn = if matches!(next, Arrival::News) { Turn::Other } else { Turn::News };
        match next {
            Arrival::News => match subscription.take(BATCH, |packet| session.send(packet)) {
                Ok(true) => heard = Instant::now(),
                Ok(false) => {}
                Err(_) => {
                    session.finish();
                    flush(&mut line, &mut session, stalled).await?;
                    part(&mut line).await;
                    return Err(Cut::Ended);
                }
            },
            Arrival::Other(Other::Late) => {
                if heard.elapsed() >= idle {
                    return Err(Cut::Idle);
                }
                patience.as_mut().reset(heard + idle);
            }
            Arrival::Other(Other::Said) => tokio::select! {
                is_open = fill(&mut line, &mut session) => {
                    if !is_open? {
                        return Ok(());
                    }
                    match session.poll_event() {
                        Ok(None | Some(SessionEvent::Alive)) => {}
                        Ok(Some(SessionEvent::Finished)) => return Ok(()),
                        Ok(Some(SessionEvent::Request(..) | SessionEvent::Media(_))) => {
                            return Err(SessionError::Command.into());
                        }
                        Err(error) => {
                            refuse(&mut line, &mut session, &error, stalled).await?;
                            return Err(error.into());
                        }
                    }
                    line.count(&mut session);
                }
                // It has said nothing after all, or must wait before it is read.
                () = poll_fn(|context| subscription.poll_news(context)) => {}
                () = patience.as_mut() => {}
            },
        }
        share.hold(session.held())?;
        if !line.write(session.outgoing())? {
            tokio::select! {
                flushed = flush(&mut line, &mut session, stalled) => flushed?,
                () = share.revoked() => return Err(Exhausted.into()),
            }
        }
    }
}

/// Lets go of a client that has published, so that its encoder's pipe does not break: it hears why, and that
/// nothing more comes, while what it still sends is taken.
async fn dismiss(
    line: &mut Line,
    session: &mut ServerSession,
    cut: Option<&Cut>,
    stalled: Duration,
) -> Result<(), Cut> {
    // Telling it may take a while.
    session.let_go();
    session.unpublish();
    match cut {
        None => {
            flush(line, session, stalled).await?;
            part(line).await;
        }
        // Nobody is there.
        Some(Cut::Io(_)) => {}
        Some(cut) => refuse(line, session, cut, stalled).await?,
    }
    Ok(())
}

/// Tells a client why it is cut off, so that whoever looks at an encoder's log need not guess.
async fn refuse(
    line: &mut Line,
    session: &mut ServerSession,
    reason: &(dyn Display + Sync),
    stalled: Duration,
) -> Result<(), Cut> {
    session.refuse(&reason.to_string());
    flush(line, session, stalled).await?;
    part(line).await;
    Ok(())
}

/// Reads what has come, as fast as it may come; `false` is the end. Safe to cancel.
async fn fill(line: &mut Line, session: &mut ServerSession) -> Result<bool, Cut> {
    // Whoever has something to say all the time lets others have their turn.
    if std::mem::take(&mut line.was_full) {
        yield_now().await;
    }
    line.pause(session).await?;
    let appetite = session.appetite();
    let buffer = session.buffer();
    if buffer.capacity() - buffer.len() < appetite.min(LEAST_READ) {
        buffer.reserve(appetite);
    }
    let read = line.socket.read_buf(buffer).await?;
    line.was_full = read >= LEAST_READ;
    line.bytes.spend(read as u64, Instant::now());
    session.received(read);
    Ok(read > 0)
}

async fn flush(line: &mut Line, session: &mut ServerSession, stalled: Duration) -> Result<(), Cut> {
    while !line.write(session.outgoing())? {
        timeout(stalled, line.bare().writable()).await.map_err(|_| Cut::Idle)??;
    }
    Ok(())
}

/// Closes so that the last words arrive: unread bytes at the time of closing would reset the
/// connection and take them back.
async fn part(line: &mut Line) {
    let rest = async {
        line.socket.shutdown().await?;
        tokio::io::copy(&mut (&mut line.socket).take(FAREWELL_BYTES), &mut tokio::io::sink()).await
    };
    let _ = timeout(FAREWELL, rest).await;
}

/// Less room than this is not worth reading into.
const LEAST_READ: usize = 2 * 1024;
/// What a client may say before it is answered, without being read further.
const UNHEARD: usize = 16 * 1024;
/// Headers and bodies.
const WRITTEN_AT_ONCE: usize = 32;
/// What a player is handed at a time: little enough to notice soon that it takes nothing.
const BATCH: usize = 64 * 1024;
const FAREWELL: Duration = Duration::from_secs(1);
/// More than a healthy publisher sends in that time.
const FAREWELL_BYTES: u64 = 4 << 20;
/// Packets that are passed on at once.
const GATHERED: usize = 64;
/// How often a client that is not read is looked after.
const LOOK: Duration = Duration::from_secs(1);
