//! The texts that `range_match` takes, as a regular expression.

/// What no text matches.
pub(super) const NEVER: &str = "[a&&b]";

/// Whole numbers from `start` on and below `end`, as Rust and Envoy read them: a sign and zeros may stand in front.
pub(super) fn range(start: i64, end: i64) -> String {
    if start >= end {
        return NEVER.to_owned();
    }
    let last = end.saturating_sub(1);
    let mut ways = Vec::new();
    if let Ok(last) = u64::try_from(last) {
        let first = u64::try_from(start).unwrap_or(0);
        ways.push(format!("\\+?0*(?:{})", between(first, last)));
    }
    if start <= 0 && last >= 0 {
        ways.push("-0+".to_owned());
    }
    if start < 0 {
        let nearest = if last < 0 { last.unsigned_abs() } else { 1 };
        ways.push(format!("-0*(?:{})", between(nearest, start.unsigned_abs())));
    }
    ways.join("|")
}

/// The numbers between these, both included, without zeros in front.
fn between(first: u64, last: u64) -> String {
    let length = |n: u64| n.to_string().len();
    let mut ways = Vec::new();
    for digits in length(first)..=length(last) {
        let low = if digits == length(first) { first.to_string() } else { format!("1{}", "0".repeat(digits - 1)) };
        let high = if digits == length(last) { last.to_string() } else { "9".repeat(digits) };
        ways.push(same_length(&low, &high));
    }
    ways.join("|")
}

/// The same, where both have as many digits.
fn same_length(low: &str, high: &str) -> String {
    if low.bytes().all(|digit| digit == b'0') && high.bytes().all(|digit| digit == b'9') {
        return "[0-9]".repeat(low.len());
    }
    let (Some((a, low_rest)), Some((b, high_rest))) = (low.split_at_checked(1), high.split_at_checked(1)) else {
        return String::new();
    };
    if a == b {
        return format!("{a}(?:{})", same_length(low_rest, high_rest));
    }
    let mut ways = vec![
        format!("{a}(?:{})", same_length(low_rest, &"9".repeat(low_rest.len()))),
        format!("{b}(?:{})", same_length(&"0".repeat(high_rest.len()), high_rest)),
    ];
    let inner = (a.parse::<u8>(), b.parse::<u8>());
    if let (Ok(a), Ok(b)) = inner
        && a + 1 < b
    {
        ways.push(format!("[{}-{}]{}", a + 1, b - 1, "[0-9]".repeat(low_rest.len())));
    }
    ways.join("|")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_range_takes_its_numbers_and_no_other_text() {
        let texts = |n: i64| [n.to_string(), format!("{n:+}"), format!("{n:05}"), format!("{n:+04}")];
        for (start, end) in [(0, 1), (5, 10), (-5, 7), (98, 1203), (-120, -7), (-1, 0), (3, 3), (9, 2), (1, 2)] {
            let regex = regex::Regex::new(&format!("^(?:{})$", range(start, end))).unwrap();
            for n in -1300..1300 {
                for text in texts(n) {
                    assert_eq!(regex.is_match(&text), (start..end).contains(&n), "{text} in {start}..{end}");
                }
            }
            for text in ["", "+", "-", "1.0", "a", "- 1", "1 "] {
                assert!(!regex.is_match(text), "{text}");
            }
        }
        let widest = regex::Regex::new(&format!("^(?:{})$", range(i64::MIN, i64::MAX))).unwrap();
        assert!(widest.is_match("-9223372036854775808") && !widest.is_match("9223372036854775807"));
        assert!(widest.is_match("-0") && !widest.is_match("-9223372036854775809"));
    }
}
