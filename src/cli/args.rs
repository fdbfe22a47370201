//! The arguments, as clap takes them. Names and letters are kubectl's own wherever kubectl has them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, ValueEnum, ValueHint};

const SHORT_EXAMPLES: &str = "\
Examples:
  kubectl mesh-why deploy/orders products:8080
  kubectl mesh-why orders products:8080 -n shop --path /api/items
  kubectl mesh-why products:8080 --snapshot orders.tar.gz
  kubectl mesh-why --demo
  kubectl mesh-why explain UF,URX

All flags, and what they mean: --help";

const EXAMPLES: &str = "\
Examples:
  # Why does a request from deployment orders to service products fail?
  kubectl mesh-why deploy/orders products:8080

  # The same with its path and a header, from another namespace
  kubectl mesh-why orders products:8080 -n shop --path /api/items -H 'x-user: 7'

  # Keep what was read, and ask it again without the cluster
  kubectl mesh-why orders products:8080 --save orders.tar.gz
  kubectl mesh-why products:8080 --snapshot orders.tar.gz

  # Ask about the last request that failed, as A's proxy logged it
  kubectl logs deploy/orders -c istio-proxy | grep ' 503 ' | tail -1 |
    kubectl mesh-why orders --from-log -

  # See what an answer looks like
  kubectl mesh-why --demo

  # What do the words of an answer, or of an access log, mean?
  kubectl mesh-why explain UF,URX

  # Part of the answer, for a script; a page for the ticket
  kubectl mesh-why orders products:8080 -o jsonpath='{.outcome}'
  kubectl mesh-why orders products:8080 -o markdown

  # Names and flags with the Tab key; `completion bash`, `zsh` and `fish` are for the binary itself
  kubectl mesh-why completion kubectl

Exit codes: 0 the request is handed over, 1 it is not, 2 the arguments cannot be
understood, 3 it cannot be told, 130 interrupted.";

/// Explain why a mesh request from A to B fails
///
/// Reads what A's Envoy holds for just this request (listener, route, cluster, endpoints), says what becomes of
/// it, and names the Kubernetes object to look at. It only reads: nothing is sent to B and nothing is changed.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "kubectl-mesh_why",
    bin_name = "kubectl mesh-why",
    display_name = "kubectl mesh-why",
    version,
    override_usage = "kubectl mesh-why [A] B:PORT [OPTIONS]\n       kubectl mesh-why explain [WORD]\n       kubectl mesh-why completion SHELL",
    after_help = SHORT_EXAMPLES,
    after_long_help = EXAMPLES,
    max_term_width = 100
)]
pub struct Cli {
    /// The source: a pod, workload, service or pod's address (`orders`, `deploy/orders`, `orders.shop`)
    ///
    /// It may be left out with --selector, and where a proxy is named in another way (--admin, --snapshot, -f). `explain`,
    /// with no B:PORT behind it, explains a word: a finding's id, Envoy's response flags and details, a code of istioctl
    /// analyze or of Kiali. Without a word it lists all. `completion SHELL` prints what a shell completes with.
    #[arg(value_name = "A")]
    pub(super) first: Option<String>,

    /// The destination: a service, host, address or URL with its port (`products:8080`)
    #[arg(value_name = "B:PORT")]
    pub(super) second: Option<String>,

    #[command(flatten, next_help_heading = "The request")]
    pub(super) request: RequestArgs,

    #[command(flatten, next_help_heading = "Where to read")]
    pub(super) place: PlaceArgs,

    #[command(flatten, next_help_heading = "The answer")]
    pub(super) output: OutputArgs,

    #[command(flatten, next_help_heading = "The cluster, as for kubectl")]
    pub(super) cluster: ClusterArgs,
}

/// What A sends.
#[derive(Clone, Debug, Args)]
pub(super) struct RequestArgs {
    /// The path, with its query [default: any]
    ///
    /// With none of --path, --method and --header, and no path in a URL, every kind of request that the routes and
    /// policies tell apart is asked about. Any of them makes it one request, a plain GET of / otherwise.
    #[arg(long, allow_hyphen_values = true)]
    pub(super) path: Option<String>,

    /// The method [default: any]
    #[arg(long, allow_hyphen_values = true)]
    pub(super) method: Option<String>,

    /// A header, `Name: value` (repeatable)
    #[arg(short = 'H', long = "header", value_name = "HEADER", allow_hyphen_values = true)]
    pub(super) headers: Vec<String>,

    /// Ask about a plain GET of / alone
    #[arg(long, conflicts_with_all = ["path", "method", "headers"], hide_short_help = true)]
    pub(super) exact: bool,

    /// The Host header [default: B's name as typed]
    #[arg(long, allow_hyphen_values = true)]
    pub(super) host: Option<String>,

    /// A speaks TLS itself
    #[arg(long)]
    pub(super) tls: bool,

    /// The TLS server name [default: the host]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, hide_short_help = true)]
    pub(super) sni: Option<String>,

    /// What A speaks: auto, http1.0, http1, http2, grpc, tcp or tls [default: auto]
    #[arg(long, allow_hyphen_values = true)]
    pub(super) protocol: Option<String>,

    /// The address that A dials, where B's name leaves it open
    #[arg(long, value_name = "IP", allow_hyphen_values = true, hide_short_help = true)]
    pub(super) address: Option<String>,

    /// The client's own address, for a gateway [default: that of A's pod]
    #[arg(long, value_name = "IP", allow_hyphen_values = true, hide_short_help = true)]
    pub(super) from_address: Option<String>,

    /// A load balancer before the proxy speaks the PROXY protocol: v1 or v2
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true, hide_short_help = true)]
    pub(super) proxy_protocol: Option<String>,

    /// Take the request from a line of an Envoy access log, explain its flags, and compare then with now (`-` is standard
    /// input)
    ///
    /// B may then be left out. The line is text or JSON in the default format of Istio, Envoy, Envoy Gateway or Contour;
    /// what kubectl logs or a log shipper puts around it is looked past. The other flags win over the line.
    #[arg(long, value_name = "LINE", conflicts_with = "exact")]
    pub(super) from_log: Option<String>,
}

/// Where it is read.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Clone, Debug, Args)]
pub(super) struct PlaceArgs {
    /// A is a pod with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(super) selector: Option<String>,

    /// Ask every pod of A, and compare
    ///
    /// Pods with the same answer stand together. The exit code is the worst.
    #[arg(long, conflicts_with_all = ["admin", "snapshot", "config_dump", "demo", "save", "from_log"])]
    pub(super) all_pods: bool,

    /// Read an Envoy admin endpoint at this URL
    #[arg(long, value_name = "URL", conflicts_with_all = ["snapshot", "config_dump", "demo", "selector", "admin_port"])]
    pub(super) admin: Option<String>,

    /// Read a saved snapshot: a folder, or a .tar.gz of one
    #[arg(long, value_name = "PATH", conflicts_with_all = ["config_dump", "demo", "selector", "admin_port"])]
    pub(super) snapshot: Option<PathBuf>,

    /// Read the output of Envoy's `/config_dump`, or of `istioctl proxy-config … -o json` (repeatable; `-` is standard
    /// input)
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with_all = ["demo", "selector", "admin_port"])]
    pub(super) config_dump: Vec<PathBuf>,

    /// With -f: the output of Envoy's `/clusters`, JSON or text
    #[arg(long, value_name = "FILE", requires = "config_dump", hide_short_help = true)]
    pub(super) clusters: Option<PathBuf>,

    /// Read the snapshot that is built in
    #[arg(long, conflicts_with_all = ["selector", "admin_port"])]
    pub(super) demo: bool,

    /// The port of the proxy's admin endpoint [default: found from the pod]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), hide_short_help = true)]
    pub(super) admin_port: Option<u16>,

    /// Write what was read as a snapshot: a folder, or an archive when PATH ends in .tar.gz
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(super) save: Option<String>,

    /// With --save: replace the archive or the snapshot's folder that is there
    #[arg(long, requires = "save", hide_short_help = true)]
    pub(super) force: bool,

    /// The most that is read of one answer, files apart: 500k, 64MiB, 1GiB
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size, hide_short_help = true)]
    pub(super) max_read: usize,

    /// Do not read B's own proxy
    #[arg(long, hide_short_help = true)]
    pub(super) no_destination: bool,
}

/// How it is told.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// text, wide, markdown, json, yaml, jsonpath=EXPR, mermaid, html, junit or sarif
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: String,

    /// Print line 1 alone
    #[arg(short = 'q', long)]
    pub(super) quiet: bool,

    /// Print each read on standard error, with its time and its bytes; with -vv also, after the answer, the rounds that they
    /// came in
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub(super) verbose: u8,

    /// Ask again until the answer changes, say what changed and when, and end with the new answer's exit code
    ///
    /// Everything is read anew each time, two seconds after the last. What counts is the outcome, line 1, the response, the
    /// ways, the findings, and the endpoints with their health; counters and times do not. What cannot be read for a moment is
    /// said once, and asked for again. Ctrl-C ends it.
    #[arg(
        short = 'w',
        long,
        conflicts_with_all = ["all_pods", "snapshot", "config_dump", "demo", "save", "from_log"]
    )]
    pub(super) watch: bool,

    /// Also connect to B's application through a port-forward, and close: whether it listens
    ///
    /// Nothing is sent on the connection, and without this flag there is none. Port 1 is tried before, on which nothing
    /// listens: where that is not refused, the other says nothing. Both are opened only in pods of B's that the
    /// request gets to, never in a gateway's.
    #[arg(long, conflicts_with_all = ["no_destination", "demo", "config_dump"])]
    pub(super) probe: bool,

    /// When to color the text
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub(super) color: ColorWhen,
}

/// When text is colored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// kubectl's own flags.
#[derive(Clone, Debug, Args)]
pub(super) struct ClusterArgs {
    /// The kubeconfig file to read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(super) kubeconfig: Option<String>,

    /// The kubeconfig's context to use
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,

    /// The kubeconfig's cluster to use
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) cluster: Option<String>,

    /// The kubeconfig's user to be
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) user: Option<String>,

    /// The namespace of A, and of B where B names none
    #[arg(short = 'n', long, value_name = "NAME")]
    pub(super) namespace: Option<String>,

    /// The address of the API server
    #[arg(short = 's', long, value_name = "URL", hide_short_help = true)]
    pub(super) server: Option<String>,

    /// The name to check the API server's certificate against
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) tls_server_name: Option<String>,

    /// Do not check the API server's certificate
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_short_help = true)]
    pub(super) insecure_skip_tls_verify: Option<bool>,

    /// The certificate authority of the API server
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath, hide_short_help = true)]
    pub(super) certificate_authority: Option<String>,

    /// The client certificate to present
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath, hide_short_help = true)]
    pub(super) client_certificate: Option<String>,

    /// The client certificate's key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath, hide_short_help = true)]
    pub(super) client_key: Option<String>,

    /// The bearer token to present
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, hide_short_help = true)]
    pub(super) token: Option<String>,

    /// The user to impersonate
    #[arg(long = "as", value_name = "USER", hide_short_help = true)]
    pub(super) impersonate: Option<String>,

    /// The UID to impersonate
    #[arg(long = "as-uid", value_name = "UID", hide_short_help = true)]
    pub(super) impersonate_uid: Option<String>,

    /// A group to impersonate (repeatable)
    #[arg(long = "as-group", value_name = "GROUP", action = ArgAction::Append, hide_short_help = true)]
    pub(super) impersonate_groups: Vec<String>,

    /// An extra of the user to impersonate, `KEY=VALUE` (repeatable)
    #[arg(long = "as-user-extra", value_name = "KEY=VALUE", action = ArgAction::Append, value_parser = key_value, hide_short_help = true)]
    pub(super) impersonate_extra: Vec<(String, String)>,

    /// The longest that one request may take: 500ms, 30s, 2m; 0 for as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = timeout, hide_short_help = true)]
    pub(super) request_timeout: Timeout,

    /// Taken for kubectl's sake, and not used
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) disable_compression: Option<bool>,

    /// Taken for kubectl's sake, and not used
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub(super) cache_dir: Option<String>,
}

/// How long one request may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Timeout(pub(super) Option<Duration>);

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A number of bytes as Kubernetes writes it: `k`, `M`, `G` are thousands, `Ki`, `Mi`, `Gi` are 1024s, each with a `B`
/// or without.
fn size(text: &str) -> Result<usize, String> {
    let wrong = || "a size is a number with its unit: 500k, 64MiB, 1GiB".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1000,
        "m" => 1000 * 1000,
        "g" => 1000 * 1000 * 1000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(scale));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// A duration as Go writes it, `1m30s`; a bare number is seconds, as for kubectl.
fn timeout(text: &str) -> Result<Timeout, String> {
    let wrong = || "a duration is a number with its unit: 500ms, 30s, 2m".to_owned();
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Timeout((seconds > 0).then(|| Duration::from_secs(seconds))));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let scale = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let seconds = number.parse::<f64>().map_err(|_| wrong())? * scale;
        total += Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Timeout((!total.is_zero()).then_some(total))) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn sizes_are_those_of_kubernetes() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1GiB", 1 << 30), ("1Gi", 1 << 30), ("2mib", 2 << 20)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert_eq!((size("500k"), size("3MB"), size("17"), size("8B")), (Ok(500_000), Ok(3_000_000), Ok(17), Ok(8)));
        for text in ["", "0", "k", "1x", "-1", "1.5G", "1 k", "1kk", "99999999999999999999", "18446744073709551615G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_kubectl() {
        let of = |text| timeout(text).unwrap().0;
        assert_eq!(of("30s"), Some(Duration::from_secs(30)));
        assert_eq!(of("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(of("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(of("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!((of("0"), of("0s")), (None, None));
        for text in ["", "s", "1x", "-1s", "1s2", "1e400s"] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }
}
