use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ids::IntegrationId;

fn plan_id() -> PlanId {
    PlanId::new(&IntegrationId::parse("rmm").unwrap(), "0123456789abcdef")
}

fn read_done(messages: u64, complete: bool, refused: u64) -> Event {
    let report = ReadReport { fetched: 9, complete, refused, ..ReadReport::default() };
    Event::ReadDone { messages, reports: [(Kind::Asset, report)].into() }
}

/// Steps through events and returns the run with the commands of each.
fn walk(trigger: Trigger, events: Vec<Event>) -> (Run, Vec<Vec<Command>>) {
    let mut run = Run::open(trigger);
    let mut asked = Vec::new();
    for event in events {
        let (next, commands) = step(&run, event);
        run = next;
        asked.push(commands);
    }
    (run, asked)
}

/// The events of a night that writes one part beside the top.
fn night() -> Vec<Event> {
    vec![
        read_done(2, true, 0),
        Event::Arrived { count: 2, below: None },
        Event::TopPlanned { parts: 1 },
        Event::Planned { count: 1 },
        Event::Passed { plan: plan_id(), top: true },
        Event::TopApplied,
        Event::Applied { count: 1 },
    ]
}

#[test]
fn a_night_goes_through_its_phases() {
    let (run, asked) = walk(Trigger::Schedule, night());
    let apply = |from, to| vec![Command::Apply { plan: plan_id(), from, to }];
    let expected = vec![
        vec![Command::CountArrived],
        vec![Command::Plan { from: 0, to: 0 }],
        vec![Command::Plan { from: 1, to: 1 }],
        vec![Command::Judge],
        apply(0, 0),
        apply(1, 1),
        vec![Command::Close],
    ];
    assert_eq!(asked, expected);
    assert_eq!(run.outcome(), Some(Outcome::Complete));
}

#[test]
fn a_night_without_users_and_clients_goes_below_them_at_once() {
    let (run, asked) = walk(
        Trigger::Schedule,
        vec![
            read_done(2, true, 0),
            Event::Arrived { count: 2, below: Some(1) },
            Event::Planned { count: 1 },
            Event::Passed { plan: plan_id(), top: false },
            Event::Applied { count: 1 },
        ],
    );
    assert_eq!(asked[1], [Command::Plan { from: 1, to: 1 }]);
    assert_eq!(asked[3], [Command::Apply { plan: plan_id(), from: 1, to: 1 }]);
    assert_eq!(run.outcome(), Some(Outcome::Complete));
}

#[test]
fn progress_short_of_the_end_asks_for_nothing() {
    let (mut run, _) = walk(Trigger::Schedule, vec![read_done(2, true, 0)]);
    for (short, enough) in [
        (Event::Arrived { count: 1, below: None }, Event::Arrived { count: 2, below: None }),
        (Event::TopApplied, Event::TopPlanned { parts: 3 }),
        (Event::Planned { count: 2 }, Event::Planned { count: 3 }),
        (Event::Approved, Event::Passed { plan: plan_id(), top: true }),
        (Event::Applied { count: 3 }, Event::TopApplied),
        (Event::Applied { count: 2 }, Event::Applied { count: 3 }),
    ] {
        assert_eq!(step(&run, short), (run.clone(), vec![]));
        run = step(&run, enough).0;
    }
    assert_eq!(run.outcome(), Some(Outcome::Complete));
}

#[test]
fn a_setup_run_plans_nothing() {
    let (run, asked) = walk(Trigger::Setup, vec![read_done(1, true, 0), Event::Arrived { count: 1, below: None }]);
    assert_eq!((run.outcome(), &asked[1][..]), (Some(Outcome::Complete), &[Command::Close][..]));
}

#[test]
fn a_night_without_messages_closes_at_once() {
    let (run, asked) = walk(Trigger::Forced, vec![read_done(0, true, 0)]);
    assert_eq!((run.outcome(), &asked[0][..]), (Some(Outcome::Complete), &[Command::Close][..]));
}

#[test]
fn a_read_that_was_cut_short_or_refused_ends_incomplete() {
    for (complete, refused) in [(false, 0), (true, 1)] {
        for messages in [0, 1] {
            let read = read_done(messages, complete, refused);
            let (run, _) = walk(Trigger::Setup, vec![read, Event::Arrived { count: messages, below: None }]);
            assert_eq!(run.outcome(), Some(Outcome::Incomplete));
        }
    }
}

#[test]
fn a_plan_of_the_top_alone_skips_the_parts() {
    let (run, asked) = walk(
        Trigger::Manual,
        vec![
            read_done(1, true, 0),
            Event::Arrived { count: 1, below: None },
            Event::TopPlanned { parts: 0 },
            Event::Passed { plan: plan_id(), top: true },
            Event::TopApplied,
        ],
    );
    assert_eq!(asked[2], [Command::Judge]);
    assert_eq!(run.outcome(), Some(Outcome::Complete));
}

#[test]
fn a_held_run_waits_for_a_person() {
    let mut events = night();
    events.truncate(4);
    events.push(Event::Stopped { plan: plan_id() });
    let (held, asked) = walk(Trigger::Schedule, events);
    assert!(held.is_held() && held.outcome().is_none());
    assert_eq!(asked[4], [Command::AlarmHeld]);
    for event in
        [Event::TopApplied, Event::Failed, Event::CredentialsRejected, Event::Passed { plan: plan_id(), top: true }]
    {
        assert_eq!(step(&held, event), (held.clone(), vec![]));
    }
    let (approved, asked) = step(&held, Event::Approved);
    assert_eq!(approved.phase, Phase::ApplyingTop { plan: plan_id(), parts: 1 });
    assert_eq!(asked, [Command::Apply { plan: plan_id(), from: 0, to: 0 }]);
    let (discarded, asked) = step(&held, Event::Discarded);
    assert_eq!((discarded.outcome(), asked), (Some(Outcome::Held), vec![Command::Close]));
}

#[test]
fn refused_credentials_end_the_reading_and_nothing_later() {
    let (run, asked) = walk(Trigger::Manual, vec![Event::CredentialsRejected]);
    assert_eq!((run.outcome(), &asked[0][..]), (Some(Outcome::CredentialsRejected), &[Command::Close][..]));
    let (read, _) = walk(Trigger::Manual, vec![read_done(1, true, 0)]);
    assert_eq!(step(&read, Event::CredentialsRejected), (read.clone(), vec![]));
}

#[test]
fn a_lost_message_fails_the_run_in_any_working_phase() {
    let mut run = Run::open(Trigger::Schedule);
    for event in night() {
        let (failed, asked) = step(&run, Event::Failed);
        assert_eq!((failed.outcome(), asked), (Some(Outcome::Failed), vec![Command::Close]));
        run = step(&run, event).0;
    }
    assert_eq!(step(&run, Event::Failed), (run.clone(), vec![]), "what is closed stays closed");
}

#[test]
fn a_closed_run_repeats_only_its_closing_when_looked_at() {
    let (run, _) = walk(Trigger::Schedule, night());
    for event in night() {
        assert_eq!(step(&run, event), (run.clone(), vec![]));
    }
    assert_eq!(run.commands(), [Command::Close]);
}

#[test]
fn every_phase_survives_being_stored() {
    let mut run = Run::open(Trigger::Schedule);
    for event in night() {
        let text = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
        run = step(&run, event).0;
    }
}

/// An outside that carries commands out: marks are sets, answers go into a bag from which they come in any order.
struct Outside {
    messages: u64,
    parts: u64,
    is_stopped: bool,
    has_top: bool,
    marks: BTreeSet<u64>,
    written: BTreeSet<u64>,
    bag: Vec<Event>,
}

impl Outside {
    fn carry_out(&mut self, command: Command) {
        match command {
            Command::CountArrived => {
                let below = (!self.has_top).then_some(self.parts);
                self.bag.push(Event::Arrived { count: self.messages, below });
            }
            Command::Plan { from: 0, .. } => self.bag.push(Event::TopPlanned { parts: self.parts }),
            Command::Plan { from, to } => {
                for part in from..=to {
                    self.marks.insert(part);
                    self.bag.push(Event::Planned { count: self.marks.len() as u64 });
                }
            }
            Command::Judge if self.is_stopped => self.bag.push(Event::Stopped { plan: plan_id() }),
            Command::Judge => self.bag.push(Event::Passed { plan: plan_id(), top: self.has_top }),
            Command::Apply { from: 0, .. } => {
                assert_eq!(self.marks.len() as u64, self.parts, "written before all was planned");
                self.bag.push(Event::TopApplied);
            }
            Command::Apply { from, to, .. } => {
                for part in from..=to {
                    self.written.insert(part);
                    self.bag.push(Event::Applied { count: self.written.len() as u64 });
                }
            }
            Command::AlarmHeld | Command::Close => {}
        }
    }
}

proptest! {
    /// Answers come in any order, some twice, some never. When nothing is left to come, somebody looks at the run's
    /// present phase and asks for it again.
    #[test]
    fn any_order_with_doubles_and_losses_ends_at_rest(
        choices in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8), 1..200),
        messages in 1..4u64,
        parts in 0..4u64,
        is_stopped in any::<bool>(),
        has_top in any::<bool>(),
    ) {
        let bag = vec![read_done(messages, true, 0); 2];
        let (marks, written) = (BTreeSet::new(), BTreeSet::new());
        let mut outside = Outside { messages, parts, is_stopped, has_top, marks, written, bag };
        let mut run = Run::open(Trigger::Schedule);
        let mut choices = choices.into_iter();
        let mut looks = 0;
        while run.outcome().is_none() && !run.is_held() {
            prop_assert!(looks < 300, "{run:?} does not come to rest");
            if outside.bag.is_empty() {
                looks += 1;
                let asked = if run.phase == Phase::Reading { outside.bag.push(read_done(messages, true, 0)); vec![] } else { run.commands() };
                asked.into_iter().for_each(|command| outside.carry_out(command));
            }
            let (index, fate) = choices.next().map_or((0, 1), |(index, fate)| (index.index(outside.bag.len()), fate));
            let event = outside.bag.swap_remove(index);
            if fate == 0 {
                continue;
            }
            if fate == 3 {
                outside.bag.push(event.clone());
            }
            let (next, commands) = step(&run, event);
            commands.into_iter().for_each(|command| outside.carry_out(command));
            run = next;
        }
        prop_assert_eq!(run.is_held(), is_stopped);
        prop_assert_eq!(outside.written.len() as u64, if is_stopped { 0 } else { parts });
    }
}
