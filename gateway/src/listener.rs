//! TCP connections for the HTTP server that do not wait for ever on a peer that takes nothing.
//!
//! A response that never ends, as HTTP-FLV is, asks for more only when the socket has room: a
//! player that stops reading would keep its connection for as long as its kernel answers probes. Nor do
//! they wait long for a peer that says nothing, or for a stranger whose place is needed.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tracing::warn;

use crate::strangers::Stranger;

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
    socket: TcpStream,
    stalled: Duration,
    has_spoken: bool,
    is_waiting: bool,
    /// Of the first byte, then of what waits to be written.
    deadline: Pin<Box<Sleep>>,
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
        let deadline = Box::pin(sleep(FIRST_BYTE));
        Self { socket, stalled, has_spoken: false, is_waiting: false, deadline, stranger: None }
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
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        self.judge(buffer.filled().len() - before, context)?;
        match read {
            Poll::Pending if !self.has_spoken => {
                ready!(self.deadline.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.has_spoken = true;
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
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// How long a peer may take to say anything at all.
const FIRST_BYTE: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
