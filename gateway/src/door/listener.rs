//! TCP connections for the HTTP server that do not wait for ever on a peer that takes nothing.
//!
//! A response that never ends, as HTTP-FLV is, asks for more only when the socket has room: a
//! player that stops reading would keep its connection for as long as its kernel answers probes. Nor do
//! they wait long for a peer that says nothing, or for a stranger whose place is needed.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tracing::warn;

use crate::net::{Pace, Rate, Stranger};

/// Accepts connections for `axum::serve`.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    stalled: Duration,
}

impl Listener {
    /// Makes a listener whose connections break when the peer takes nothing for `stalled`.
    #[must_use]
    pub fn new(tcp: TcpListener, stalled: Duration) -> Self {
        Self { tcp, stalled }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let mut has_failed = false;
        let (socket, peer) = loop {
            match self.tcp.accept().await {
                Ok(accepted) => break accepted,
                // Out of file descriptors, mostly: trying again at once would only heat the room.
                Err(error) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        warn!("no connection could be accepted: {error}");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        };
        // A frame must not wait for the next one to fill a segment. It only fails on a dead socket.
        let _ = socket.set_nodelay(true);
        (Connection::new(socket, self.stalled), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// An accepted connection.
#[derive(Debug)]
pub struct Connection {
    socket: Arc<Mutex<TcpStream>>,
    stalled: Duration,
    has_spoken: bool,
    is_waiting: bool,
    /// Of the first byte, then of what waits to be written.
    deadline: Pin<Box<Sleep>>,
    pace: Pace,
    /// Bytes that were read and not counted yet.
    unpaid: usize,
    /// Set while nothing is read because too much was.
    pause: Option<Pin<Box<Sleep>>>,
    stranger: Option<Box<Anonymous>>,
}

/// A peer that has proved nothing yet.
#[derive(Debug)]
struct Anonymous {
    stranger: Arc<Stranger>,
    sent_away: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    fn new(socket: TcpStream, stalled: Duration) -> Self {
        Self {
            socket: Arc::new(Mutex::new(socket)),
            stalled,
            has_spoken: false,
            is_waiting: false,
            deadline: Box::pin(sleep(FIRST_BYTE)),
            pace: Pace::new(READING, Instant::now()),
            unpaid: 0,
            pause: None,
            stranger: None,
        }
    }

    /// Something that can tell later when the peer is gone, whatever has become of the connection.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse(Arc::clone(&self.socket))
    }

    /// Whether what the peer says first looks like TLS. Nothing of it is taken.
    pub(crate) async fn begins_tls(&mut self) -> io::Result<bool> {
        let mut first = [0; 1];
        poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut first);
            let peeked = open(&self.socket).poll_peek(context, &mut buffer);
            self.judge(0, context)?;
            match peeked {
                Poll::Pending => {
                    ready!(self.deadline.as_mut().poll(context));
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
                Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            }
        })
        .await?;
        Ok(first[0] == TLS_HANDSHAKE)
    }

    /// Says whose connection it is, until that one has proved a right.
    pub(crate) fn of(mut self, stranger: Arc<Stranger>) -> Self {
        let sent_away = Box::pin(stranger.sent_away());
        self.stranger = Some(Box::new(Anonymous { stranger, sent_away }));
        self
    }

    /// Counts what a stranger said. It ends when it says too much, or when its place is needed.
    fn judge(&mut self, bytes: usize, context: &mut Context<'_>) -> io::Result<()> {
        let Some(anonymous) = &mut self.stranger else { return Ok(()) };
        if anonymous.stranger.is_proved() {
            self.stranger = None;
            return Ok(());
        }
        if !anonymous.stranger.spend(bytes) {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too much from a stranger"));
        }
        match anonymous.sent_away.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "its place was needed")),
            Poll::Pending => Ok(()),
        }
    }

    /// Counts what was read, and reads no more for a while if it is too much.
    fn pay(&mut self, bytes: usize) {
        self.unpaid += bytes;
        // Most connections never read so much that the time matters.
        if self.unpaid >= PAID_AT_ONCE {
            let now = Instant::now();
            let bytes = std::mem::take(&mut self.unpaid);
            self.pace.spend(bytes as u64, now);
            self.pause = self.pace.resumes(now).map(|at| Box::pin(sleep_until(at)));
        }
    }

    /// Passes on what a write came to, unless it has been pending for too long.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        self.judge(0, context)?;
        if !self.is_waiting {
            self.is_waiting = true;
            self.deadline.as_mut().reset(Instant::now() + self.stalled);
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                self.judge(0, context)?;
                return Poll::Pending;
            }
            self.pause = None;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut *open(&self.socket)).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        self.judge(bytes, context)?;
        match read {
            Poll::Pending if !self.has_spoken => {
                ready!(self.deadline.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.has_spoken = true;
                self.pay(bytes);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *open(&self.socket)).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *open(&self.socket)).poll_write_vectored(context, slices);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        open(&self.socket).is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *open(&self.socket)).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *open(&self.socket)).poll_shutdown(context)
    }
}

/// Whether a peer is still there, where nobody reads any more: a request that is not looked at would hide that
/// nothing follows it.
#[derive(Debug)]
pub(crate) struct Pulse(Arc<Mutex<TcpStream>>);

impl Pulse {
    /// Returns when the peer has closed its side, or sends what nobody has asked for without an end.
    pub(crate) async fn stops(self) {
        let mut left = UNASKED;
        let mut scratch = [0; 1024];
        poll_fn(|context| {
            loop {
                let mut buffer = ReadBuf::new(&mut scratch);
                let read = ready!(Pin::new(&mut *open(&self.0)).poll_read(context, &mut buffer));
                let length = buffer.filled().len();
                if read.is_err() || length == 0 || length > left {
                    return Poll::Ready(());
                }
                left -= length;
            }
        })
        .await;
    }
}

fn open(socket: &Mutex<TcpStream>) -> MutexGuard<'_, TcpStream> {
    socket.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a peer may take to say anything at all.
const FIRST_BYTE: Duration = Duration::from_secs(3);
/// The first byte of TLS, and of nothing that an HTTP client says.
const TLS_HANDSHAKE: u8 = 22;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How fast HTTP and WebSocket connections are read. Much more than the packets that a client may send and the
/// longest report: it is for what costs more than its bytes, as frames without any do.
const READING: Rate = Rate { units: 1 << 20, burst: Duration::from_secs(4) };
const PAID_AT_ONCE: usize = 16 * 1024;
/// What may follow the request for something that never ends.
const UNASKED: usize = 64 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::serve::Listener as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_peer_that_takes_nothing_breaks_the_connection() {
        let (mut server, _client) = pair(Duration::from_millis(100)).await;
        let error = server.write_all(&vec![0; LOT]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_takes_a_little_now_and_then_gets_all() {
        let (mut server, mut client) = pair(Duration::from_secs(2)).await;
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; LOT / 100];
            let mut total = 0;
            while total < LOT {
                sleep(Duration::from_millis(30)).await;
                total += client.read(&mut buffer).await.unwrap();
            }
        });
        server.write_all(&vec![0; LOT]).await.unwrap();
        reading.await.unwrap();
    }

    async fn pair(stalled: Duration) -> (Connection, TcpStream) {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listener = Listener::new(tcp, stalled);
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let ((server, _), client) = tokio::join!(listener.accept(), client);
        (server, client.unwrap())
    }

    /// More than the two kernels' buffers hold.
    const LOT: usize = 64 << 20;
}
