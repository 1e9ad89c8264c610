//! `integration …` and `secret …`.

use clap::{ArgAction, Args, Subcommand};

use super::values::{self, Pair, SecretPair, Switch};
use super::{OneIntegration, OneIntegrationPaged, Paging};

pub(super) const INTEGRATION_EXAMPLES: &str = "\
Examples:
  echo '{\"username\":\"api@acme.example\",\"api_key\":\"…\"}' |
      msp-sync integration add acme-auvik --vendor auvik --setting url=us1 --setting domain=acme --secret-stdin
  msp-sync integration verify acme-auvik
  msp-sync integration set acme-auvik --sync client,asset --auto-create asset
  msp-sync integration set acme-auvik --schedule '0 20 * * *' --time-zone Europe/Amsterdam";

pub(super) const ROTATE_EXAMPLES: &str = "\
Examples:
  msp-sync secret rotate acme-auvik --secret-stdin < new-key.json
  msp-sync secret rotate acme-auvik --secret username=api@acme.example --secret api_key=…";

/// `integration …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Integration {
    /// Add an integration
    #[command(after_help = INTEGRATION_EXAMPLES)]
    Add(Add),
    /// List the integrations
    #[command(after_help = "Examples:\n  msp-sync integration list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an integration's settings
    #[command(after_help = "Examples:\n  msp-sync integration show acme-auvik")]
    Show(OneIntegration),
    /// Ask the vendor whether settings and secret work, kind by kind
    #[command(after_help = "Examples:\n  msp-sync integration verify acme-auvik")]
    Verify(OneIntegration),
    /// Change settings, switches, types and schedule
    #[command(after_help = INTEGRATION_EXAMPLES)]
    Set(Set),
    /// List the vendor's configuration types
    #[command(after_help = "Examples:\n  msp-sync integration types acme-psa\n  \
        msp-sync integration set acme-psa --types 17,Server")]
    Types(OneIntegrationPaged),
    /// Stop syncing for a while; mappings are kept
    #[command(after_help = "Examples:\n  msp-sync integration pause acme-auvik")]
    Pause(OneIntegration),
    /// Sync again
    #[command(after_help = "Examples:\n  msp-sync integration resume acme-auvik")]
    Resume(OneIntegration),
    /// Remove an integration with its mappings and secret; documentation records stay
    #[command(after_help = "Examples:\n  msp-sync integration remove acme-auvik")]
    Remove(OneIntegration),
}

/// `integration add`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Add {
    /// A short name of your choice: a-z, 0-9 and -
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The vendor
    #[arg(long, value_name = "V", value_parser = values::vendor())]
    pub(crate) vendor: String,
    /// A setting, e.g. url=us1; repeatable
    #[arg(long = "setting", value_name = "K=V", num_args = 1.., action = ArgAction::Append)]
    pub(crate) settings: Vec<Pair>,
    #[command(flatten)]
    pub(crate) secret: SecretSource,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SecretSource {
    /// A part of the secret, e.g. api_key=…; repeatable (other users of this machine may see it: prefer --secret-stdin)
    #[arg(long = "secret", value_name = "K=V", num_args = 1.., action = ArgAction::Append, conflicts_with = "secret_stdin")]
    pub(crate) secrets: Vec<SecretPair>,
    /// Read the secret from standard input, as a JSON object
    #[arg(long)]
    pub(crate) secret_stdin: bool,
}

/// `integration set`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Set {
    /// The integration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// A setting; repeatable. An empty value takes it away
    #[arg(long = "setting", value_name = "K=V", num_args = 1.., action = ArgAction::Append)]
    pub(crate) settings: Vec<Pair>,
    /// The kinds to sync, all of them, e.g. client,asset; `none` for none
    #[arg(long, value_name = "KIND,…", value_parser = values::kinds_or_none, hide_possible_values = true)]
    pub(crate) sync: Option<values::Kinds>,
    /// The kinds whose new records are created by themselves; `none` for none
    #[arg(long, value_name = "KIND,…", value_parser = values::kinds_or_none, hide_possible_values = true)]
    pub(crate) auto_create: Option<values::Kinds>,
    /// The configuration types to import, by id or exact name; `none` for none
    #[arg(long, value_name = "T,…", value_parser = values::words_or_none)]
    pub(crate) types: Option<values::Words>,
    /// When to sync, as cron: minute hour day month weekday
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: Option<String>,
    /// The schedule's time zone, e.g. Europe/Amsterdam
    #[arg(long, value_name = "TZ")]
    pub(crate) time_zone: Option<String>,
    /// Whether documentation records whose sources are all gone are archived
    #[arg(long, value_name = "on|off")]
    pub(crate) archive_stale: Option<Switch>,
}

/// `secret …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Verify a new secret and make it the current one; the old one stays where the vendor refuses the new
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate {
        /// The integration
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        secret: SecretSource,
    },
}
