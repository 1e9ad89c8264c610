//! When an integration runs by itself: a cron line of five fields in a time zone.

use std::time::Duration;

use cronexpr::Crontab;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::IntegrationId;
use sha2::{Digest, Sha256};

/// Why a schedule is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// No such time zone.
    #[error("there is no time zone {0:?}")]
    TimeZone(String),
    /// Not five fields.
    #[error("a schedule has five fields (minute, hour, day of month, month, day of week), not {0}")]
    Fields(usize),
    /// A field that cannot be read.
    #[error("the schedule {0:?} cannot be read")]
    Line(String),
    /// It never fires, like 30 February.
    #[error("the schedule {0:?} never fires")]
    Never(String),
}

/// A schedule that fires at least once more.
#[derive(Debug, Clone)]
pub struct Schedule(Crontab);

impl Schedule {
    /// Parses a cron line of five fields and an IANA time zone; `now` is the instant after which it must fire.
    pub fn parse(line: &str, time_zone: &str, now: Timestamp) -> Result<Self, InvalidSchedule> {
        let zone = time_zone.trim();
        if zone.contains(char::is_whitespace) || TimeZone::get(zone).is_err() {
            return Err(InvalidSchedule::TimeZone(zone.to_owned()));
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.len() != 5 {
            return Err(InvalidSchedule::Fields(fields.len()));
        }
        let crontab = cronexpr::parse_crontab(&format!("{} {zone}", fields.join(" ")))
            .map_err(|_| InvalidSchedule::Line(line.trim().to_owned()))?;
        let schedule = Self(crontab);
        match schedule.after(now) {
            Some(_) => Ok(schedule),
            None => Err(InvalidSchedule::Never(line.trim().to_owned())),
        }
    }

    /// Returns the first instant after `instant` at which it fires; `None` where there is none.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.0.find_next(instant).ok().map(|zoned| zoned.timestamp())
    }
}

/// The longest that a scheduled run is put off (product.md section 4).
pub const JITTER_MAX: Duration = Duration::from_secs(30 * 60);

/// Returns how long after the scheduled instant an integration begins: always the same for one integration, so that many
/// of them do not begin at once and a person can still rely on the time.
pub fn jitter(integration: &IntegrationId) -> SignedDuration {
    let hash = Sha256::digest(integration.as_str().as_bytes());
    let number = u64::from(u16::from_be_bytes([hash[0], hash[1]]));
    let seconds = number * JITTER_MAX.as_secs() / (u64::from(u16::MAX) + 1);
    SignedDuration::from_secs(i64::try_from(seconds).expect("below half an hour"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_fires_in_its_time_zone_through_the_change_of_clocks() {
        let now = at("2026-10-24T12:00:00Z");
        let schedule = Schedule::parse(" 0 20  * * * ", "Europe/Berlin", now).unwrap();
        let first = schedule.after(now).unwrap();
        assert_eq!(first, at("2026-10-24T18:00:00Z"));
        assert_eq!(schedule.after(first).unwrap(), at("2026-10-25T19:00:00Z"));
    }

    #[test]
    fn what_is_no_schedule_is_told_apart() {
        let now = at("2026-11-22T00:00:00Z");
        let parse = |line: &str, zone: &str| Schedule::parse(line, zone, now).unwrap_err();
        assert_eq!(parse("0 20 * * *", "Europe/Berlim"), InvalidSchedule::TimeZone("Europe/Berlim".to_owned()));
        assert_eq!(parse("0 20 * * *", "UTC UTC"), InvalidSchedule::TimeZone("UTC UTC".to_owned()));
        assert_eq!(parse("0 20 * *", "UTC"), InvalidSchedule::Fields(4));
        assert_eq!(parse("0 25 * * *", "UTC"), InvalidSchedule::Line("0 25 * * *".to_owned()));
        assert_eq!(parse("0 0 30 2 *", "UTC"), InvalidSchedule::Never("0 0 30 2 *".to_owned()));
    }

    #[test]
    fn jitter_spreads_integrations_over_half_an_hour_and_stays() {
        let of = |id: &str| jitter(&IntegrationId::parse(id).unwrap());
        let all: Vec<_> = (0..200).map(|number| of(&format!("auvik-{number}"))).collect();
        assert_eq!(of("auvik-7"), all[7]);
        assert!(all.iter().all(|wait| *wait < SignedDuration::from_mins(30)));
        assert!(all.iter().any(|wait| *wait > SignedDuration::from_mins(25)));
    }
}
