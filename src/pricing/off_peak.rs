//! Prices that hold at some hours of the day.

use serde_json::Value;

use crate::json::{Map, str_at};

const DAY: u64 = 24 * 60;

/// The entry's other prices, if this is a time for them. `now` is in seconds since the epoch.
pub fn prices(entry: &Map, now: u64) -> Option<&Map> {
    let off_peak = entry.get("off_peak_pricing")?.as_object()?;
    let minutes = now / 60;
    // Weekdays may be those of another place; its offset is all that is needed, it has no summer time.
    let ahead = if str_at(off_peak, "weekday_timezone") == Some("Asia/Shanghai") { 8 * 60 } else { 0 };
    // The epoch was a Thursday, the fourth day of the week.
    let weekday = ((minutes + ahead) / DAY + 3) % 7 + 1;
    let windows = off_peak.get("windows")?.as_array()?;
    windows.iter().any(|window| holds(window, minutes % DAY, weekday)).then_some(off_peak)
}

fn holds(window: &Value, minute: u64, weekday: u64) -> bool {
    let weekdays = window.get("weekdays").and_then(Value::as_array);
    if weekdays.is_some_and(|days| !days.iter().any(|day| day.as_u64() == Some(weekday))) {
        return false;
    }
    match window.get("hours_utc") {
        Some(Value::String(hours)) => is_in(hours, minute),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(|hours| is_in(hours, minute)),
        _ => false,
    }
}

/// Whether a minute of the day lies in hours such as `16:30-00:30`.
fn is_in(hours: &str, minute: u64) -> bool {
    let minute_of = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        Some(hour.parse::<u64>().ok()? * 60 + minute.parse::<u64>().ok()?)
    };
    let Some((start, end)) = hours.split_once('-').and_then(|(a, b)| Some((minute_of(a)?, minute_of(b)?)))
    else {
        return false;
    };
    if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hours_and_days() {
        let entry = json!({"off_peak_pricing": {"input_cost_per_token": 1, "windows": [
            {"hours_utc": ["10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
            {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
        ]}});
        let entry = entry.as_object().unwrap();
        let hour = 3600;
        // 1970-01-01 was a Thursday.
        assert!(prices(entry, 9 * hour).is_none());
        assert!(prices(entry, 10 * hour).is_some());
        assert!(prices(entry, (2 * 24 + 3) * hour).is_some(), "Saturday");
        assert!(prices(entry, (4 * 24 + 3) * hour).is_none(), "Monday");
    }
}
