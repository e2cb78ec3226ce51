//! The socket: serves any number of clients of the run's owner.

mod socket;

pub use socket::BoundSocket;

use crate::actor::{CommandAnswer, CommandRequest};
use crate::journal::{EventBus, SharedBacklog};
use crate::{EngineError, Result};
use futures_util::SinkExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use surfit_core::event::Envelope;
use surfit_core::protocol::{
    ClientMessage, CommandError, CommandErrorCode, EngineCommand, EventSpan, MAX_FRAME_BYTES, PROTOCOL_VERSION,
    READONLY_ERROR, ServerMessage,
};
use surfit_core::run_dir::{EventTail, FileIdentity, RunDir};
use surfit_core::snapshot::Snapshot;
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

#[derive(Clone, Debug)]
pub struct ServerContext {
    pub run: RunDir,
    /// Its directory, wherever that is moved to.
    pub directory: Option<FileIdentity>,
    pub event_bus: EventBus,
    pub requests: SyncSender<CommandRequest>,
    /// How the actor ended, set before what waits for it is dropped: what it did not answer any more is answered with that.
    pub actor_end: Arc<OnceLock<ActorEnd>>,
}

pub type ActorEnd = std::result::Result<(), CommandError>;

/// The client id of requests that signals cause.
const SIGNAL_CLIENT: u64 = 0;

/// Time limit for a client's hello, and for its reading a frame before it is disconnected.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(20);

type FrameStream = Framed<UnixStream, LengthDelimitedCodec>;

/// Serves until `stop` fires, then briefly lets every connection send its last messages.
pub fn serve(socket: BoundSocket, service: ServerContext, mut stop: oneshot::Receiver<()>) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(EngineError::io("tokio runtime"))?;
    runtime.block_on(async move {
        let mut socket = socket;
        let mut listener = socket.tokio_listener()?;
        let mut watch = tokio::time::interval(Duration::from_secs(2));
        let mut clients = tokio::task::JoinSet::new();
        let signals = handle_signals(service.requests.clone());
        tokio::pin!(signals);
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = &mut signals => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => { clients.spawn(serve_client(stream, service.clone())); }
                    // For example out of descriptors: clients that disconnect free some.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                Some(_) = clients.join_next() => {}
                // A logout can take the user's runtime folder away from under a running engine.
                _ = watch.tick() => {
                    // What fails is tried again: a lack of descriptors passes.
                    if let Ok(Some(new)) = socket.rebind_if_missing(&service.run) {
                        listener = new;
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

/// Turns SIGTERM and SIGINT into a shutdown in good order, SIGUSR1 and SIGUSR2 into a checkpoint. The engine has a session
/// of its own, so a hang-up of a terminal never reaches it.
async fn handle_signals(requests: SyncSender<CommandRequest>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int), Ok(mut first), Ok(mut second)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::user_defined1()),
        signal(SignalKind::user_defined2()),
    ) else {
        return std::future::pending().await;
    };
    loop {
        let command = tokio::select! {
            _ = term.recv() => EngineCommand::Shutdown,
            _ = int.recv() => EngineCommand::Shutdown,
            _ = first.recv() => EngineCommand::Checkpoint,
            _ = second.recv() => EngineCommand::Checkpoint,
        };
        let (reply, answer) = oneshot::channel();
        let client = SIGNAL_CLIENT;
        let _ = requests.try_send(CommandRequest { client, command, reply });
        tokio::spawn(async move {
            if let Ok(CommandAnswer { error: Some(error), .. }) = answer.await {
                tracing::warn!("after a signal: {error}");
            }
        });
    }
}

/// True for a client of the run's owner; false when the system does not report the client's user.
fn is_run_owner(user: std::io::Result<u32>) -> bool {
    user.is_ok_and(|user| user == rustix::process::geteuid().as_raw())
}

async fn serve_client(stream: UnixStream, service: ServerContext) {
    if !is_run_owner(stream.peer_cred().map(|c| c.uid())) {
        tracing::warn!("a client of another user was turned away");
        return;
    }
    let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME_BYTES).new_codec();
    let mut frames = Framed::new(stream, codec);
    let hello = tokio::time::timeout(CLIENT_TIMEOUT, receive_message(&mut frames)).await;
    let refusal = match hello {
        Ok(Some(Ok(ClientMessage::Hello { protocol, client: name, after, readonly, changes, .. })))
            if protocol == PROTOCOL_VERSION =>
        {
            let welcome = ServerMessage::Welcome {
                protocol: PROTOCOL_VERSION,
                engine: env!("CARGO_PKG_VERSION").into(),
                run: service.run.id(),
                pid: std::process::id(),
                dir: service.directory,
            };
            if send_message(&mut frames, &welcome).await.is_ok() {
                static NEXT_CLIENT: AtomicU64 = AtomicU64::new(SIGNAL_CLIENT + 1);
                let client = NEXT_CLIENT.fetch_add(1, Ordering::Relaxed);
                tracing::info!(client, after, readonly, "client {name} came");
                // However it ends, the client is gone; the engine continues.
                let _ = exchange_messages(&mut frames, service, client, after, readonly, changes).await;
                tracing::info!(client, "client {name} left");
            }
            return;
        }
        Ok(Some(Ok(ClientMessage::Hello { protocol, .. }))) => format!(
            "this engine speaks protocol {PROTOCOL_VERSION}, the client {protocol}; use the surfit that started the run \
             (version {}), or stop the run and resume it with yours",
            env!("CARGO_PKG_VERSION")
        ),
        Ok(Some(Ok(ClientMessage::Command { .. } | ClientMessage::Bridge(_)))) => {
            "the first message must be a hello".into()
        }
        Ok(Some(Err(why))) => format!("that is no message of surfit's protocol: {why}"),
        Ok(None) | Err(_) => return,
    };
    tracing::info!("a client was refused: {refusal}");
    let _ = send_message(&mut frames, &ServerMessage::Rejected { reason: refusal }).await;
}

/// The next message: `None` at the end, `Some(Err)` for bytes that are no message.
async fn receive_message(frames: &mut FrameStream) -> Option<std::io::Result<ClientMessage>> {
    let frame = frames.next().await?;
    Some(frame.and_then(|bytes| serde_json::from_slice(&bytes).map_err(std::io::Error::from)))
}

/// The client is gone, or too slow.
struct ClientGone;

async fn send_message(frames: &mut FrameStream, message: &ServerMessage) -> std::result::Result<(), ClientGone> {
    let bytes = serde_json::to_vec(message).map_err(|_| ClientGone)?;
    match tokio::time::timeout(CLIENT_TIMEOUT, frames.send(bytes::Bytes::from(bytes))).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(ClientGone),
    }
}

async fn exchange_messages(
    frames: &mut FrameStream,
    service: ServerContext,
    client: u64,
    after: Option<u64>,
    readonly: bool,
    changes: bool,
) -> std::result::Result<(), ClientGone> {
    let ServerContext { run, event_bus: feed, requests, actor_end: end, .. } = service;
    let _viewer = feed.subscriber_guard();
    // Listening begins before the file is read, so that nothing falls between.
    let mut live = feed.events.subscribe();
    let mut snapshots = feed.snapshots.subscribe();
    let history = EventHistory { run, backlog: feed.backlog.clone() };
    // A feed kept here would keep the channels open after the journal is gone.
    drop(feed);
    let wants_events = after.is_some();
    let mut sent = after.unwrap_or(u64::MAX);
    if wants_events {
        send_missed_events(frames, &history, &mut sent).await?;
    }
    snapshots.mark_changed();
    let mut shown: Option<Arc<Snapshot>> = None;
    let (replies_in, mut replies) = mpsc::channel::<(u64, CommandAnswer)>(64);
    loop {
        tokio::select! {
            biased;
            message = receive_message(frames) => match message {
                None => return Ok(()),
                Some(Ok(ClientMessage::Command { id, .. })) if readonly => {
                    let error = Some(CommandError::new(CommandErrorCode::ReadOnly, READONLY_ERROR));
                    let events = None;
                    send_message(frames, &ServerMessage::Reply { id, error, events }).await?;
                }
                Some(Ok(ClientMessage::Command { id, command })) => {
                    let forwarded = forward_command(&requests, client, (id, command), &replies_in, &end);
                    if let Err(answer) = forwarded {
                        let error = answer.err();
                        let events = None;
                        send_message(frames, &ServerMessage::Reply { id, error, events }).await?;
                    }
                }
                Some(Ok(ClientMessage::Hello { .. })) => {}
                Some(Ok(ClientMessage::Bridge(_))) => {
                    let reason = "an engine does not serve that; ask `surfit bridge`".into();
                    return send_message(frames, &ServerMessage::Rejected { reason }).await;
                }
                Some(Err(why)) => {
                    let reason = format!("that is no message of surfit's protocol: {why}");
                    return send_message(frames, &ServerMessage::Rejected { reason }).await;
                }
            },
            event = live.recv() => match event {
                Ok(event) => send_live_event(frames, &history, Some(event), &mut sent).await?,
                Err(RecvError::Lagged(_)) => send_live_event(frames, &history, None, &mut sent).await?,
                Err(RecvError::Closed) => {
                    // Clients that requested the end, and those whose commands wait, are answered nevertheless.
                    drop(replies_in);
                    while let Some((id, answer)) = replies.recv().await {
                        send_message(frames, &reply_message(id, answer)).await?;
                    }
                    return Ok(());
                }
            },
            Some((id, answer)) = replies.recv() => {
                while wants_events && sent < answer.events.last {
                    let event = match live.try_recv() {
                        Ok(event) => Some(event),
                        Err(TryRecvError::Lagged(_)) => None,
                        Err(_) => break,
                    };
                    send_live_event(frames, &history, event, &mut sent).await?;
                }
                send_message(frames, &reply_message(id, answer)).await?;
            }
            changed = snapshots.changed(), if wants_events => {
                if changed.is_err() {
                    return Ok(());
                }
                let latest = snapshots.borrow_and_update().clone();
                if let Some(snapshot) = latest {
                    let before = shown.as_ref().filter(|_| changes);
                    let message = match before.and_then(|s| snapshot.diff(s)) {
                        Some(changed) => ServerMessage::Changed(Box::new(changed)),
                        None => ServerMessage::Snapshot(Box::new((*snapshot).clone())),
                    };
                    send_message(frames, &message).await?;
                    shown = Some(snapshot);
                }
            }
        }
    }
}

/// Where events are found that were reported before a client listened, or faster than it did.
struct EventHistory {
    run: RunDir,
    backlog: SharedBacklog,
}

/// Sends a live event unless it was sent before; what is missing before it, or instead of `None`, is in the file.
async fn send_live_event(
    frames: &mut FrameStream,
    history: &EventHistory,
    event: Option<Arc<Envelope>>,
    sent: &mut u64,
) -> std::result::Result<(), ClientGone> {
    match event {
        Some(event) if event.seq <= *sent => Ok(()),
        Some(event) if event.seq == *sent + 1 => {
            *sent = event.seq;
            send_message(frames, &ServerMessage::Event((*event).clone())).await
        }
        _ => send_missed_events(frames, history, sent).await,
    }
}

/// Sends what was reported after number `sent`. What the file has beyond that is sent when it is durable.
async fn send_missed_events(
    frames: &mut FrameStream,
    history: &EventHistory,
    sent: &mut u64,
) -> std::result::Result<(), ClientGone> {
    /// Events that are held at a time; a long history is not to be in memory as a whole.
    const MAX_EVENTS_PER_READ: usize = 1024;
    // Before the file: what the disk takes meanwhile is found there.
    let backlog = history.backlog.current();
    let mut tail = EventTail::new(&history.run.events_path(), *sent);
    loop {
        let some = tail.read_at_most(MAX_EVENTS_PER_READ).map_err(|_| ClientGone)?;
        if some.is_empty() {
            break;
        }
        for envelope in some {
            if envelope.seq > backlog.last_published {
                return Ok(());
            }
            *sent = envelope.seq;
            send_message(frames, &ServerMessage::Event(backlog.as_published(envelope))).await?;
        }
    }
    for envelope in &backlog.unpersisted {
        if (*sent + 1..=backlog.last_published).contains(&envelope.seq) {
            *sent = envelope.seq;
            let published = backlog.as_published((**envelope).clone());
            send_message(frames, &ServerMessage::Event(published)).await?;
        }
    }
    Ok(())
}

/// Converts an answer into a client's message. It names no events when the command caused none.
fn reply_message(id: u64, CommandAnswer { events, error }: CommandAnswer) -> ServerMessage {
    let events = Some(events).filter(|e| e.last > 0);
    ServerMessage::Reply { id, error, events }
}

/// Result of a command that the actor did not answer: the requested end, or `why`.
fn unanswered_result(is_shutdown: bool, end: &OnceLock<ActorEnd>, why: &str) -> ActorEnd {
    match end.get() {
        Some(Ok(())) if is_shutdown => Ok(()),
        Some(Err(failure)) => Err(failure.clone()),
        _ => Err(CommandError::new(CommandErrorCode::Closing, why)),
    }
}

/// Hands a command to the actor, whose answer goes to `replies`; fails with the answer when there is one already.
fn forward_command(
    requests: &SyncSender<CommandRequest>,
    client: u64,
    (id, command): (u64, EngineCommand),
    replies: &mpsc::Sender<(u64, CommandAnswer)>,
    end: &Arc<OnceLock<ActorEnd>>,
) -> std::result::Result<(), ActorEnd> {
    let is_shutdown = matches!(command, EngineCommand::Shutdown);
    let (reply, answer) = oneshot::channel();
    let request = CommandRequest { client, command, reply };
    match requests.try_send(request) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            let why = "the engine has too many commands waiting; try again";
            return Err(Err(CommandError::new(CommandErrorCode::Busy, why)));
        }
        Err(TrySendError::Disconnected(_)) => {
            return Err(unanswered_result(is_shutdown, end, "the engine is closing"));
        }
    }
    let (replies, end) = (replies.clone(), end.clone());
    tokio::spawn(async move {
        let answer = answer.await.unwrap_or_else(|_| CommandAnswer {
            events: EventSpan { after: 0, last: 0 },
            error: unanswered_result(is_shutdown, &end, "the engine closed before it answered").err(),
        });
        let _ = replies.send((id, answer)).await;
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EventJournal;
    use surfit_core::config::Config;
    use surfit_core::event::{Event, ExportedModel};

    /// Listens to a feed from event `after` on and gives the numbers of what comes until nothing does.
    struct Listener {
        frames: FrameStream,
        /// Numbers of the promises that came.
        promises: Vec<u64>,
    }

    impl Listener {
        async fn new(run: &RunDir, feed: EventBus, after: u64) -> Self {
            Self::with_requests(run, feed, after, std::sync::mpsc::sync_channel(1).0).await
        }

        async fn with_requests(run: &RunDir, feed: EventBus, after: u64, requests: SyncSender<CommandRequest>) -> Self {
            let (near, far) = UnixStream::pair().unwrap();
            let service = ServerContext {
                run: run.clone(),
                directory: run.identity(),
                event_bus: feed,
                requests,
                actor_end: Arc::default(),
            };
            tokio::spawn(serve_client(far, service));
            let mut frames = Framed::new(near, LengthDelimitedCodec::new());
            let hello = ClientMessage::Hello {
                protocol: PROTOCOL_VERSION,
                client: "test".into(),
                after: Some(after),
                run: None,
                readonly: false,
                changes: false,
            };
            let hello = serde_json::to_vec(&hello).unwrap();
            frames.send(bytes::Bytes::from(hello)).await.unwrap();
            let promises = Vec::new();
            Self { frames, promises }
        }

        async fn received_numbers(&mut self) -> Vec<u64> {
            let mut numbers = Vec::new();
            while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_secs(1), self.frames.next()).await {
                if let ServerMessage::Event(envelope) = serde_json::from_slice(&frame.unwrap()).unwrap() {
                    let is_promise = envelope.event.requires_durability();
                    self.promises.extend(is_promise.then_some(envelope.seq));
                    numbers.push(envelope.seq);
                }
            }
            numbers
        }
    }

    #[test]
    fn a_new_client_gets_no_promise_before_it_is_durable() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let mut journal = EventJournal::open(&run).unwrap();
        let promise = Event::Exported(ExportedModel {
            dir: run.join("exports/a").to_path_buf(),
            selection: "best".into(),
            u: None,
            v: None,
            validation_accuracy: 0.5,
            test_accuracy: 0.5,
            members: Vec::new(),
            chosen: None,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            journal.log("one");
            journal.fail_syncs(true);
            journal.emit(promise.clone());
            journal.log("three");
            let mut late = Listener::new(&run, journal.event_bus(), 0).await;
            assert_eq!(late.received_numbers().await, [1]);
            journal.fail_syncs(false);
            journal.log("four");
            assert_eq!(late.received_numbers().await, [2, 3, 4]);
            assert_eq!(late.promises, [2]);
            // No client gets a withdrawn promise, neither a connected one nor a later one; its number is sent.
            journal.fail_syncs(true);
            journal.emit(promise);
            journal.emit(Event::Closed);
            journal.withdraw_promises();
            assert_eq!(late.received_numbers().await, [5, 6]);
            let mut later = Listener::new(&run, journal.event_bus(), 3).await;
            assert_eq!(later.received_numbers().await, [4, 5, 6]);
            assert_eq!((late.promises, later.promises), (vec![2], Vec::new()));
        });
    }

    #[test]
    fn an_answer_at_the_end_names_its_events() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let journal = EventJournal::open(&run).unwrap();
        let (requests, inbox) = std::sync::mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Listener::with_requests(&run, journal.event_bus(), 0, requests).await;
            let (id, command) = (7, EngineCommand::Checkpoint);
            let message = serde_json::to_vec(&ClientMessage::Command { id, command }).unwrap();
            client.frames.send(bytes::Bytes::from(message)).await.unwrap();
            let request = loop {
                match inbox.try_recv() {
                    Ok(request) => break request,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            drop(journal);
            // The connection sees the end of the feed before the answer.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (events, error) = (EventSpan { after: 3, last: 5 }, None);
            let _ = request.reply.send(CommandAnswer { events, error });
            let mut reply = None;
            while let Some(Ok(frame)) = client.frames.next().await {
                reply = Some(serde_json::from_slice::<ServerMessage>(&frame).unwrap());
            }
            let (events, error) = (Some(events), None);
            assert_eq!(reply, Some(ServerMessage::Reply { id, error, events }));
        });
    }

    #[test]
    fn a_shutdown_request_during_the_end_is_answered_with_its_result() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lost = || Err(CommandError::new(CommandErrorCode::FileSystem, "stopped at step 3"));
        let refusal = |why: &str| Err(CommandError::new(CommandErrorCode::Closing, why));
        let unknown = || refusal("the engine closed before it answered");
        let closing = || refusal("the engine is closing");
        for (command, ended, waiting, later) in [
            (EngineCommand::Shutdown, Some(Ok(())), Ok(()), Ok(())),
            (EngineCommand::Shutdown, Some(lost()), lost(), lost()),
            // It may fail yet.
            (EngineCommand::Shutdown, None, unknown(), closing()),
            (EngineCommand::Checkpoint, Some(Ok(())), unknown(), closing()),
        ] {
            runtime.block_on(async {
                let (requests, inbox) = std::sync::mpsc::sync_channel(1);
                let (replies, mut answers) = mpsc::channel(1);
                let end = Arc::new(OnceLock::new());
                let ask = || forward_command(&requests, 1, (1, command.clone()), &replies, &end);
                assert_eq!(ask(), Ok(()));
                ended.map(|ended| end.set(ended));
                drop(inbox);
                let (_, answer) = answers.recv().await.unwrap();
                assert_eq!(answer.error, waiting.err(), "{command:?}");
                assert_eq!(ask(), Err(later), "{command:?}");
            });
        }
    }

    #[test]
    fn only_the_own_user_is_served() {
        let me = rustix::process::geteuid().as_raw();
        assert!(is_run_owner(Ok(me)));
        for other in [me + 1, me.wrapping_sub(1), 65_534, u32::MAX] {
            assert!(!is_run_owner(Ok(other)), "{other}");
        }
        assert!(!is_run_owner(Err(std::io::ErrorKind::Unsupported.into())));
    }
}
