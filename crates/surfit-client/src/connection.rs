//! One connection to one engine.

use super::{ClientError, frame};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use surfit_core::heatmap::Heatmap;
use surfit_core::protocol::{ClientMessage, EngineCommand, PROTOCOL_VERSION, ServerMessage};
use surfit_core::run_dir::{FileIdentity, RunDir, RunError};

/// Time that an engine may take to answer the handshake; it serves its socket on another thread than its work.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the engine reports about itself in its welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineGreeting {
    /// The engine's program version.
    pub engine: String,
    /// Id of the run that the engine works on.
    pub run: String,
    /// Process id of the engine.
    pub pid: u32,
}

/// What a reader thread forwards.
#[derive(Debug)]
pub enum ReceivedMessage {
    /// A message from the engine.
    Message(ServerMessage),
    /// The connection ended, and why. Nothing follows.
    Lost(ClientError),
}

/// A connection: the caller's thread sends commands, and a reader thread receives messages.
#[derive(Debug)]
pub struct EngineConnection {
    stream: UnixStream,
    welcome: EngineGreeting,
    next_id: u64,
}

/// Connects to the engine of a run. Events after number `after` follow; with `None` only replies.
///
/// # Errors
/// [`ClientError::NoEngine`] when no engine listens (also for the socket that a dead engine left), or one that works in
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
        RunError::ForeignSocket(_) if dir.unreachable_engine_node().is_some() => ClientError::unreachable(dir),
        error => error.into(),
    })?;
    let mut stream = UnixStream::connect(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::unreachable(dir),
        _ => ClientError::Io { what: format!("connecting to {}", path.display()), source },
    })?;
    check_peer(&stream, &path)?;
    let setup = |r: io::Result<()>| r.map_err(ClientError::io("cannot prepare the engine's socket"));
    setup(stream.set_read_timeout(Some(HANDSHAKE_TIMEOUT)))?;
    setup(stream.set_write_timeout(Some(HANDSHAKE_TIMEOUT)))?;
    let client = format!("surfit {} (pid {})", env!("CARGO_PKG_VERSION"), std::process::id());
    let hello = ClientMessage::Hello { protocol: PROTOCOL_VERSION, client, after, readonly, changes: true };
    frame::write(&mut stream, &hello).map_err(|_| ClientError::Closed)?;
    let began = Instant::now();
    let welcome = loop {
        match frame::read(&mut stream)? {
            Some(ServerMessage::Welcome { protocol, engine, run, pid, dir: works_in }) => {
                if protocol != PROTOCOL_VERSION {
                    return Err(ClientError::Version { engine: protocol, client: PROTOCOL_VERSION });
                }
                if !works_in_directory(dir, works_in, &path) {
                    return Err(ClientError::NoEngine(dir.path().to_owned()));
                }
                break EngineGreeting { engine, run, pid };
            }
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
    Ok(EngineConnection { stream, welcome, next_id: 1 })
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
    /// What the engine reports about itself in its welcome.
    pub fn welcome(&self) -> &EngineGreeting {
        &self.welcome
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

    /// Sends a command with the caller's number.
    ///
    /// # Errors
    /// As [`EngineConnection::send`].
    pub fn send_as(&mut self, id: u64, command: EngineCommand) -> Result<(), ClientError> {
        tracing::info!(id, "{command:?}");
        let message = ClientMessage::Command { id, command };
        frame::write(&mut self.stream, &message).map_err(|_| ClientError::Closed)
    }

    /// Starts the reader thread, which passes everything to `sink` until that returns false or the connection ends.
    ///
    /// # Errors
    /// [`ClientError::Io`] when no thread or descriptor is available.
    pub fn read_into(&self, mut sink: impl FnMut(ReceivedMessage) -> bool + Send + 'static) -> Result<(), ClientError> {
        let mut stream = self.stream.try_clone().map_err(ClientError::io("cannot share the engine's socket"))?;
        let read = move || {
            let mut shown = None;
            loop {
                match frame::read(&mut stream).and_then(|m| m.map(|m| expand_delta(m, &mut shown)).transpose()) {
                    Ok(Some(message)) => {
                        if let ServerMessage::Reply { id, error, .. } = &message {
                            tracing::info!(id, ?error, "reply");
                        }
                        if !sink(ReceivedMessage::Message(message)) {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::info!("the connection ended: {error}");
                        sink(ReceivedMessage::Lost(error));
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

    /// As [`EngineConnection::read_into`], into a bounded channel: a client that does not keep up slows its own reader, and
    /// the engine then drops snapshots for it.
    ///
    /// # Errors
    /// As [`EngineConnection::read_into`].
    pub fn open_inbox(&self) -> Result<MessageInbox, ClientError> {
        let (sender, receiver): (SyncSender<ReceivedMessage>, _) = sync_channel(64);
        self.read_into(move |received| sender.send(received).is_ok())?;
        Ok(MessageInbox { receiver })
    }
}

/// Expands a snapshot delta with the heatmap of the snapshot before; returns other messages unchanged.
fn expand_delta(message: ServerMessage, shown: &mut Option<Heatmap>) -> Result<ServerMessage, ClientError> {
    match message {
        ServerMessage::Snapshot(snapshot) => {
            *shown = Some(snapshot.heatmap.clone());
            Ok(ServerMessage::Snapshot(snapshot))
        }
        ServerMessage::Changed(changed) => {
            let snapshot = shown.as_mut().and_then(|heatmap| changed.apply_to(heatmap));
            snapshot
                .map(|snapshot| ServerMessage::Snapshot(Box::new(snapshot)))
                .ok_or_else(|| ClientError::InvalidMessage("a delta without its snapshot".into()))
        }
        other => Ok(other),
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
    receiver: Receiver<ReceivedMessage>,
}

impl MessageInbox {
    /// Returns the next message, or `None` after `timeout`.
    ///
    /// # Errors
    /// The reason why the connection ended.
    pub fn next(&self, timeout: Duration) -> Result<Option<ServerMessage>, ClientError> {
        match self.receiver.recv_timeout(timeout) {
            Ok(ReceivedMessage::Message(message)) => Ok(Some(message)),
            Ok(ReceivedMessage::Lost(error)) => Err(error),
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
        use surfit_core::snapshot::Snapshot;
        let degrees = surfit_core::config::Config::default().degrees();
        let first = Snapshot::empty(degrees, 41);
        let mut next = first.clone();
        next.heatmap.cells[1234].images = 7;
        next.fit_step = 99;
        let changed = || ServerMessage::Changed(Box::new(next.diff(&first.heatmap).unwrap()));
        let mut shown = None;
        assert!(matches!(expand_delta(changed(), &mut shown), Err(ClientError::InvalidMessage(_))));
        expand_delta(ServerMessage::Snapshot(Box::new(first.clone())), &mut shown).unwrap();
        let came = expand_delta(changed(), &mut shown).unwrap();
        assert_eq!(came, ServerMessage::Snapshot(Box::new(next.clone())));
        assert_eq!(shown, Some(next.heatmap.clone()));
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
