//! Instants as milliseconds since 1970 in UTC, written and read the way the vendors do.

#[cfg(test)]
mod tests;

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// Returns `2018-03-12T12:00:00.000Z`.
pub fn stamp(instant_ms: u64) -> String {
    let (year, month, day) = civil(instant_ms / DAY_MS);
    let second = instant_ms / 1000 % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", instant_ms % 1000)
}

/// Returns the instant that `2018-03-12T12:00:00.000Z` names, milliseconds optional; nothing for any other form.
pub fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let (year, month, day) = (year.parse::<u64>().ok()?, month.parse::<u64>().ok()?, day.parse::<u64>().ok()?);
    let known = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !known || hour > 23 || minute > 59 || second > 60 || parts.next().is_some() {
        return None;
    }
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?;
    Some(days(year, month, day) * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000 + millis)
}

/// Returns year, month and day of a number of days since 1970. Years are counted from March, so that the leap day is last.
fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    let shifted = days_since_epoch + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Returns the number of days since 1970 of a date: the reverse of [`civil`].
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    (year / 400) * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
