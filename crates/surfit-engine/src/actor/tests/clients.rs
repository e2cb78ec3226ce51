//! Several clients at once: each is told what became of its own command.

use super::*;
use surfit_core::protocol::{CommandErrorCode, Selection, TensorNames};

/// Opens a run at its second step of the fit and lets it serve commands, one for each client; the answers.
fn serve_commands(
    actor: &mut Actor<'_>,
    sender: &SyncSender<CommandRequest>,
    all: &[EngineCommand],
) -> Vec<CommandAnswer> {
    let receivers: Vec<_> = (1..)
        .zip(all)
        .map(|(client, command)| {
            let (reply, answer) = tokio::sync::oneshot::channel();
            let command = command.clone();
            sender.send(CommandRequest { client, command, reply }).unwrap();
            answer
        })
        .collect();
    actor.serve_requests(false).unwrap();
    while !actor.tasks.is_empty() {
        actor.tick_task();
    }
    receivers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
}

fn with_clients(then: impl FnOnce(&mut Actor<'_>, &SyncSender<CommandRequest>, &std::path::Path)) {
    let dir = tempfile::tempdir().unwrap();
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(&dir.path().join("a"), &config).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let (sender, inbox) = sync_channel(16);
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
    then(&mut actor, &sender, dir.path());
}

fn caused_events(actor: &Actor<'_>, answer: &CommandAnswer) -> Vec<Event> {
    let events = actor.run.events(0).unwrap().into_iter();
    let own = events.filter(|e| answer.events.contains(e.seq));
    own.map(|e| e.event).collect()
}

#[test]
fn changes_of_several_clients_are_all_made_and_each_is_answered() {
    with_clients(|actor, sender, _| {
        let draws = |draws| EngineCommand::SetDraws { draws };
        let degree = |m| EngineCommand::SetDegree { degrees: surfit_core::surface::Degrees::new(m, m).unwrap() };
        let all = [draws(4), degree(3), draws(8), degree(4), draws(16)];
        let answers = serve_commands(actor, sender, &all);
        for (command, answer) in all.iter().zip(&answers) {
            assert_eq!(answer.error, None);
            let changes = caused_events(actor, answer).into_iter().filter_map(|e| match e {
                Event::DrawsChanged { to, .. } => Some(draws(to)),
                Event::DegreeChanged { to, .. } => Some(EngineCommand::SetDegree { degrees: to }),
                _ => None,
            });
            assert_eq!(changes.collect::<Vec<_>>(), std::slice::from_ref(command));
        }
    });
}

#[test]
fn an_export_from_an_incomplete_heatmap_is_reported_as_such() {
    with_clients(|actor, sender, dir| {
        let export = |folder: &str| EngineCommand::Export {
            selection: Selection::Best,
            dir: Some(dir.join(folder)),
            replace: false,
            names: TensorNames::Surfit,
        };
        let has_notice = |actor: &Actor<'_>, answer: &CommandAnswer| {
            assert_eq!(answer.error, None);
            let mut events = caused_events(actor, answer).into_iter();
            events.any(|e| matches!(e, Event::Notice { text } if text.contains("not complete")))
        };
        actor.tick_until(|a| a.heatmap.cells.iter().any(|c| c.images > 0));
        let answer = &serve_commands(actor, sender, &[export("early")])[0];
        assert!(has_notice(actor, answer));
        actor.tick_until(|a| a.heatmap.is_complete());
        let answer = &serve_commands(actor, sender, &[export("late")])[0];
        assert!(!has_notice(actor, answer));
    });
}

#[test]
fn of_two_exports_to_one_folder_the_second_is_refused() {
    with_clients(|actor, sender, dir| {
        let export = |u, folder: &str| EngineCommand::Export {
            selection: Selection::At { u, v: 0.5 },
            dir: Some(dir.join(folder)),
            replace: true,
            names: TensorNames::Surfit,
        };
        let all = [export(0.25, "one"), export(0.5, "two"), export(0.75, "one")];
        let answers = serve_commands(actor, sender, &all);
        let said = |answer| {
            caused_events(actor, answer).into_iter().find_map(|e| match e {
                Event::Exported(e) => e.u,
                _ => None,
            })
        };
        assert_eq!(said(&answers[0]), Some(0.25));
        assert_eq!(said(&answers[1]), Some(0.5));
        let why = answers[2].error.as_ref().expect("a refusal");
        assert!(why.message.contains("an export to this folder is under way"), "{why}");
        assert_eq!(why.code, CommandErrorCode::Busy);
    });
}
