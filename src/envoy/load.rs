//! Which hosts a request can be sent to: priorities, overprovisioning, panic.
//!
//! `source/extensions/load_balancing_policies/common/load_balancer_impl.cc`; the percentages were reproduced on
//! 1.40.0, and the table of the tests is what was observed.

use std::collections::BTreeMap;

use super::draw::gcd;
use super::health::{Class, Host};

/// How a cluster spreads requests over its hosts.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Percent; 140 when the assignment says nothing.
    pub overprovisioning_factor: u32,
    /// Whole percent of hosts below which health is ignored; 50 when the cluster says nothing, 0 for never.
    pub panic_threshold: f64,
    /// Priorities count weights instead of hosts.
    pub weighted_priority_health: bool,
    /// In a panic, fail instead of using every host (`fail_traffic_on_panic`).
    pub fail_in_panic: bool,
    /// How a host is chosen among those of a priority.
    pub algorithm: Algorithm,
    /// The weights of the localities by (priority, locality), where localities are weighted at all.
    pub locality_weights: Option<BTreeMap<(u32, String), u32>>,
}

/// How a host is chosen among those of a priority, as far as that leaves some of them out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Algorithm {
    /// Each gets its turn.
    #[default]
    Fair,
    /// Ring hash and Maglev, which never choose a degraded host.
    Ring,
    /// RANDOM: one number chooses both the priority and, in it, the host (`RandomLoadBalancer::peekOrChoose`).
    Random,
}

/// Where requests go.
#[derive(Clone, PartialEq, Debug)]
pub struct Spread {
    /// For each host, in order: whether a request can be sent to it.
    pub eligible: Vec<bool>,
    /// The share of requests for which no host can be chosen, 0 to 1.
    pub without_host: f64,
    /// A priority that takes requests is in panic.
    pub panic: bool,
}

impl Spread {
    /// Where it cannot be told who gets requests: any of so many hosts may.
    pub fn over_any(hosts: usize) -> Self {
        Self { eligible: vec![true; hosts], without_host: if hosts == 0 { 1.0 } else { 0.0 }, panic: false }
    }
}

/// The share of one priority, in percent.
#[derive(Clone, Copy, Default)]
struct Priority {
    hosts: u64,
    /// Of the hosts, those that are counted, and of these the ones that may be chosen without a panic: a panic goes by
    /// numbers even where the priorities go by weights.
    counted_hosts: u64,
    usable_hosts: u64,
    /// Weights, or numbers, as the policy says.
    counted: u64,
    healthy: u64,
    degraded: u64,
    /// Of 100, after overprovisioning.
    health: u64,
    degraded_health: u64,
    load: u64,
    degraded_load: u64,
    panic: bool,
}

/// Spreads requests over `hosts`.
pub fn spread(hosts: &[Host], policy: &Policy) -> Spread {
    let mut priorities = counted(hosts, policy);
    settle(&mut priorities, policy.panic_threshold);
    let mut all = Spread { eligible: vec![false; hosts.len()], without_host: 0.0, panic: false };
    let healthy: u64 = priorities.iter().map(|priority| priority.load).sum();
    let mut begins = [0, healthy];
    for (level, priority) in priorities.iter().enumerate() {
        let drawn = (policy.algorithm == Algorithm::Random).then_some(begins);
        pour(&mut all, hosts, policy, level, *priority, drawn);
        begins = [begins[0] + priority.load, begins[1] + priority.degraded_load];
    }
    if priorities.is_empty() {
        all.without_host = 1.0;
    }
    all.without_host = all.without_host.min(1.0);
    all
}

/// Spreads requests over the hosts of several clusters, whose priorities that have hosts follow one another
/// (`source/extensions/clusters/aggregate/`). The threshold is the aggregate's; whether a priority is in panic, its own
/// cluster says. One for each part: its own hosts, and the share of all requests for which it has none.
pub fn spread_over(parts: &[(&[Host], &Policy)], threshold: f64) -> Vec<Spread> {
    let mut flat = Vec::new();
    let mut places = Vec::new();
    for (part, (hosts, policy)) in parts.iter().enumerate() {
        let mut own = counted(hosts, policy);
        let plain = own.clone();
        settle(&mut own, policy.panic_threshold);
        for (level, (priority, own)) in plain.into_iter().zip(own).enumerate().filter(|(_, (p, _))| p.hosts > 0) {
            flat.push(priority);
            places.push((part, level, own.panic));
        }
    }
    settle(&mut flat, threshold);
    let empty = |(hosts, _): &(&[Host], &Policy)| Spread {
        eligible: vec![false; hosts.len()],
        without_host: 0.0,
        panic: false,
    };
    let mut spreads: Vec<Spread> = parts.iter().map(empty).collect();
    let mut to_rings: Vec<u64> = vec![0; parts.len()];
    for (priority, (part, level, panic)) in flat.iter().zip(places) {
        if let (Some(all), Some((hosts, policy))) = (spreads.get_mut(part), parts.get(part)) {
            if policy.algorithm == Algorithm::Ring {
                to_rings[part] += priority.load + priority.degraded_load;
            } else {
                // The member draws a number of its own for its hosts.
                pour(all, hosts, policy, level, Priority { panic, ..*priority }, None);
            }
        }
    }
    // A ring chooses the priority by itself, whichever of its own led there.
    for ((all, (hosts, policy)), load) in spreads.iter_mut().zip(parts).zip(to_rings).filter(|(_, load)| *load > 0) {
        *all = spread(hosts, policy);
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let share = load as f64 / 100.0;
        all.without_host = sum([all.without_host * share]);
    }
    spreads
}

/// Shares together, without the dust of binary fractions: what is left of all must be nothing.
pub fn sum(shares: impl IntoIterator<Item = f64>) -> f64 {
    (shares.into_iter().sum::<f64>() * 1e9).round() / 1e9
}

/// Adds what one priority does with its share. `drawn`: the number that chose the priority chooses the host too, and
/// those of its healthy and its degraded hosts begin there among the 100 percent.
fn pour(all: &mut Spread, hosts: &[Host], policy: &Policy, level: usize, priority: Priority, drawn: Option<[u64; 2]>) {
    let level = u32::try_from(level).unwrap_or(u32::MAX);
    let begins = drawn.map_or([None; 2], |begins| begins.map(Some));
    let loads = [(priority.load, Class::Healthy), (priority.degraded_load, Class::Degraded)];
    for ((load, class), begin) in loads.into_iter().zip(begins) {
        if load == 0 {
            continue;
        }
        all.panic |= priority.panic;
        let pool = pool(hosts, level, priority.panic, class, policy);
        if pool.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "a percentage")]
            let share = load as f64 / 100.0;
            all.without_host = sum([all.without_host, share]);
        }
        let of = u64::try_from(pool.len()).unwrap_or(u64::MAX);
        for (place, i) in (0..).zip(pool) {
            all.eligible[i] |= begin.is_none_or(|begin| is_drawn(begin, load, place, of));
        }
    }
}

/// Whether a number whose last two digits are among the `load` from `begin` on can leave `place`, divided by `of`.
fn is_drawn(begin: u64, load: u64, place: u64, of: u64) -> bool {
    let common = gcd(of, 100);
    load >= common || (begin..begin + load).any(|digits| digits % common == place % common)
}

/// The hosts of a priority among which one is chosen.
fn pool(hosts: &[Host], level: u32, panic: bool, class: Class, policy: &Policy) -> Vec<usize> {
    if panic && policy.fail_in_panic {
        return Vec::new();
    }
    // A ring holds the healthy hosts only, whichever share sent the request here.
    let class = if policy.algorithm == Algorithm::Ring { Class::Healthy } else { class };
    let all = hosts.iter().enumerate().filter(|(_, host)| host.priority == level && (panic || host.class == class));
    let weighs = |host: &Host| {
        let weights = policy.locality_weights.as_ref()?;
        weights.get(&(level, host.locality.clone())).copied().filter(|weight| *weight > 0)
    };
    let weighted: Vec<usize> = all.clone().filter(|(_, host)| weighs(host).is_some()).map(|(i, _)| i).collect();
    let by_locality = match &policy.locality_weights {
        None => false,
        // A ring keeps to the weights whatever happens.
        Some(_) if policy.algorithm == Algorithm::Ring => true,
        // Elsewhere a panic ignores them; and where no locality with a weight has such a host, they all count.
        Some(_) => !panic && !weighted.is_empty(),
    };
    if by_locality { weighted } else { all.map(|(i, _)| i).collect() }
}

/// Whether what weighs how much can matter to the shares of the priorities: not where the hosts of each are all alike.
pub fn priorities_are_mixed(hosts: &[Host]) -> bool {
    let mut classes = BTreeMap::new();
    hosts.iter().any(|host| *classes.entry(host.priority).or_insert(host.class) != host.class)
}

/// Counts the hosts of each priority.
fn counted(hosts: &[Host], policy: &Policy) -> Vec<Priority> {
    let levels = hosts.iter().map(|h| h.priority as usize + 1).max().unwrap_or(0);
    let mut priorities = vec![Priority::default(); levels];
    for host in hosts {
        let priority = &mut priorities[host.priority as usize];
        let weight = if policy.weighted_priority_health { u64::from(host.weight) } else { 1 };
        priority.hosts += 1;
        priority.usable_hosts += u64::from(host.class != Class::Unhealthy);
        if !host.excluded {
            priority.counted_hosts += 1;
            priority.counted += weight;
        }
        match host.class {
            Class::Healthy => priority.healthy += weight,
            Class::Degraded => priority.degraded += weight,
            Class::Unhealthy => {}
        }
    }
    let factor = u64::from(policy.overprovisioning_factor);
    let part = |n: u64, of: u64| (factor * n).checked_div(of).unwrap_or(0).min(100);
    for priority in &mut priorities {
        priority.health = part(priority.healthy, priority.counted);
        priority.degraded_health = part(priority.degraded, priority.counted);
    }
    priorities
}

/// Gives each priority its share, and says which are in panic.
fn settle(priorities: &mut [Priority], threshold: f64) {
    let total = priorities.iter().map(|p| p.health + p.degraded_health).sum::<u64>().min(100);
    share(priorities, total);
    panics(priorities, total, threshold);
}

/// Hands out 100 percent: healthy loads by priority, then degraded ones.
fn share(priorities: &mut [Priority], total: u64) {
    if total == 0 {
        return;
    }
    let mut left = 100;
    for priority in priorities.iter_mut() {
        priority.load = left.min(priority.health * 100 / total);
        left -= priority.load;
    }
    for priority in priorities.iter_mut() {
        priority.degraded_load = left.min(priority.degraded_health * 100 / total);
        left -= priority.degraded_load;
    }
    if let Some(first) = priorities.iter_mut().find(|p| p.health > 0) {
        first.load += left;
    } else if let Some(first) = priorities.iter_mut().find(|p| p.degraded_health > 0) {
        first.degraded_load += left;
    }
}

/// A panic is possible only where the healthy hosts of all priorities together do not suffice.
fn panics(priorities: &mut [Priority], total: u64, threshold: f64) {
    if threshold <= 0.0 && total == 0 {
        if let Some(first) = priorities.first_mut() {
            first.load = 100;
        }
        return;
    }
    for priority in priorities.iter_mut() {
        #[expect(clippy::cast_precision_loss, reason = "numbers of hosts")]
        let (usable, counted) = (priority.usable_hosts as f64, priority.counted_hosts as f64);
        let percent = if priority.counted_hosts == 0 { 0.0 } else { 100.0 * usable / counted };
        priority.panic = total != 100 && percent < threshold.min(100.0);
    }
    let hosts: u64 = priorities.iter().map(|p| p.hosts).sum();
    if hosts > 0 && priorities.iter().all(|p| p.panic) {
        let mut left = 100;
        for priority in priorities.iter_mut() {
            priority.degraded_load = 0;
            priority.load = 100 * priority.hosts / hosts;
            left -= priority.load;
        }
        if let Some(first) = priorities.iter_mut().find(|p| p.hosts > 0) {
            first.load += left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::health::Counters;
    use super::*;

    fn policy(panic_threshold: f64) -> Policy {
        Policy {
            overprovisioning_factor: 140,
            panic_threshold,
            weighted_priority_health: false,
            fail_in_panic: false,
            algorithm: Algorithm::Fair,
            locality_weights: None,
        }
    }

    /// Priorities apart by spaces: H healthy, U unhealthy, D degraded, X draining.
    fn hosts(text: &str) -> Vec<Host> {
        let level = |(p, word): (usize, &str)| -> Vec<Host> {
            word.chars()
                .map(|c| Host {
                    address: String::new(),
                    hostname: String::new(),
                    priority: u32::try_from(p).unwrap_or(0),
                    weight: 1,
                    locality: String::new(),
                    flags: Vec::new(),
                    class: match c {
                        'H' => Class::Healthy,
                        'D' => Class::Degraded,
                        _ => Class::Unhealthy,
                    },
                    excluded: c == 'X',
                    counters: Counters::default(),
                })
                .collect()
        };
        text.split(' ').enumerate().flat_map(level).collect()
    }

    /// `y` where a request can be sent.
    fn eligible(text: &str, policy: &Policy) -> String {
        let spread = spread(&hosts(text), policy);
        let marks: String = spread.eligible.iter().map(|e| if *e { 'y' } else { '-' }).collect();
        if spread.without_host > 0.0 { format!("{marks} {}", spread.without_host) } else { marks }
    }

    #[test]
    fn one_number_chooses_priority_and_host() {
        let drawn = |begin, load, of| (0..of).filter(|place| is_drawn(begin, load, *place, of)).collect::<Vec<_>>();
        assert_eq!(drawn(99, 1, 2), [1]);
        assert_eq!(drawn(98, 2, 4), [2, 3]);
        assert_eq!(drawn(99, 1, 3), [0, 1, 2]);
        assert_eq!(drawn(0, 35, 50).len(), 35);
        assert_eq!(drawn(10, 1, 200), [10, 110]);
    }

    #[test]
    fn observed_on_a_real_envoy() {
        for (hosts, expected) in [
            ("HHH", "yyy"),
            ("UHH", "-yy"),
            ("UUH", "yyy"),
            ("UH", "-y"),
            ("UU", "yy"),
            ("XH", "-y"),
            ("XX", "yy"),
            ("XU", "yy"),
            ("DH", "yy"),
            ("DD", "yy"),
            ("DU", "y-"),
            ("DUU", "yyy"),
            ("HU HH", "y-yy"),
            ("HUUU HH", "y---yy"),
            ("UU HU", "--y-"),
            ("UUUH HUUU", "yyyyyyyy"),
            ("UU UU", "yyyy"),
            ("DU H", "--y"),
            ("HU UUU", "y----"),
            ("HUU HUU", "yyyyyy"),
            ("HUUUU HU", "yyyyyy-"),
        ] {
            assert_eq!(eligible(hosts, &policy(50.0)), expected, "{hosts}");
        }
        assert_eq!(eligible("UU", &policy(0.0)), "-- 1");
        assert_eq!(eligible("XU", &policy(0.0)), "-- 1");
        assert_eq!(eligible("HU", &policy(0.0)), "y-");
        assert_eq!(eligible("UUUH", &policy(80.0)), "yyyy");
        assert_eq!(eligible("HHHU", &policy(80.0)), "yyy-");
    }

    #[test]
    fn some_policies_leave_requests_without_a_host() {
        assert_eq!(eligible("UUH", &Policy { fail_in_panic: true, ..policy(50.0) }), "--- 1");
        let ring = Policy { algorithm: Algorithm::Ring, ..policy(50.0) };
        assert_eq!(eligible("DD", &ring), "-- 1");
        assert_eq!(eligible("DH", &ring), "-y");
        assert!((spread(&[], &policy(50.0)).without_host - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_panic_counts_hosts_where_priorities_count_weights() {
        let mut two = hosts("UH");
        two[0].weight = 3;
        let weighted = Policy { weighted_priority_health: true, ..policy(50.0) };
        assert_eq!(spread(&two, &weighted).eligible, [false, true]);
    }

    #[test]
    fn localities_without_a_weight_get_nothing() {
        let mut two = hosts("HH");
        two[1].locality = "b".to_owned();
        let weights = Some(BTreeMap::from([((0, String::new()), 0), ((0, "b".to_owned()), 1)]));
        assert_eq!(spread(&two, &Policy { locality_weights: weights, ..policy(50.0) }).eligible, [false, true]);
    }
}
