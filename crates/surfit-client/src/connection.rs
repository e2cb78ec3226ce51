//! One connection to one engine.

use super::{ClientError, frame};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};
use surfit_core::protocol::{ClientMessage, EngineCommand, PROTOCOL_VERSION, ServerMessage};
use surfit_core::run_dir::{FileIdentity, RunDir, RunError};
use surfit_core::snapshot::Snapshot;

/// Time that an engine may take to answer the handshake; it serves its socket on another thread than its work.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection: the caller's thread sends commands, and a reader thread receives messages.
#[derive(Debug)]
pub struct EngineConnection {
    stream: UnixStream,
    welcome: ServerMessage,
    pid: u32,
    next_id: u64,
}

/// Connects to the engine of a run. Events after number `after` follow; with `None` only replies.
///
/// # Errors
/// [`ClientError::NoEngine`] when no engine listens (also for the socket of a dead engine), or one that works in
/// another directory, of which this one is a copy; [`ClientError::Elsewhere`] when an engine works on it on another machine;
/// [`ClientError::Version`] and [`ClientError::Rejected`] from the handshake.
pub fn connect(run: &RunDir, after: Option<u64>) -> Result<EngineConnection, ClientError> {
    connect_as(run, after, false)
}

/// As [`connect`], read-only: the engine refuses all commands of this client.
///
/// # Errors
/// As [`connect`].
pub fn connect_read_only(run: &RunDir, after: Option<u64>) -> Result<EngineConnection, ClientError> {
    connect_as(run, after, true)
}

fn connect_as(dir: &RunDir, after: Option<u64>, readonly: bool) -> Result<EngineConnection, ClientError> {
    let connected = shake_hands(dir, after, readonly);
    match &connected {
        Ok(connection) => tracing::info!(after, readonly, "connected to {:?}", connection.welcome),
        Err(error) => tracing::trace!("no connection: {error}"),
    }
    connected
}

fn shake_hands(dir: &RunDir, after: Option<u64>, readonly: bool) -> Result<EngineConnection, ClientError> {
    let path = dir.trusted_socket().map_err(|error| match error {
        // Another node may have another folder of sockets, and its engine cannot be reached anyway.
        RunError::ForeignSocket(_) if dir.unreachable_engine_node().is_some() => ClientError::unreachable_engine(dir),
        error => error.into(),
    })?;
    let mut stream = UnixStream::connect(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::unreachable_engine(dir),
        _ => ClientError::Io { what: format!("connecting to {}", path.display()), source },
    })?;
    check_peer(&stream, &path)?;
    let setup = |r: io::Result<()>| r.map_err(ClientError::io("cannot prepare the engine's socket"));
    setup(stream.set_read_timeout(Some(HANDSHAKE_TIMEOUT)))?;
    setup(stream.set_write_timeout(Some(HANDSHAKE_TIMEOUT)))?;
    let client = format!("surfit {} (pid {})", env!("CARGO_PKG_VERSION"), std::process::id());
    let (protocol, run) = (PROTOCOL_VERSION, None);
    let hello = ClientMessage::Hello { protocol, client, after, run, readonly, changes: true };
    frame::write(&mut stream, &hello).map_err(|_| ClientError::Closed)?;
    let began = Instant::now();
    let (welcome, pid) = loop {
        match frame::read_server_message(&mut stream)? {
            Some(ServerMessage::Welcome { protocol, .. }) if protocol != PROTOCOL_VERSION => {
                return Err(ClientError::Version { engine: protocol, client: PROTOCOL_VERSION });
            }
            Some(ServerMessage::Welcome { dir: works_in, .. }) if !works_in_directory(dir, works_in, &path) => {
                return Err(ClientError::NoEngine(dir.path().to_owned()));
            }
            Some(welcome @ ServerMessage::Welcome { pid, .. }) => break (welcome, pid),
            Some(ServerMessage::Rejected { reason }) => return Err(ClientError::Rejected(reason)),
            Some(_) => {
                return Err(ClientError::InvalidMessage("it did not start with a welcome".into()));
            }
            None if began.elapsed() > HANDSHAKE_TIMEOUT => {
                return Err(ClientError::Timeout(HANDSHAKE_TIMEOUT.as_secs()));
            }
            None => {}
        }
    };
    setup(stream.set_read_timeout(None))?;
    Ok(EngineConnection { stream, welcome, pid, next_id: 1 })
}

/// True when the engine behind a socket works in the directory. A copy of a run has the socket's path too, and its commands
/// would steer the original.
fn works_in_directory(dir: &RunDir, works_in: Option<FileIdentity>, socket: &Path) -> bool {
    match works_in {
        Some(there) => dir.identity() == Some(there),
        // An engine without the field; a socket is named after the directory.
        None => socket == dir.new_socket_path(),
    }
}

/// Refuses the engine of another user: the socket's folder may be writable by all users.
#[cfg(target_os = "linux")]
fn check_peer(stream: &UnixStream, path: &Path) -> Result<(), ClientError> {
    let peer = rustix::net::sockopt::socket_peercred(stream)
        .map_err(|e| ClientError::io("cannot check the owner of the engine's socket")(e.into()))?;
    check_owner(peer.uid.as_raw(), path)
}

#[cfg(not(target_os = "linux"))]
fn check_peer(_: &UnixStream, path: &Path) -> Result<(), ClientError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().map_err(ClientError::io(path.display().to_string()))?;
    check_owner(metadata.uid(), path)
}

/// Refuses a socket of another user than this process's, the administrator included.
fn check_owner(served_by: u32, path: &Path) -> Result<(), ClientError> {
    if served_by == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(ClientError::ForeignSocket(path.to_owned()))
    }
}

impl EngineConnection {
    pub fn welcome(&self) -> &ServerMessage {
        &self.welcome
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a command and returns its number, which the reply repeats.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the engine is gone, or does not read for ten seconds.
    pub fn send(&mut self, command: EngineCommand) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.send_as(id, command)?;
        self.next_id += 1;
        Ok(id)
    }

    /// Sends a command and waits for its reply, at most for `timeout`.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Timeout`], else as [`EngineConnection::send`].
    pub fn request(&mut self, command: EngineCommand, timeout: Duration) -> Result<(), ClientError> {
        let inbox = self.open_inbox()?;
        let id = self.send(command)?;
        let began = Instant::now();
        while began.elapsed() < timeout {
            match inbox.next_message(Duration::from_millis(200))? {
                Some(ServerMessage::Reply { id: of, error, .. }) if of == id => {
                    return error.map_or(Ok(()), |why| Err(ClientError::Refused(why)));
                }
                _ => {}
            }
        }
        Err(ClientError::Timeout(timeout.as_secs()))
    }

    /// Sends a command with the caller's number.
    ///
    /// # Errors
    /// As [`EngineConnection::send`].
    pub fn send_as(&mut self, id: u64, command: EngineCommand) -> Result<(), ClientError> {
        tracing::info!(id, "{command:?}");
        let message = ClientMessage::Command { id, command };
        frame::write(&mut self.stream, &message).map_err(|_| ClientError::Closed)
    }

    /// Starts the reader thread, which passes everything to `sink` until that returns false or the connection ends: an error
    /// is the last.
    ///
    /// # Errors
    /// [`ClientError::Io`] when no thread or descriptor is available.
    pub fn read_into(
        &self,
        mut sink: impl FnMut(Result<ServerMessage, ClientError>) -> bool + Send + 'static,
    ) -> Result<(), ClientError> {
        let mut stream = self.stream.try_clone().map_err(ClientError::io("cannot share the engine's socket"))?;
        let read = move || {
            let mut deltas = SnapshotDeltas::default();
            loop {
                let message = frame::read_server_message(&mut stream);
                let received = message.and_then(|m| m.map(|m| deltas.expand(m)).transpose()).transpose();
                let Some(received) = received else { continue };
                match &received {
                    Ok(ServerMessage::Reply { id, error, .. }) => tracing::info!(id, ?error, "reply"),
                    Ok(_) => {}
                    Err(error) => tracing::info!("the connection ended: {error}"),
                }
                let over = received.is_err();
                if !sink(received) || over {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("engine reader".into())
            .spawn(read)
            .map(drop)
            .map_err(ClientError::io("starting a thread"))
    }

    /// As [`EngineConnection::read_into`], into a bounded channel: a client that does not keep up slows its own reader, and
    /// the engine then drops snapshots for it.
    ///
    /// # Errors
    /// As [`EngineConnection::read_into`].
    pub fn open_inbox(&self) -> Result<MessageInbox, ClientError> {
        let (sender, receiver) = sync_channel(64);
        self.read_into(move |received| sender.send(received).is_ok())?;
        Ok(MessageInbox { receiver })
    }
}

/// Makes whole snapshots of those of which only what is new was sent, on top of the one before.
#[derive(Debug, Default)]
pub struct SnapshotDeltas {
    latest: Option<Box<Snapshot>>,
}

impl SnapshotDeltas {
    /// Returns the message with a whole snapshot in the place of a change.
    ///
    /// # Errors
    /// [`ClientError::InvalidMessage`] for a change to what was not sent.
    pub fn expand(&mut self, message: ServerMessage) -> Result<ServerMessage, ClientError> {
        let snapshot =
            match message {
                ServerMessage::Snapshot(snapshot) => snapshot,
                ServerMessage::Changed(delta) => {
                    let snapshot = self.latest.as_ref().and_then(|latest| delta.apply_to(latest));
                    Box::new(snapshot.ok_or_else(|| {
                        ClientError::InvalidMessage("a change to a snapshot that was not sent".into())
                    })?)
                }
                other => return Ok(other),
            };
        self.latest = Some(snapshot.clone());
        Ok(ServerMessage::Snapshot(snapshot))
    }
}

impl Drop for EngineConnection {
    fn drop(&mut self) {
        // The reader thread holds a clone of the descriptor and would wait on it for ever.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// The incoming half of a [`EngineConnection`].
#[derive(Debug)]
pub struct MessageInbox {
    receiver: Receiver<Result<ServerMessage, ClientError>>,
}

impl MessageInbox {
    /// Returns the next message, or `None` after `timeout`.
    ///
    /// # Errors
    /// The reason why the connection ended.
    pub fn next_message(&self, timeout: Duration) -> Result<Option<ServerMessage>, ClientError> {
        match self.receiver.recv_timeout(timeout) {
            Ok(received) => received.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(ClientError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_was_sent_by_what_is_new_comes_out_whole() {
        let degrees = surfit_core::config::Config::default().degrees();
        let first = Snapshot::empty(degrees, 41);
        let mut next = first.clone();
        next.heatmap.cells[1234].images = 7;
        next.fit_step = 99;
        let changed = || ServerMessage::Changed(Box::new(next.diff(&first).unwrap()));
        let mut deltas = SnapshotDeltas::default();
        assert!(matches!(deltas.expand(changed()), Err(ClientError::InvalidMessage(_))));
        deltas.expand(ServerMessage::Snapshot(Box::new(first.clone()))).unwrap();
        let came = deltas.expand(changed()).unwrap();
        assert_eq!(came, ServerMessage::Snapshot(Box::new(next.clone())));
        assert_eq!(deltas.latest.as_deref(), Some(&next));
    }

    #[test]
    fn only_a_socket_of_the_own_user_is_trusted() {
        let me = rustix::process::geteuid().as_raw();
        let path = Path::new("/run/user/1000/surfit/0.sock");
        assert!(check_owner(me, path).is_ok());
        for other in [me + 1, me.wrapping_sub(1), 65_534, u32::MAX] {
            let refused = check_owner(other, path).unwrap_err();
            assert!(matches!(&refused, ClientError::ForeignSocket(p) if p == path), "{other}: {refused}");
        }
        // The two ends of a pair have this process's user.
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(!cfg!(target_os = "linux") || check_peer(&one, path).is_ok());
    }
}
