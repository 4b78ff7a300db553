//! RTMP over TCP: one task per connection, from the handshake to the last byte.
//!
//! Hides sockets and deadlines. What the bytes mean is in `session`; who may do what is decided by
//! [`Engine::publish`] and [`Engine::play`].

mod chunks;
mod enhanced;
mod session;

use std::fmt::Display;
use std::io;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use rml_rtmp::handshake::{Handshake, HandshakeError, HandshakeProcessResult, PeerType};
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use self::session::{Event, Role, Session, SessionError};
use crate::embedded::Engine;
use crate::hall::{Publication, Subscription};
use crate::media::Refusal;
use crate::memory::Exhausted;
use crate::strangers::Stranger;

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
    Refused(#[from] Refusal),
    #[error("it was cut off or replaced")]
    Ended,
    #[error("it did not say what it wants in time")]
    Undecided,
    #[error("nothing moved for too long")]
    Idle,
    #[error("its place was needed before it proved a right")]
    SentAway,
    #[error(transparent)]
    Memory(#[from] Exhausted),
}

/// Serves one connection to its end. It takes a stranger's place until it has one of its own.
pub(crate) async fn serve(mut socket: TcpStream, engine: &Engine, stranger: Stranger) -> Result<(), Cut> {
    // A frame must not wait for the next one to fill a segment.
    socket.set_nodelay(true)?;
    let decision = tokio::select! {
        decision = timeout(engine.limits.negotiation, negotiate(&mut socket, engine)) => decision,
        () = stranger.sent_away() => return Err(Cut::SentAway),
    };
    let decision = decision.map_err(|_| Cut::Undecided)??;
    drop(stranger);
    match decision {
        Some((session, Seat::Publisher(publication))) => {
            tracing::info!(stream = publication.name(), "a publisher starts");
            let end = publish(socket, session, &publication, engine).await;
            match &end {
                Ok(()) => tracing::info!(stream = publication.name(), "a publisher leaves"),
                Err(cut) => tracing::info!(stream = publication.name(), "a publisher is gone: {cut}"),
            }
            end
        }
        Some((session, Seat::Player(subscription))) => play(socket, session, subscription, engine).await,
        None => Ok(()),
    }
}

enum Seat {
    Publisher(Publication),
    Player(Subscription),
}

/// Goes through the handshake and the commands up to the one request, and answers it.
async fn negotiate(socket: &mut TcpStream, engine: &Engine) -> Result<Option<(Session, Seat)>, Cut> {
    let mut session = Session::new(engine.limits.message_bytes);
    // Who has something to say begins at once.
    let first = timeout(engine.limits.first_byte, fill(socket, &mut session));
    if !first.await.map_err(|_| Cut::Undecided)?? || !shake_hands(socket, &mut session).await? {
        return Ok(None);
    }
    let stalled = engine.limits.stalled;
    loop {
        let (role, asked) = match session.poll_event() {
            Ok(Some(Event::Request(role, asked))) => (role, asked),
            Ok(Some(Event::Media(_) | Event::Alive | Event::Finished)) => continue,
            Ok(None) => {
                flush(socket, &mut session, stalled).await?;
                if !fill(socket, &mut session).await? {
                    return Ok(None);
                }
                continue;
            }
            Err(error) => {
                refuse(socket, &mut session, &error, stalled).await?;
                return Err(error.into());
            }
        };
        return match answer(role, &asked, engine) {
            Ok(seat) => {
                session.accept();
                flush(socket, &mut session, stalled).await?;
                Ok(Some((session, seat)))
            }
            Err(refusal) => {
                refuse(socket, &mut session, &refusal, stalled).await?;
                Err(refusal.into())
            }
        };
    }
}

fn answer(role: Role, asked: &str, engine: &Engine) -> Result<Seat, Refusal> {
    match role {
        Role::Publisher => engine.publish(asked).map(Seat::Publisher),
        Role::Player => engine.play(asked).map(Seat::Player),
    }
}

async fn shake_hands(socket: &mut TcpStream, session: &mut Session) -> Result<bool, Cut> {
    let mut handshake = Handshake::new(PeerType::Server);
    loop {
        let received = session.buffer().split();
        match handshake.process_bytes(&received)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                socket.write_all(&response_bytes).await?;
                if !fill(socket, session).await? {
                    return Ok(false);
                }
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                socket.write_all(&response_bytes).await?;
                session.buffer().extend_from_slice(&remaining_bytes);
                return Ok(true);
            }
        }
    }
}

async fn publish(
    mut socket: TcpStream,
    mut session: Session,
    publication: &Publication,
    engine: &Engine,
) -> Result<(), Cut> {
    // An encoder whose microphone and camera are off has nothing to send, and is no dead one.
    let idle = engine.limits.idle_publisher;
    let (mut heard, mut is_asked) = (Instant::now(), false);
    let mut share = engine.memory.share();
    loop {
        loop {
            match session.poll_event() {
                Ok(Some(Event::Media(packet))) => {
                    publication.push(&packet).map_err(|_| Cut::Ended)?;
                    (heard, is_asked) = (Instant::now(), false);
                }
                Ok(Some(Event::Alive)) => (heard, is_asked) = (Instant::now(), false),
                Ok(Some(Event::Finished)) => return Ok(()),
                Ok(Some(Event::Request(..))) => return Err(SessionError::Command.into()),
                Ok(None) => break,
                Err(error) => {
                    refuse(&mut socket, &mut session, &error, engine.limits.stalled).await?;
                    return Err(error.into());
                }
            }
        }
        let stalled = engine.limits.stalled;
        if let Err(exhausted) = share.hold(session.held()) {
            refuse(&mut socket, &mut session, &exhausted, stalled).await?;
            return Err(exhausted.into());
        }
        flush(&mut socket, &mut session, stalled).await?;
        tokio::select! {
            is_open = fill(&mut socket, &mut session) => if !is_open? {
                return Ok(());
            },
            () = share.revoked() => {
                // Before it is told, which may take a while.
                session.let_go();
                refuse(&mut socket, &mut session, &Exhausted, stalled).await?;
                return Err(Exhausted.into());
            }
            () = publication.ended() => return Err(Cut::Ended),
            () = sleep_until(heard + idle), if is_asked => return Err(Cut::Idle),
            () = sleep_until(heard + idle / 2), if !is_asked => {
                session.ping();
                is_asked = true;
            }
        }
    }
}

async fn play(
    mut socket: TcpStream,
    mut session: Session,
    mut subscription: Subscription,
    engine: &Engine,
) -> Result<(), Cut> {
    let limits = &engine.limits;
    let mut share = engine.memory.share();
    loop {
        tokio::select! {
            packets = timeout(limits.idle_player, subscription.next(BATCH)) => {
                match packets.map_err(|_| Cut::Idle)? {
                    Ok(packets) => packets.iter().for_each(|packet| session.send(packet)),
                    Err(_) => {
                        session.finish();
                        flush(&mut socket, &mut session, limits.stalled).await?;
                        part(&mut socket).await;
                        return Err(Cut::Ended);
                    }
                }
            }
            is_open = fill(&mut socket, &mut session) => {
                if !is_open? {
                    return Ok(());
                }
                match session.poll_event() {
                    Ok(None | Some(Event::Alive)) => {}
                    Ok(Some(Event::Finished)) => return Ok(()),
                    Ok(Some(Event::Request(..) | Event::Media(_))) => {
                        return Err(SessionError::Command.into());
                    }
                    Err(error) => {
                        refuse(&mut socket, &mut session, &error, limits.stalled).await?;
                        return Err(error.into());
                    }
                }
            }
        }
        share.hold(session.held())?;
        tokio::select! {
            flushed = flush(&mut socket, &mut session, limits.stalled) => flushed?,
            () = share.revoked() => return Err(Exhausted.into()),
        }
    }
}

/// Tells a client why it is cut off, so that whoever looks at an encoder's log need not guess.
async fn refuse(
    socket: &mut TcpStream,
    session: &mut Session,
    reason: &(dyn Display + Sync),
    stalled: Duration,
) -> Result<(), Cut> {
    session.refuse(&reason.to_string());
    flush(socket, session, stalled).await?;
    part(socket).await;
    Ok(())
}

/// Reads what has come; `false` is the end. Safe to cancel.
async fn fill(socket: &mut TcpStream, session: &mut Session) -> io::Result<bool> {
    let appetite = session.appetite();
    let buffer = session.buffer();
    if buffer.capacity() - buffer.len() < appetite.min(LEAST_READ) {
        buffer.reserve(appetite);
    }
    let read = socket.read_buf(buffer).await?;
    session.received(read);
    Ok(read > 0)
}

async fn flush(socket: &mut TcpStream, session: &mut Session, stalled: Duration) -> Result<(), Cut> {
    let mut out: Bytes = session.take_output();
    while out.has_remaining() {
        let written = timeout(stalled, socket.write_buf(&mut out));
        written.await.map_err(|_| Cut::Idle)??;
    }
    Ok(())
}

/// Closes so that the last words arrive: unread bytes at the time of closing would reset the
/// connection and take them back.
async fn part(socket: &mut TcpStream) {
    let rest = async {
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(FAREWELL_BYTES), &mut tokio::io::sink()).await
    };
    let _ = timeout(FAREWELL, rest).await;
}

/// Less room than this is not worth reading into.
const LEAST_READ: usize = 2 * 1024;
/// What a player is handed at a time: little enough to notice soon that it takes nothing.
const BATCH: usize = 64 * 1024;
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 256 * 1024;
