//! The socket: serves any number of clients of the run's owner.

use crate::actor::Request;
use crate::journal::Feed;
use crate::{Error, Result};
use futures_util::SinkExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;
use surfit_core::protocol::{ClientMessage, Command, MAX_FRAME, ServerMessage, VERSION};
use surfit_core::run_dir::{RunDir, read_events};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// What every connection needs to know.
#[derive(Clone, Debug)]
pub struct Service {
    /// The run that is served.
    pub run: RunDir,
    /// Events and snapshots.
    pub feed: Feed,
    /// Where commands go.
    pub requests: SyncSender<Request>,
}

/// Time for a client to say hello, and to take a frame before it is cut off.
const PATIENCE: Duration = Duration::from_secs(20);

type Frames = Framed<UnixStream, LengthDelimitedCodec>;

/// The bound socket; its file goes when this does.
#[derive(Debug)]
pub struct Socket {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Binds the run's socket in its private folder. A file that an engine left behind is replaced: the caller holds
    /// the run's lock, so nobody listens there.
    ///
    /// # Errors
    /// When the folder belongs to somebody else, or the socket cannot be made.
    pub fn bind(run: &RunDir) -> Result<Self> {
        let path = run.new_socket_path();
        private_folder(path.parent().unwrap_or(Path::new("/")))?;
        crate::checkpoint::remove_file(&path)?;
        let listener = std::os::unix::net::UnixListener::bind(&path).map_err(Error::io(&path))?;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).map_err(Error::io(&path))?;
        listener.set_nonblocking(true).map_err(Error::io(&path))?;
        let note = run.join("socket");
        let text = path.display().to_string();
        let there = std::fs::read_to_string(&note).is_ok_and(|said| said == text);
        if !there && surfit_core::files::write_atomic(&note, text.as_bytes()).is_err() {
            // A full disk must not keep a run from going on. Without a note clients look where this engine listens,
            // unless they live in another environment; a wrong note would mislead them.
            crate::checkpoint::remove_file(&note)?;
        }
        Ok(Self { listener, path })
    }

    /// The listener for the runtime.
    fn listen(&self) -> Result<UnixListener> {
        let listener = self.listener.try_clone().map_err(Error::io(&self.path))?;
        UnixListener::from_std(listener).map_err(Error::io(&self.path))
    }
}

fn private_folder(folder: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(Error::io(folder))?;
    let facts = std::fs::symlink_metadata(folder).map_err(Error::io(folder))?;
    let me = rustix::process::geteuid().as_raw();
    if !facts.is_dir() || facts.uid() != me {
        return Err(Error::input(format!(
            "{} belongs to another user; remove it or set XDG_RUNTIME_DIR to a folder of your own",
            folder.display()
        )));
    }
    if facts.mode() & 0o077 != 0 {
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder, mode).map_err(Error::io(folder))?;
    }
    Ok(())
}

/// Serves until `stop` fires, then lets every connection take what was said last, for a moment.
///
/// # Errors
/// When the runtime or the listener cannot be set up.
pub fn serve(socket: Socket, service: Service, mut stop: oneshot::Receiver<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("tokio runtime"))?;
    runtime.block_on(async move {
        let mut socket = socket;
        let mut listener = socket.listen()?;
        let mut watch = tokio::time::interval(Duration::from_secs(2));
        let mut clients = tokio::task::JoinSet::new();
        let asked_to_end = end_on_signals(service.requests.clone());
        tokio::pin!(asked_to_end);
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = &mut asked_to_end => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => { clients.spawn(client(stream, service.clone())); }
                    // Out of descriptors, say: clients that leave will free some.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                Some(_) = clients.join_next() => {}
                // A logout can take the user's runtime folder away from under a running engine.
                _ = watch.tick() => {
                    if !socket.path.exists() && let Ok(new) = Socket::bind(&service.run) {
                        listener = new.listen()?;
                        socket = new;
                    }
                }
            }
        }
        // The feed ends when the journal is gone; connections drain and close by themselves.
        drop(service);
        let drain = async { while clients.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(700), drain).await;
        Ok(())
    })
}

/// Turns the first SIGTERM or SIGINT into a shutdown in good order. The engine has a session of its own, so a
/// hang-up of a terminal never reaches it.
async fn end_on_signals(requests: SyncSender<Request>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        let request = Request {
            command: Command::Shutdown,
            reply: oneshot::channel().0,
        };
        let _ = requests.try_send(request);
    }
}

async fn client(stream: UnixStream, service: Service) {
    let me = rustix::process::geteuid().as_raw();
    if stream.peer_cred().map(|c| c.uid()).ok() != Some(me) {
        return;
    }
    let codec = LengthDelimitedCodec::builder()
        .max_frame_length(MAX_FRAME)
        .new_codec();
    let mut frames = Framed::new(stream, codec);
    let hello = tokio::time::timeout(PATIENCE, receive(&mut frames)).await;
    let refusal = match hello {
        Ok(Some(Ok(ClientMessage::Hello {
            protocol, after, ..
        }))) if protocol == VERSION => {
            let welcome = ServerMessage::Welcome {
                protocol: VERSION,
                engine: env!("CARGO_PKG_VERSION").into(),
                run: service.run.id(),
                pid: std::process::id(),
            };
            if send(&mut frames, &welcome).await.is_ok() {
                // However it ends, the client is gone; the engine goes on.
                let _ = talk(&mut frames, service, after).await;
            }
            return;
        }
        Ok(Some(Ok(ClientMessage::Hello { protocol, .. }))) => format!(
            "this engine speaks protocol {VERSION}, the client {protocol}; use the surfit that started the run \
             (version {}), or stop the run and resume it with yours",
            env!("CARGO_PKG_VERSION")
        ),
        Ok(Some(Ok(ClientMessage::Command { .. }))) => "the first message must be a hello".into(),
        Ok(Some(Err(why))) => format!("that is no message of surfit's protocol: {why}"),
        Ok(None) | Err(_) => return,
    };
    let _ = send(&mut frames, &ServerMessage::Rejected { reason: refusal }).await;
}

/// The next message: `None` at the end, `Some(Err)` for bytes that are no message.
async fn receive(frames: &mut Frames) -> Option<std::result::Result<ClientMessage, String>> {
    match frames.next().await? {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|e| e.to_string())),
        Err(e) => Some(Err(e.to_string())),
    }
}

/// The client is gone, or too slow.
struct Gone;

async fn send(frames: &mut Frames, message: &ServerMessage) -> std::result::Result<(), Gone> {
    let bytes = serde_json::to_vec(message).map_err(|_| Gone)?;
    match tokio::time::timeout(PATIENCE, frames.send(bytes::Bytes::from(bytes))).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Gone),
    }
}

async fn talk(
    frames: &mut Frames,
    service: Service,
    after: Option<u64>,
) -> std::result::Result<(), Gone> {
    let Service {
        run,
        feed,
        requests,
    } = service;
    let _viewer = feed.viewer();
    // Listening begins before the file is read, so that nothing falls between.
    let mut live = feed.events();
    let mut snapshots = feed.snapshots();
    // A feed kept here would keep the channels open after the journal is gone.
    drop(feed);
    let wants_events = after.is_some();
    let mut sent = after.unwrap_or(u64::MAX);
    if wants_events {
        catch_up(frames, &run, &mut sent).await?;
    }
    snapshots.mark_changed();
    let (replies_in, mut replies) = mpsc::channel::<(u64, u64, Option<String>)>(64);
    loop {
        tokio::select! {
            biased;
            message = receive(frames) => match message {
                None => return Ok(()),
                Some(Ok(ClientMessage::Command { id, command })) => {
                    if let Err(error) = pass_on(&requests, id, command, &replies_in) {
                        send(frames, &ServerMessage::Reply { id, error: Some(error) }).await?;
                    }
                }
                Some(Ok(ClientMessage::Hello { .. })) => {}
                Some(Err(why)) => {
                    let reason = format!("that is no message of surfit's protocol: {why}");
                    return send(frames, &ServerMessage::Rejected { reason }).await;
                }
            },
            event = live.recv() => match event {
                Ok(event) if event.seq <= sent => {}
                Ok(event) if event.seq == sent + 1 => {
                    sent = event.seq;
                    send(frames, &ServerMessage::Event((*event).clone())).await?;
                }
                // It fell behind: the file has everything.
                Ok(_) | Err(RecvError::Lagged(_)) => catch_up(frames, &run, &mut sent).await?,
                Err(RecvError::Closed) => return Ok(()),
            },
            Some((id, seq, error)) = replies.recv() => {
                while wants_events && sent < seq {
                    match live.try_recv() {
                        Ok(event) if event.seq == sent + 1 => {
                            sent = event.seq;
                            send(frames, &ServerMessage::Event((*event).clone())).await?;
                        }
                        Ok(event) if event.seq <= sent => {}
                        Ok(_) | Err(TryRecvError::Lagged(_)) => {
                            catch_up(frames, &run, &mut sent).await?;
                        }
                        Err(_) => break,
                    }
                }
                send(frames, &ServerMessage::Reply { id, error }).await?;
            }
            changed = snapshots.changed(), if wants_events => {
                if changed.is_err() {
                    return Ok(());
                }
                let latest = snapshots.borrow_and_update().clone();
                if let Some(snapshot) = latest {
                    send(frames, &ServerMessage::Snapshot(Box::new((*snapshot).clone()))).await?;
                }
            }
        }
    }
}

async fn catch_up(
    frames: &mut Frames,
    run: &RunDir,
    sent: &mut u64,
) -> std::result::Result<(), Gone> {
    for envelope in read_events(&run.events_path(), *sent).map_err(|_| Gone)? {
        *sent = envelope.seq;
        send(frames, &ServerMessage::Event(envelope)).await?;
    }
    Ok(())
}

fn pass_on(
    requests: &SyncSender<Request>,
    id: u64,
    command: Command,
    replies: &mpsc::Sender<(u64, u64, Option<String>)>,
) -> std::result::Result<(), String> {
    let (reply, answer) = oneshot::channel();
    match requests.try_send(Request { command, reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            return Err("the engine has too many commands waiting; try again".into());
        }
        Err(TrySendError::Disconnected(_)) => return Err("the engine is closing".into()),
    }
    let replies = replies.clone();
    tokio::spawn(async move {
        let (seq, error) = answer
            .await
            .unwrap_or((0, Some("the engine closed before it answered".into())));
        let _ = replies.send((id, seq, error)).await;
    });
    Ok(())
}
