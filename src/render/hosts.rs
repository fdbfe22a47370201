//! The lines below a cluster or an endpoints row: who could take the request, and who cannot.

use textwrap::core::display_width;

use super::line::{Line, NARROW, clean, hanging, indented, longest_word};
use super::text::{Detail, Screen};
use super::theme::Role;
use super::words::{outcome, percent};
use crate::verdict::{self, ClusterChoice, Endpoint};

/// How many endpoints a screen has room for.
const FEW: usize = 5;

/// How wide an address may be to set the column of what is said of all: any IPv4 address with its port.
const USUAL: usize = 21;

impl Screen<'_> {
    /// A line for each endpoint, those that cannot take the request first; the brief screen shows a few.
    pub(super) fn endpoints(&self, cluster: &ClusterChoice, column: usize) -> Vec<Line> {
        if self.detail == Detail::Brief && all_healthy(cluster) {
            return Vec::new();
        }
        let (able, unable): (Vec<&Endpoint>, Vec<_>) = cluster.endpoints.iter().partition(|e| e.eligible);
        let hosts: Vec<&Endpoint> = match self.detail {
            Detail::Brief => unable.into_iter().chain(able).collect(),
            Detail::Full => cluster.endpoints.iter().collect(),
        };
        let shown = match self.detail {
            Detail::Brief if hosts.len() > FEW => FEW,
            Detail::Brief | Detail::Full => hosts.len(),
        };
        let (shown, rest) = hosts.split_at(shown);
        let widest = shown.iter().map(|e| display_width(&e.address)).filter(|w| *w <= USUAL).max().unwrap_or(0);
        let line = |e: &&Endpoint| self.endpoint(e, column, column + widest + 2);
        shown.iter().flat_map(line).chain(self.more(rest, column)).collect()
    }

    /// Addresses, as many as have room in the rest of a line.
    pub(super) fn addresses(&self, endpoints: &[Endpoint], column: usize) -> String {
        let mut text = String::new();
        for (i, endpoint) in endpoints.iter().enumerate() {
            let more = endpoints.len() - i;
            let next = if i == 0 { clean(&endpoint.address) } else { format!("{text}, {}", clean(&endpoint.address)) };
            let room = if more == 1 { 0 } else { format!(" and {more} more").len() };
            if i > 0 && column + display_width(&next) + room > self.width {
                return format!("{text} and {more} more");
            }
            text = next;
        }
        text
    }

    fn endpoint(&self, endpoint: &Endpoint, column: usize, words_column: usize) -> Vec<Line> {
        let (words, address) = (self.words(endpoint), clean(&endpoint.address));
        if column + display_width(&address) > self.width {
            let mut lines = indented(column, Role::Plain, &address, self.width);
            lines.extend(indented(column + 2, Role::Plain, &words, self.width));
            return lines;
        }
        let label = Line::indented(column).with(Role::Plain, &format!("{address}  "));
        hanging(label.filled_to(words_column), Role::Plain, &words, column + 2, self.width)
    }

    /// Where a request can go to several clusters: a line for each, with its share and what becomes of it.
    pub(super) fn clusters(&self, clusters: &[ClusterChoice], column: usize) -> Vec<Line> {
        let share = clusters.iter().map(|c| percent(c.share).len()).max().unwrap_or(0);
        let widest = clusters.iter().map(|c| longest_word(&clean(&c.name))).max().unwrap_or(0);
        let column = if column + share + 2 + widest > self.width { NARROW } else { column };
        let inner = column + share + 2;
        let lines = |c: &ClusterChoice| -> Vec<Line> {
            let label = Line::indented(column).with(Role::Plain, &format!("{:>share$}  ", percent(c.share)));
            let mut lines = hanging(label, Role::Plain, &c.name, inner, self.width);
            lines.extend(self.fate(c, inner));
            if self.detail == Detail::Full {
                lines.extend(self.endpoints(c, inner));
            }
            lines
        };
        clusters.iter().flat_map(lines).collect()
    }

    /// What becomes of the requests that choose a cluster.
    fn fate(&self, cluster: &ClusterChoice, column: usize) -> Vec<Line> {
        let response = cluster.response.as_ref().map(|r| format!(" ({})", r.short())).unwrap_or_default();
        let able = cluster.endpoints.iter().filter(|e| e.eligible).count();
        let all = cluster.endpoints.len();
        let hosts = if all == 0 { String::new() } else { format!(": {}", verdict::able(able, all)) };
        let words = format!("{}{response}{hosts}", outcome(cluster.outcome));
        hanging(Line::indented(column), Role::Plain, &words, column, self.width)
    }

    fn more(&self, rest: &[&Endpoint], column: usize) -> Option<Line> {
        if rest.is_empty() {
            return None;
        }
        let able = rest.iter().filter(|e| e.eligible).count();
        let who = if able == rest.len() {
            "all can take the request".to_owned()
        } else if able == 0 {
            "none can take the request".to_owned()
        } else {
            format!("{able} of them can take the request")
        };
        let text = format!("{} and {} more, {who}", self.theme.ellipsis(), rest.len());
        Some(Line::indented(column).with(Role::Plain, &text))
    }

    fn words(&self, endpoint: &Endpoint) -> String {
        let mut words: Vec<String> = endpoint.health.iter().map(|flag| health(flag)).collect();
        match (words.is_empty(), endpoint.eligible) {
            (true, true) => words.push("healthy".to_owned()),
            (true, false) => words.push("healthy, not used now".to_owned()),
            (false, true) => words.push("used all the same".to_owned()),
            (false, false) => {}
        }
        let full = self.detail == Detail::Full;
        if full || endpoint.priority > 0 {
            words.push(format!("priority {}", endpoint.priority));
        }
        if full {
            words.push(tls(endpoint.tls));
        }
        words.join(", ")
    }
}

/// Whether nothing is to be said of any endpoint but its address.
pub(super) fn all_healthy(cluster: &ClusterChoice) -> bool {
    cluster.endpoints.iter().all(|endpoint| endpoint.eligible && endpoint.health.is_empty())
}

/// One of Envoy's health flags in English, beside its own name.
pub(super) fn health(flag: &str) -> String {
    let words = match flag {
        "failed_outlier_check" => "ejected",
        "failed_active_hc" | "failed_active_health_check" => "failed the health check",
        "failed_eds_health" => "unhealthy by the control plane",
        "eds_status_draining" => "draining",
        "degraded_active_hc" | "failed_active_degraded_check" => "degraded by the health check",
        "degraded_eds_health" => "degraded by the control plane",
        "degraded_outlier_detection" | "failed_degraded_outlier_detection" => "degraded by its answers",
        "pending_dynamic_removal" => "about to be removed",
        "pending_active_hc" => "not health-checked yet",
        "excluded_via_immediate_hc_fail" => "took itself out",
        "active_hc_timeout" => "the health check timed out",
        _ => return flag.to_owned(),
    };
    format!("{words} ({flag})")
}

fn tls(mode: Option<&str>) -> String {
    match mode {
        Some("plaintext") => "plaintext".to_owned(),
        Some(mode) => format!("{mode} TLS"),
        None => "TLS not read".to_owned(),
    }
}
