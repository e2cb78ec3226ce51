//! One conversation with one engine.

use super::{ClientError, frame};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use surfit_core::protocol::{ClientMessage, Command, ServerMessage, VERSION};
use surfit_core::run_dir::RunDir;

/// How long an engine may take to answer the handshake; it serves its socket apart from its work.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the engine said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The engine's program version.
    pub engine: String,
    /// Run id.
    pub run: String,
    /// Process id of the engine.
    pub pid: u32,
}

/// What a reader thread hands on.
#[derive(Debug)]
pub enum Received {
    /// A message.
    Message(ServerMessage),
    /// The conversation is over, and why. Nothing follows.
    Lost(ClientError),
}

/// A conversation: commands go out from the caller's thread, messages come in on a reader thread.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    welcome: Welcome,
    next_id: u64,
}

/// Greets the engine of a run. Events after number `after` will follow; with `None` only replies.
///
/// # Errors
/// [`ClientError::NoEngine`] when nobody listens (also for the socket that a dead engine left),
/// [`ClientError::Version`] and [`ClientError::Rejected`] from the handshake.
pub fn connect(run: &RunDir, after: Option<u64>) -> Result<Connection, ClientError> {
    let path = run.socket_path();
    let mut stream = UnixStream::connect(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            ClientError::NoEngine(run.path().to_owned())
        }
        _ => ClientError::Io {
            what: format!("connecting to {}", path.display()),
            source,
        },
    })?;
    trust(&stream, &path)?;
    let setup = |r: io::Result<()>| r.map_err(ClientError::io("preparing the engine's socket"));
    setup(stream.set_read_timeout(Some(HANDSHAKE)))?;
    setup(stream.set_write_timeout(Some(HANDSHAKE)))?;
    let client = format!(
        "surfit {} (pid {})",
        env!("CARGO_PKG_VERSION"),
        std::process::id()
    );
    let hello = ClientMessage::Hello {
        protocol: VERSION,
        client,
        after,
    };
    frame::write(&mut stream, &hello).map_err(|_| ClientError::Closed)?;
    let began = Instant::now();
    let welcome = loop {
        match frame::read(&mut stream)? {
            Some(ServerMessage::Welcome {
                protocol,
                engine,
                run,
                pid,
            }) => {
                if protocol != VERSION {
                    return Err(ClientError::Version {
                        engine: protocol,
                        client: VERSION,
                    });
                }
                break Welcome { engine, run, pid };
            }
            Some(ServerMessage::Rejected { reason }) => return Err(ClientError::Rejected(reason)),
            Some(_) => {
                return Err(ClientError::Garbage(
                    "it did not begin with a welcome".into(),
                ));
            }
            None if began.elapsed() > HANDSHAKE => {
                return Err(ClientError::Timeout(HANDSHAKE.as_secs()));
            }
            None => {}
        }
    };
    setup(stream.set_read_timeout(None))?;
    Ok(Connection {
        stream,
        welcome,
        next_id: 1,
    })
}

/// The socket's folder can be in a place that all users may write to: somebody else's engine is not spoken to.
#[cfg(target_os = "linux")]
fn trust(stream: &UnixStream, path: &Path) -> Result<(), ClientError> {
    let peer = rustix::net::sockopt::socket_peercred(stream)
        .map_err(|e| ClientError::io("asking who serves the engine's socket")(e.into()))?;
    if peer.uid == rustix::process::geteuid() {
        Ok(())
    } else {
        Err(ClientError::Foreign(path.to_owned()))
    }
}

#[cfg(not(target_os = "linux"))]
fn trust(_: &UnixStream, path: &Path) -> Result<(), ClientError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path
        .metadata()
        .map_err(ClientError::io(path.display().to_string()))?;
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(ClientError::Foreign(path.to_owned()))
    }
}

impl Connection {
    /// What the engine said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Sends a command and returns its number, which comes back in the reply.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the engine is gone, or does not read for ten seconds.
    pub fn send(&mut self, command: Command) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.send_as(id, command)?;
        self.next_id += 1;
        Ok(id)
    }

    /// Sends a command under a number of the caller's.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_as(&mut self, id: u64, command: Command) -> Result<(), ClientError> {
        let message = ClientMessage::Command { id, command };
        frame::write(&mut self.stream, &message).map_err(|_| ClientError::Closed)
    }

    /// Starts the reader thread, which hands everything to `sink` until that returns false or the conversation ends.
    ///
    /// # Errors
    /// [`ClientError::Io`] when the system gives no thread or descriptor.
    pub fn read_into(
        &self,
        mut sink: impl FnMut(Received) -> bool + Send + 'static,
    ) -> Result<(), ClientError> {
        let mut stream = self
            .stream
            .try_clone()
            .map_err(ClientError::io("sharing the engine's socket"))?;
        let read = move || {
            loop {
                match frame::read(&mut stream) {
                    Ok(Some(message)) => {
                        if !sink(Received::Message(message)) {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        sink(Received::Lost(error));
                        return;
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("engine reader".into())
            .spawn(read)
            .map(drop)
            .map_err(ClientError::io("starting a thread"))
    }

    /// As [`Connection::read_into`], into a bounded channel: a client that does not keep up slows its own reader, and
    /// the engine then drops snapshots for it.
    ///
    /// # Errors
    /// As [`Connection::read_into`].
    pub fn inbox(&self) -> Result<Inbox, ClientError> {
        let (sender, receiver): (SyncSender<Received>, _) = sync_channel(64);
        self.read_into(move |received| sender.send(received).is_ok())?;
        Ok(Inbox { receiver })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The reader thread holds a clone of the descriptor and would wait on it for ever.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// The incoming half of a [`Connection`].
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<Received>,
}

impl Inbox {
    /// The next message, or `None` when `timeout` passes without one.
    ///
    /// # Errors
    /// Why the conversation ended.
    pub fn next(&self, timeout: Duration) -> Result<Option<ServerMessage>, ClientError> {
        match self.receiver.recv_timeout(timeout) {
            Ok(Received::Message(message)) => Ok(Some(message)),
            Ok(Received::Lost(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(ClientError::Closed),
        }
    }
}
