//! What is shown while a run is under way: bars on a terminal, a line a phase elsewhere, nothing beside JSON.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::progress::{Phase, Progress, ProgressEvent};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;

use crate::render;

/// How often something on the screen moves.
const TICK: Duration = Duration::from_millis(120);
/// After so long without a sign of progress a person wants one.
const PATIENCE: Duration = Duration::from_millis(800);

/// Shows progress on standard error.
#[derive(Debug)]
pub(crate) struct Shown {
    manner: Manner,
    runs: Mutex<BTreeMap<IntegrationId, Stage>>,
    /// What is shown before the first sign of progress.
    patience: ProgressBar,
}

#[derive(Debug)]
enum Manner {
    Bars(MultiProgress),
    Lines,
    Nothing,
}

/// What an integration's run is doing, and its bar.
#[derive(Debug)]
struct Stage {
    at: (Phase, Option<Kind>),
    bar: ProgressBar,
}

impl Shown {
    /// Chooses the manner: with `--json` standard error holds errors alone.
    pub(crate) fn new(json: bool) -> Self {
        let manner = match (json, std::io::stderr().is_terminal()) {
            (true, _) => Manner::Nothing,
            (false, true) => Manner::Bars(MultiProgress::new()),
            (false, false) => Manner::Lines,
        };
        Self { manner, runs: Mutex::default(), patience: ProgressBar::hidden() }
    }

    /// Waits for the end of what is asked; a terminal that would stay empty for long says that something is going on.
    pub(crate) async fn until<T>(&self, asked: impl Future<Output = T>) -> T {
        let mut asked = std::pin::pin!(asked);
        tokio::select! {
            end = &mut asked => return end,
            () = tokio::time::sleep(PATIENCE) => {}
        }
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner).len();
        if let (Manner::Bars(_), 0) = (&self.manner, runs) {
            self.patience.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            self.patience.set_style(style(false));
            self.patience.set_message("working");
            self.patience.enable_steady_tick(TICK);
        }
        asked.await
    }

    /// Takes all bars away, so that tables begin on a clean screen.
    pub(crate) fn clear(&self) {
        self.patience.finish_and_clear();
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Manner::Bars(bars) = &self.manner {
            // A terminal that cannot be written to has nothing to be cleared.
            let _ = bars.clear();
        }
    }
}

impl Progress for Shown {
    fn report(&self, event: ProgressEvent) {
        if matches!(self.manner, Manner::Nothing) {
            return;
        }
        self.patience.finish_and_clear();
        if let Some(cost) = &event.expected_cost {
            let line = format!("{}: {}", event.integration, render::expected(cost));
            return match &self.manner {
                // A terminal that cannot be written to has nobody to be told.
                Manner::Bars(bars) => bars.println(line).unwrap_or_default(),
                _ => eprintln!("{line}"),
            };
        }
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let before = runs.get(&event.integration).map(|stage| stage.at);
        // A list of words between two kinds is nothing that a person waits for.
        let kind = event.kind.or(before.filter(|(phase, _)| *phase == event.phase).and_then(|(_, kind)| kind));
        let at = (event.phase, kind);
        let changed = before != Some(at);
        if changed {
            let bar = self.begin(&event);
            if let Some(before) = runs.insert(event.integration.clone(), Stage { at, bar }) {
                before.bar.finish_and_clear();
            }
        }
        if let Some(stage) = runs.get(&event.integration) {
            if let Some(total) = event.total {
                stage.bar.set_length(total);
            }
            stage.bar.set_position(event.done);
            if event.phase == Phase::Reading && event.total == Some(event.done) {
                stage.bar.set_style(style(false));
                stage.bar.set_message(format!("{} records read, storing what is new", HumanCount(event.records)));
            } else if event.records > 0 {
                let (records, requests) = (HumanCount(event.records), HumanCount(event.vendor_requests));
                stage.bar.set_message(format!("{records} records, {requests} requests"));
            }
        }
    }
}

impl Shown {
    fn begin(&self, event: &ProgressEvent) -> ProgressBar {
        let doing = match (event.phase, event.kind) {
            (Phase::Reading, Some(kind)) => format!("reading {kind}s"),
            (phase, _) => phase.code().to_owned(),
        };
        let of = &event.integration;
        match &self.manner {
            Manner::Bars(bars) if event.phase != Phase::Closed => {
                let bar = match event.total {
                    Some(total) => ProgressBar::new(total),
                    None => ProgressBar::no_length(),
                };
                let bar = bars.add(bar.with_style(style(event.total.is_some())));
                bar.set_prefix(format!("{of}  {doing:<16}"));
                bar.enable_steady_tick(TICK);
                bar
            }
            Manner::Lines if event.phase != Phase::Closed => {
                eprintln!("{of}: {doing}");
                ProgressBar::hidden()
            }
            _ => ProgressBar::hidden(),
        }
    }
}

/// A bar with rate and estimate, or a running count where the end is not known.
fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{prefix} {wide_bar} {human_pos}/{human_len}  {rate:>7}  {eta:>4} left  {msg}"
    } else {
        "{prefix} {spinner} {msg}"
    };
    ProgressStyle::with_template(template)
        .expect("the template is constant")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A rate that cannot be written is not shown.
            let digits = if state.per_sec() < 10.0 { 1 } else { 0 };
            let _ = write!(out, "{:.digits$}/s", state.per_sec());
        })
        .progress_chars("━╸ ")
}
