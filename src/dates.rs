//! Moments as services write them, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// `20150830T123600Z`.
pub fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / DAY);
    let rest = seconds % DAY;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Reads `2015-08-30T12:36:00Z`, also with an offset like `+02:00`; fractions of a second are passed over.
pub fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (time, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time.get(at + 1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            (&time[..at], if time[at..].starts_with('-') { -seconds } else { seconds })
        }
    };
    let time = time.split('.').next()?;
    let mut time = time.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds.checked_add_signed(-offset)?))
}

/// The same as whole seconds since 1970.
pub fn seconds(text: &str) -> Option<u64> {
    parse(text)?.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// When fetched keys expire, for a date that a service gave. One that cannot be read must not make them last: they serve
/// the call at hand, and are fetched again for the next.
pub fn expiry(text: Option<&str>) -> Option<SystemTime> {
    text.map(|text| parse(text).unwrap_or(UNIX_EPOCH))
}

/// The Gregorian date of a day since 1970, counted in years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let era = year / 400;
    let year_of_era = year % 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_and_back() {
        for (seconds, stamped, written) in [
            (0, "19700101T000000Z", "1970-01-01T00:00:00Z"),
            (1_440_938_160, "20150830T123600Z", "2015-08-30T12:36:00Z"),
            (1_709_164_799, "20240228T235959Z", "2024-02-28T23:59:59.25Z"),
            (1_709_164_800, "20240229T000000Z", "2024-02-29T00:00:00Z"),
            (4_102_444_800, "21000101T000000Z", "2100-01-01T00:00:00Z"),
            (1_440_938_160, "20150830T123600Z", "2015-08-30T14:36:00.5+02:00"),
            (1_440_938_160, "20150830T123600Z", "2015-08-30T07:06:00-05:30"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(stamp(time), stamped);
            assert_eq!(parse(written), Some(time), "{written}");
        }
        for wrong in
            ["", "2015", "2015-13-30T12:36:00Z", "2015-08-30 12:36:00", "x-y-zT1:2:3Z", "1-1-1T0:0:0Z"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_do_not_last_for_a_date_that_cannot_be_read() {
        assert_eq!(expiry(None), None);
        assert_eq!(expiry(Some("soon")), Some(UNIX_EPOCH));
        assert_eq!(expiry(Some("1970-01-01T00:00:09Z")), Some(UNIX_EPOCH + Duration::from_secs(9)));
    }
}
