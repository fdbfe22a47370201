//! What the arguments mean together: the question, the place, the form of the answer.

use std::path::Path;

use super::args::{Cli, ColorWhen};
use super::typed;
use super::usage::Usage;
use crate::access_log::{self, writer};
use crate::collect::{ClusterFlags, Existing, Level, Log, Options, Place, Probe, Source};
use crate::render::Format;
use crate::snapshot::{AskRecord, LogRecord};
use crate::walk::{Beyond, Question};

/// The formats that `-o` takes, as the hint names them.
pub(super) const FORMATS: &[&str] =
    &["text", "wide", "markdown", "json", "yaml", "jsonpath=EXPR", "mermaid", "html", "junit", "sarif"];

impl Cli {
    /// The form of the answer.
    pub(super) fn format(&self) -> Result<Format, Usage> {
        let name = &self.output.output;
        match format_of(name) {
            Some(Format::Text) if self.output.quiet => Ok(Format::Quiet),
            Some(format) => Ok(format),
            None => Err(Usage::no_format(name, FORMATS)),
        }
    }

    /// The form of an error: that of the answer, where there is such a form.
    pub(super) fn error_format(&self) -> Format {
        format_of(&self.output.output).unwrap_or(Format::Text)
    }

    /// Where it is read.
    pub(super) fn place(&self, line: Option<&LogRecord>) -> Result<Place, Usage> {
        self.is_given()?;
        let place = &self.place;
        if place.demo {
            return Ok(Place::Demo);
        }
        if let Some(path) = &place.snapshot {
            return Ok(Place::Snapshot(path.clone()));
        }
        if !place.config_dump.is_empty() {
            let is_dash = |path: &Path| path == Path::new("-");
            let dashes = place.config_dump.iter().filter(|path| is_dash(path)).count();
            if dashes > 1 {
                return Err(Usage::of("standard input can be read once only"));
            }
            if dashes > 0 && place.clusters.as_deref().is_some_and(is_dash) {
                return Err(Usage::of("standard input cannot be both -f and --clusters"));
            }
            return Ok(Place::Files(place.config_dump.clone(), place.clusters.clone()));
        }
        if let Some(url) = &place.admin {
            return Ok(Place::Admin(url.clone()));
        }
        match (&place.selector, self.names()?.0) {
            (Some(selector), None) => Ok(Place::Selector(selector.clone())),
            (Some(_), Some(a)) => {
                Err(Usage::of("A is named twice").with_hint(format!("leave out `{a}`, or `--selector`")))
            }
            (None, Some(a)) => Source::parse(&a).map(Place::Named).map_err(|why| Usage::of_source(why, &a)),
            (None, None) => Err(line.map_or_else(Usage::no_question, |line| Usage::no_source(writer(line)))),
        }
    }

    /// Whether what names a thing in the cluster is not empty, as a variable leaves it that is not set.
    fn is_given(&self) -> Result<(), Usage> {
        let flags = &self.cluster;
        let named = [
            ("-n", "the namespace", &flags.namespace),
            ("-l", "the selector", &self.place.selector),
            ("--context", "the context", &flags.context),
        ];
        let empty = named.into_iter().find(|(.., value)| value.as_deref().is_some_and(|value| value.trim().is_empty()));
        if let Some((flag, what, _)) = empty {
            return Err(Usage::empty(flag, what));
        }
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        match flags.namespace.as_deref().filter(|name| !is_name(name)) {
            Some(name) => Err(Usage::of(format!("`{name}` is not a namespace"))
                .with_hint("names have small letters, digits and `-`; one namespace is asked at a time")),
            None => Ok(()),
        }
    }

    /// Whether the method is one as it is written. A log's is as it was sent.
    pub(super) fn method_is_written(&self) -> Result<(), Usage> {
        match self.request.method.as_deref().and_then(|method| Some((method, typed::capital(method)?))) {
            Some((method, capital)) => Err(Usage::of(format!("`{method}` is another method than `{capital}`"))
                .with_hint(format!("write `--method {capital}`: case counts in methods"))),
            None => Ok(()),
        }
    }

    /// The line of an access log, or `-`. Standard input can be read once only.
    pub(super) fn line(&self) -> Result<Option<&str>, Usage> {
        let line = self.request.from_log.as_deref();
        let mut files = self.place.config_dump.iter().chain(&self.place.clusters);
        if line == Some("-") && files.any(|path| path == Path::new("-")) {
            return Err(Usage::of("standard input cannot be both --from-log and a file"));
        }
        Ok(line)
    }

    /// A, where it was typed and something was read that is not found through it.
    pub(super) fn source_of(&self, place: &Place) -> Result<Option<String>, Usage> {
        match place {
            Place::Demo | Place::Snapshot(_) | Place::Files(..) | Place::Admin(_) => Ok(self.names()?.0),
            Place::Named(_) | Place::Selector(_) => Ok(None),
        }
    }

    /// Whether every pod of A is asked.
    pub(super) fn asks_all_pods(&self) -> bool {
        self.place.all_pods
    }

    /// Whether it is asked until the answer is another one.
    pub(super) fn watches(&self) -> bool {
        self.output.watch
    }

    /// Whether line 1 is all that is wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.output.quiet
    }

    /// Where the walk ends.
    pub(super) fn beyond(&self) -> Beyond {
        if self.place.no_destination { Beyond::Proxy } else { Beyond::Application }
    }

    /// How it is read.
    pub(super) fn options(&self) -> Options {
        let flags = &self.cluster;
        let cluster = ClusterFlags {
            kubeconfig: flags.kubeconfig.clone(),
            context: flags.context.clone(),
            cluster: flags.cluster.clone(),
            user: flags.user.clone(),
            namespace: flags.namespace.clone(),
            server: flags.server.clone(),
            tls_server_name: flags.tls_server_name.clone(),
            insecure_skip_tls_verify: flags.insecure_skip_tls_verify,
            certificate_authority: flags.certificate_authority.clone(),
            client_certificate: flags.client_certificate.clone(),
            client_key: flags.client_key.clone(),
            token: flags.token.clone(),
            impersonate: flags.impersonate.clone(),
            impersonate_uid: flags.impersonate_uid.clone(),
            impersonate_groups: flags.impersonate_groups.clone(),
            impersonate_extra: flags.impersonate_extra.clone(),
        };
        // Whoever reads the answer as data reads there which pod was chosen, and an error as data too.
        let is_data = self.error_format().is_data();
        let log = Log::new(match (self.output.quiet || is_data, self.output.verbose) {
            (_, 2..) => Level::Rounds,
            (_, 1) => Level::Reads,
            (true, 0) => Level::Quiet,
            (false, 0) => Level::Choices,
        });
        let (admin_port, max_read) = (self.place.admin_port, self.place.max_read);
        let probe = if self.output.probe { Probe::Once } else { Probe::Never };
        Options { cluster, admin_port, timeout: flags.request_timeout.0, max_read, log, probe }
    }

    /// The question; `None` where B is neither on the command line nor in the line of a log nor in the snapshot. The
    /// command line wins over the log's line, and that over the snapshot.
    pub(super) fn ask(&self, saved: Option<&AskRecord>, line: Option<&LogRecord>) -> Result<Option<AskRecord>, Usage> {
        let (a, b) = self.names()?;
        let from = saved.and_then(|ask| ask.from.clone());
        let line = line.map(|line| access_log::ask(line, b.as_deref()));
        let base = match (b, line, saved) {
            (_, Some(line), saved) => {
                let to = if line.to.is_empty() { saved.map(|saved| saved.to.clone()) } else { Some(line.to.clone()) };
                let Some(to) = to else { return Ok(None) };
                AskRecord { from, to, ..line }
            }
            (Some(to), None, _) => AskRecord { from, to, ..AskRecord::default() },
            (None, None, Some(saved)) => saved.clone(),
            (None, None, None) => return Ok(None),
        };
        let request = &self.request;
        let plain = request.exact.then(|| "/".to_owned());
        Ok(Some(AskRecord {
            from: a.or(base.from),
            to: base.to,
            path: request.path.clone().or(plain).or(base.path),
            method: request.method.clone().or(base.method.filter(|_| !request.exact)),
            headers: if request.headers.is_empty() && !request.exact { base.headers } else { request.headers.clone() },
            host: request.host.clone().or(base.host),
            protocol: request.protocol.clone().or(base.protocol),
            tls: request.tls || base.tls,
            sni: request.sni.clone().or(base.sni),
            address: request.address.clone().or(base.address),
            from_address: request.from_address.clone().or(base.from_address),
            proxy_protocol: request.proxy_protocol.clone().or(base.proxy_protocol),
        }))
    }

    /// Whether what the command line itself says of the question can be understood.
    pub(super) fn own_question(&self, line: Option<&LogRecord>) -> Result<(), Usage> {
        let any = AskRecord { to: "b:1".to_owned(), ..AskRecord::default() };
        let own = self.ask(Some(&any), line)?.unwrap_or(any);
        Question::parse(&own).map(drop).map_err(|error| Usage::of_question(&error, &own))
    }

    /// Where the snapshot is to be saved, and what becomes of one that is there.
    pub(super) fn save_to(&self) -> Option<(&Path, Existing)> {
        let existing = if self.place.force { Existing::Replace } else { Existing::Keep };
        self.place.save.as_deref().map(|path| (Path::new(path), existing))
    }

    /// When the text is colored.
    pub(super) fn color(&self) -> ColorWhen {
        self.output.color
    }

    /// Whether A need not be named.
    pub(super) fn names_the_proxy(&self) -> bool {
        self.reads_files() || self.place.admin.is_some() || self.place.selector.is_some()
    }

    /// Whether no cluster is read.
    pub(super) fn reads_files(&self) -> bool {
        let place = &self.place;
        place.demo || place.snapshot.is_some() || !place.config_dump.is_empty()
    }

    /// A and B:PORT. One name alone is B's where A need not be named.
    fn names(&self) -> Result<(Option<String>, Option<String>), Usage> {
        // B has a port, so a name without one is A where B can come from a line.
        let names_a = |one: &str| self.request.from_log.is_some() && !one.contains(':');
        match (&self.first, &self.second) {
            (Some(a), Some(b)) => Ok((Some(a.clone()), Some(b.clone()))),
            (Some(a), None) if names_a(a) => Ok((Some(a.clone()), None)),
            (Some(b), None) if self.names_the_proxy() => Ok((None, Some(b.clone()))),
            (Some(one), None) => Err(Usage::one_name(one)),
            (None, _) => Ok((None, None)),
        }
    }
}

/// The format of this name.
pub(super) fn format_of(name: &str) -> Option<Format> {
    match name {
        "text" => Some(Format::Text),
        "wide" => Some(Format::Wide),
        "json" => Some(Format::Json),
        "yaml" => Some(Format::Yaml),
        "markdown" => Some(Format::Markdown),
        "mermaid" => Some(Format::Mermaid),
        "html" => Some(Format::Html),
        "junit" => Some(Format::Junit),
        "sarif" => Some(Format::Sarif),
        _ => name.strip_prefix("jsonpath=").map(|expression| Format::JsonPath(expression.to_owned())),
    }
}
