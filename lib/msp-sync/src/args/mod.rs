//! The command line's words: every command and flag, as values.
//!
//! Nothing here looks at a data folder. Ids are taken as texts: only who knows the existing ones can name the nearest to a
//! wrong one. What a word may be (kinds, vendors, states, reasons, fields) comes from the crates
//! that define it, so that a new vendor is known here without a change.

mod integration;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use integration::{INTEGRATION_EXAMPLES, ROTATE_EXAMPLES};
pub(crate) use integration::{Integration, SecretCommand, SecretSource, Set};
pub(crate) use values::{Pair, Switch};

const ABOUT: &str = "Keeps an MSP's documentation in step with the systems it works in";

const TOP_EXAMPLES: &str = "\
Examples:
  msp-sync demo                                    see it work, with simulated vendors
  msp-sync integration add acme-auvik --vendor auvik \\
      --setting url=us1 --setting domain=acme --secret-stdin < key.json
  msp-sync integration verify acme-auvik
  msp-sync sync acme-auvik                         read the vendor
  msp-sync auto-match acme-auvik                   stage the decisions
  msp-sync preview acme-auvik                      see what Finish will do
  msp-sync finish acme-auvik                       do it, and go live
  msp-sync status                                  the morning's question

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something waits for a person.";

/// One call of the program.
#[derive(Debug, Parser)]
#[command(name = "msp-sync", version, about = ABOUT, after_help = TOP_EXAMPLES, max_term_width = 120)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the work happens and how the answer looks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Place {
    /// Work on this data folder [default: $MSP_SYNC_DATA_DIR, then the platform's data folder]
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "aws")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Work on this deployed stack
    #[arg(long, value_name = "STACK", global = true)]
    pub(crate) aws: Option<String>,
    /// Print one JSON document on standard output and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which part of a list.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Paging")]
pub(crate) struct Paging {
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Go on where an earlier answer's `next` says
    #[arg(long, value_name = "C")]
    pub(crate) cursor: Option<String>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything at work with simulated vendors, on this machine alone
    #[command(after_help = "Examples:\n  msp-sync demo\n  msp-sync demo --exit --data-dir ./demo-data\n  \
        msp-sync --data-dir ./demo-data status      (look around afterwards)")]
    Demo(Demo),
    /// Run only the simulated vendors, until Ctrl-C
    #[command(
        after_help = "Examples:\n  msp-sync sandbox\n  msp-sync sandbox --clients 200 --devices 5000 --seed 7\n  \
        msp-sync sandbox --port 9400 --json"
    )]
    Sandbox(Sandbox),
    /// Run scheduler, workers and the console on the data folder, until Ctrl-C
    #[command(
        after_help = "Examples:\n  msp-sync serve\n  msp-sync serve --listen 127.0.0.1:9000 --data-dir /srv/msp-sync"
    )]
    Serve(Serve),
    /// Add, look at, verify, change and remove integrations
    #[command(subcommand, after_help = INTEGRATION_EXAMPLES)]
    Integration(Integration),
    /// Change an integration's secret
    #[command(subcommand, after_help = ROTATE_EXAMPLES)]
    Secret(SecretCommand),
    /// Fetch and reconcile now, to the end
    #[command(after_help = "Examples:\n  msp-sync sync acme-auvik\n  msp-sync sync --all\n  \
        msp-sync sync acme-auvik --force            (ignore digests, read everything again)")]
    Sync(Sync),
    /// List vendor records with state, documentation record, reason and best suggestion
    #[command(after_help = "Examples:\n  msp-sync records acme-auvik --kind client\n  \
        msp-sync records acme-auvik --kind client --state unmatched\n  \
        msp-sync records acme-auvik --kind asset --reason ambiguous_match --json\n  \
        msp-sync records acme-auvik --kind asset --search FS01")]
    Records(Records),
    /// Stage matches of records with identical, unique names
    #[command(
        after_help = "Examples:\n  msp-sync auto-match acme-auvik\n  msp-sync auto-match acme-auvik --kind client"
    )]
    AutoMatch(Decide),
    /// Stage the match of one vendor record with one documentation record
    #[command(after_help = "Examples:\n  msp-sync match acme-auvik --kind client MTk5NTA2 c_0123456789abcdef")]
    Match(Match),
    /// Stage the making of documentation records from vendor records
    #[command(after_help = "Examples:\n  msp-sync create acme-auvik --kind client MTk5NTA2 MTk5NTA3")]
    Create(DecideMany),
    /// Stage leaving vendor records out
    #[command(after_help = "Examples:\n  msp-sync exclude acme-auvik --kind client MTk5NTA2")]
    Exclude(DecideMany),
    /// Take decisions back
    #[command(after_help = "Examples:\n  msp-sync reset acme-auvik --kind client MTk5NTA2")]
    Reset(DecideMany),
    /// Stage the making of all records that are left, but those with an ambiguous name
    #[command(
        after_help = "Examples:\n  msp-sync create-unmatched acme-auvik\n  msp-sync create-unmatched acme-auvik --kind client"
    )]
    CreateUnmatched(Decide),
    /// Show the plan of what Finish will do; nothing is written
    #[command(after_help = "Examples:\n  msp-sync preview acme-auvik\n  msp-sync preview acme-auvik --json")]
    Preview(OneIntegrationPaged),
    /// Apply the plan, go live, and run the first full sync
    #[command(after_help = "Examples:\n  msp-sync finish acme-auvik\n  \
        msp-sync finish acme-auvik --plan acme-auvik.0123abcd     (exactly the plan that was previewed)\n  \
        msp-sync finish acme-auvik --no-sync")]
    Finish(Finish),
    /// Look at a deployed stack's dead letters, and send them again
    #[command(subcommand, after_help = DLQ_EXAMPLES)]
    Dlq(Dlq),
    /// List an integration's plans
    #[command(after_help = "Examples:\n  msp-sync plans acme-auvik")]
    Plans(OneIntegrationPaged),
    /// Look at a plan, approve or discard it
    #[command(subcommand, after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Show each integration's state, last run and next run
    #[command(after_help = "Examples:\n  msp-sync status\n  msp-sync status acme-auvik\n  msp-sync status --json")]
    Status(SomeIntegration),
    /// List runs, newest first
    #[command(after_help = "Examples:\n  msp-sync runs\n  msp-sync runs acme-auvik --limit 10")]
    Runs(SomeIntegration),
    /// Look at one run
    #[command(subcommand, after_help = "Examples:\n  msp-sync run show acme-auvik.20261122T200000Z")]
    Run(Run),
    /// List the records that are not in the documentation, each with its reason and what to do
    #[command(after_help = "Examples:\n  msp-sync unsynced acme-auvik\n  msp-sync unsynced acme-auvik --kind asset \
        --reason missing_identifier\n  msp-sync unsynced acme-auvik --csv > unsynced.csv")]
    Unsynced(Unsynced),
    /// Look at, read in and change the documentation
    #[command(subcommand, after_help = DOCS_EXAMPLES)]
    Docs(Docs),
    /// Reverse an applied plan where nothing changed since
    #[command(after_help = "Examples:\n  msp-sync plans acme-auvik\n  msp-sync undo acme-auvik.0123abcd")]
    Undo(OnePlan),
    /// Carry decisions between deployments
    #[command(
        subcommand,
        after_help = "Examples:\n  msp-sync mappings export acme-auvik > mappings.csv\n  \
        msp-sync mappings import acme-auvik mappings.csv"
    )]
    Mappings(Mappings),
    /// List who decided what, newest first
    #[command(after_help = "Examples:\n  msp-sync audit --limit 20")]
    Audit {
        #[command(flatten)]
        paging: Paging,
    },
    /// Print the completions of a shell
    #[command(
        after_help = "Examples:\n  msp-sync completions bash > ~/.local/share/bash-completion/completions/msp-sync\n  \
        msp-sync completions fish > ~/.config/fish/completions/msp-sync.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const PLAN_EXAMPLES: &str = "\
Examples:
  msp-sync plan show acme-auvik.0123abcd
  msp-sync plan approve acme-auvik.0123abcd      (applies it at once)
  msp-sync plan discard acme-auvik.0123abcd";

const DOCS_EXAMPLES: &str = "\
Examples:
  msp-sync docs import --kind client clients.csv
  msp-sync docs list --kind asset --client c_0123456789abcdef
  msp-sync docs show a_0123456789abcdef_0123456789abcdef
  msp-sync docs export --kind asset > assets.csv
  msp-sync docs edit a_0123456789abcdef_0123456789abcdef --set hostname=FS01 --release os";

/// `demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Demo {
    /// End after the last table
    #[arg(long)]
    pub(crate) exit: bool,
    /// Where the console listens, on this machine [default: 127.0.0.1:8080, or any free port where that is taken]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

/// `sandbox`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sandbox {
    /// Listen on this port of 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "P", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// So many clients
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) clients: u32,
    /// So many devices over all clients
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(0..=2_000_000))]
    pub(crate) devices: u32,
    /// The same seed gives the same world
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Where the console listens, on this machine [default: 127.0.0.1:8080, or any free port where that is taken]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

/// One integration.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneIntegration {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// One integration's list.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneIntegrationPaged {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// One integration or all.
#[derive(Debug, Clone, Args)]
pub(crate) struct SomeIntegration {
    /// The integration [default: all]
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// `sync`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sync {
    /// The integrations
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// All integrations
    #[arg(long)]
    pub(crate) all: bool,
    /// Ignore digests and read everything again
    #[arg(long)]
    pub(crate) force: bool,
}

/// `records`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Records {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which kind
    #[arg(long, value_name = "K", value_parser = values::kind())]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

/// Which vendor records.
#[derive(Debug, Clone, Args)]
#[group(id = "filter", multiple = true)]
pub(crate) struct Filter {
    /// Only those in this state
    #[arg(long, value_name = "S", value_parser = values::state())]
    pub(crate) state: Option<State>,
    /// Only those with this reason
    #[arg(long, value_name = "R", value_parser = values::reason(), hide_possible_values = true)]
    pub(crate) reason: Option<Reason>,
    /// Only those whose name, id or field contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
}

/// `auto-match` and `create-unmatched`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Decide {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only this kind [default: users and clients]
    #[arg(long, value_name = "K", value_parser = values::kind())]
    pub(crate) kind: Option<Kind>,
}

/// `match`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Match {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which kind
    #[arg(long, value_name = "K", value_parser = values::kind())]
    pub(crate) kind: Kind,
    /// The vendor record; `records` shows the ids
    #[arg(value_name = "VENDOR_ID")]
    pub(crate) vendor_id: String,
    /// The documentation record; `docs list` shows the ids
    #[arg(value_name = "DOC_ID")]
    pub(crate) doc_id: String,
}

/// `create`, `exclude` and `reset`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DecideMany {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which kind
    #[arg(long, value_name = "K", value_parser = values::kind())]
    pub(crate) kind: Kind,
    /// The vendor records; `records` shows the ids
    #[arg(value_name = "VENDOR_ID", required_unless_present = "filter", conflicts_with = "filter")]
    pub(crate) vendor_ids: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// `finish`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Finish {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only this plan; refused if its inputs moved [default: the current plan]
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<String>,
    /// Do not run the first full sync of the other kinds
    #[arg(long)]
    pub(crate) no_sync: bool,
}

/// One plan.
#[derive(Debug, Clone, Args)]
pub(crate) struct OnePlan {
    /// The plan; `plans` shows the ids
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
}

/// `plan …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Show what a plan does, record by record
    #[command(after_help = PLAN_EXAMPLES)]
    Show {
        #[command(flatten)]
        plan: OnePlan,
        #[command(flatten)]
        paging: Paging,
    },
    /// Apply a held plan at once
    #[command(after_help = PLAN_EXAMPLES)]
    Approve(OnePlan),
    /// Throw a plan away
    #[command(after_help = PLAN_EXAMPLES)]
    Discard(OnePlan),
}

/// `run …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// Show a run's counts, reasons and log
    #[command(after_help = "Examples:\n  msp-sync run show acme-auvik.20261122T200000Z")]
    Show {
        /// The run; `runs` shows the ids
        #[arg(value_name = "RUN")]
        run: String,
    },
}

/// `unsynced`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Unsynced {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only this kind
    #[arg(long, value_name = "K", value_parser = values::kind())]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Write all of them to standard output, as CSV
    #[arg(long, conflicts_with_all = ["filter", "kind", "cursor"])]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

const DLQ_EXAMPLES: &str = "\
Examples:
  msp-sync --aws production dlq list
  msp-sync --aws production dlq redrive            (after the cause is mended)";

/// `dlq …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Dlq {
    /// List messages that nobody could carry out; they stay where they are
    #[command(after_help = DLQ_EXAMPLES)]
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Send all of them again
    #[command(after_help = DLQ_EXAMPLES)]
    Redrive,
}

/// `docs …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Docs {
    /// List documentation records
    #[command(after_help = DOCS_EXAMPLES)]
    List {
        /// Which kind
        #[arg(long, value_name = "K", value_parser = values::kind())]
        kind: Kind,
        /// Only those of this client
        #[arg(long, value_name = "DOC")]
        client: Option<String>,
        /// Only those whose name, id or field contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a documentation record: each field with where it comes from
    #[command(after_help = DOCS_EXAMPLES)]
    Show(OneDoc),
    /// Read documentation records in from CSV (`name` is required; below a client also `client`)
    #[command(after_help = DOCS_EXAMPLES)]
    Import {
        /// Which kind
        #[arg(long, value_name = "K", value_parser = values::kind())]
        kind: Kind,
        /// The file; - for standard input
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// Write documentation records to standard output, as CSV
    #[command(after_help = DOCS_EXAMPLES)]
    Export {
        /// Which kind
        #[arg(long, value_name = "K", value_parser = values::kind())]
        kind: Kind,
    },
    /// Set fields by hand; no sync overwrites them until they are released
    #[command(after_help = DOCS_EXAMPLES)]
    Edit(Edit),
    /// Archive a documentation record
    #[command(after_help = DOCS_EXAMPLES)]
    Archive(OneDoc),
    /// Bring an archived documentation record back
    #[command(after_help = DOCS_EXAMPLES)]
    Restore(OneDoc),
}

/// One documentation record.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneDoc {
    /// The documentation record; `docs list` shows the ids
    #[arg(value_name = "DOC")]
    pub(crate) doc: String,
}

/// `docs edit`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Edit {
    /// The documentation record
    #[arg(value_name = "DOC")]
    pub(crate) doc: String,
    /// Set a field; several values are parted by `;`, an empty value empties the field
    #[arg(long, value_name = "FIELD=VALUE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) set: Vec<Pair>,
    /// Let syncs write these fields again
    #[arg(long, value_name = "FIELD", num_args = 1.., action = ArgAction::Append)]
    pub(crate) release: Vec<String>,
}

/// `mappings …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Mappings {
    /// Write an integration's mappings to standard output, as CSV
    #[command(after_help = "Examples:\n  msp-sync mappings export acme-auvik > mappings.csv")]
    Export(OneIntegration),
    /// Read mappings in; they are staged like any decision
    #[command(after_help = "Examples:\n  msp-sync mappings import acme-auvik mappings.csv")]
    Import {
        /// The integration
        #[arg(value_name = "ID")]
        id: String,
        /// The file; - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests;
