//! Whether TLS comes about between A's proxy and B's: each holds the other's certificate against what it trusts.
//!
//! The side that dials checks first. With TLS 1.3 it is through before the other side has looked at its certificate, so
//! that a refusal there closes a connection that seemed to be open (measured on 1.36 to 1.40).

use crate::envoy::any::JsonAny;
use crate::envoy::certificate::{self, Certificate, Distrust, Names, Terms, Trust, Usage};
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::Secret;
use crate::envoy::pb::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::envoy::tls::{self, Context, Material, Validation};
use crate::snapshot::{Evidence, Lookup, Node, Origin};
use crate::verdict::Side;

use crate::walk::tls::peer;
use crate::walk::way::met::{ClusterTrail, Socket};
use crate::walk::way::stop::{Form, Handshake, Refused};
use crate::walk::way::walker::Walker;

/// A handshake between A's proxy and the proxy of a pod of B's.
pub(in crate::walk) struct Meeting<'a> {
    pub(in crate::walk) walker: &'a Walker<'a>,
    /// A's cluster.
    pub(in crate::walk) cluster: Option<&'a ClusterTrail>,
    /// The address that is dialed.
    pub(in crate::walk) address: String,
    /// How A's proxy speaks.
    pub(in crate::walk) socket: &'a Socket,
    /// The pod.
    pub(in crate::walk) pod: &'a Node,
    /// Its proxy.
    pub(in crate::walk) origin: Origin,
    /// The filter chain there that takes the connection.
    pub(in crate::walk) chain: Option<Node>,
    /// A's client speaks HTTP.
    pub(in crate::walk) over_http: bool,
    /// The Host's name, where B's certificate has to have it besides (`auto_san_validation`).
    pub(in crate::walk) host: Option<String>,
}

/// What comes of it.
pub(in crate::walk) enum Met {
    /// TLS comes about, or nothing speaks against it.
    Fine,
    /// Certificates were not read, and why not: nothing that was read speaks against it.
    Unread(Option<String>),
    /// It does not.
    Refused(Box<Handshake>),
    /// It cannot be told.
    Unknown(String),
}

/// Why something cannot be told.
enum Untold {
    /// It was not read, and why not; nothing where it was not tried yet.
    Gap(Option<String>),
    /// Something is not modeled.
    Why(String),
}

type Told<T> = Result<T, Untold>;

/// Certificates, and where they stand.
#[derive(Default)]
struct Shown {
    chain: Vec<Certificate>,
    evidence: Vec<Evidence>,
}

/// One side: whose secrets, and what it says.
struct Party<'a> {
    origin: Origin,
    context: &'a Context,
}

impl Meeting<'_> {
    /// What comes of it.
    pub(in crate::walk) fn hold(&self) -> Met {
        match self.told() {
            Ok(met) => met,
            Err(Untold::Gap(why)) => Met::Unread(why),
            Err(Untold::Why(why)) => Met::Unknown(why),
        }
    }

    fn told(&self) -> Told<Met> {
        let client = &self.socket.tls;
        self.want_secrets(Origin::Source(0), client);
        let server = match self.server() {
            Some(server) => server.map_err(Untold::Why)?,
            // The chain takes no TLS: the application behind it does, or nobody.
            None => return Ok(Met::Fine),
        };
        self.want_secrets(self.origin, &server);
        let odd = client.untold.as_ref().or(client.validation.untold.as_ref()).or(server.untold.as_ref());
        if let Some(what) = odd.or(server.validation.untold.as_ref()) {
            return Err(Untold::Why(format!("`{what}` of a TLS context is not modeled")));
        }
        let Some(version) = client.version_with(&server) else {
            return Ok(self.refused(Side::Source, Distrust::Version, false, Shown::default()));
        };
        let here = Party { origin: Origin::Source(0), context: client };
        let there = Party { origin: self.origin, context: &server };
        let shown = match self.shown(&there) {
            Err(Untold::Gap(why)) => return self.by_name_of_pod(why),
            shown => shown?,
        };
        let key = shown.chain.first().and_then(certificate::Certificate::key);
        if let Some(why) = client.may_not_agree_with(&server, version, key) {
            return Err(Untold::Why(why.to_owned()));
        }
        if let Some(why) = self.objection(&shown, &here, Usage::Server)? {
            // What was set up before goes on, and its certificates are not looked at again.
            if self.is_connected() {
                return Err(Untold::Why(
                    "B's certificate is not taken now, and connections of before go on".to_owned(),
                ));
            }
            return Ok(self.refused(Side::Source, why, false, shown));
        }
        let shown = self.shown(&here)?;
        match self.objection(&shown, &there, Usage::Client)? {
            None => Ok(Met::Fine),
            Some(why) if self.goes_on(&why) => {
                Err(Untold::Why("A's certificate is not taken now, and TLS sessions of before go on".to_owned()))
            }
            Some(why) => Ok(self.refused(Side::Destination, why, tls::is_1_3(version), shown)),
        }
    }

    /// Asks for all that a side's context names, so that it is read at once.
    fn want_secrets(&self, origin: Origin, context: &Context) {
        let shown = context.shows.iter().filter_map(|own| match own {
            Material::Secret(name) => Some(name),
            Material::Text(_) | Material::Elsewhere(_) => None,
        });
        for name in shown.chain(&context.validation.secret) {
            let _ = self.walker.glance(self.walker.snapshot.secret(origin, name));
        }
    }

    /// By the name that the pod's certificate has, where the certificate was not read.
    fn by_name_of_pod(&self, unread: Option<String>) -> Told<Met> {
        let identity = peer::identity(self.walker, self.pod, self.socket);
        match peer::is_expected(self.socket, &identity) {
            Match::Yes => Err(Untold::Gap(unread)),
            Match::No => Ok(self.refused(Side::Source, Distrust::Name, false, Shown::default())),
            Match::Share(_) => Err(Untold::Why("a share of a name".to_owned())),
            Match::Unknown(why) => {
                Err(Untold::Why(format!("whether A's proxy takes the certificate of B ({identity}): {why}")))
            }
        }
    }

    /// How the chain of B's proxy speaks; `None` where it takes no TLS.
    fn server(&self) -> Option<Result<Context, String>> {
        let socket = self.chain.as_ref()?.at("transport_socket.typed_config")?;
        let any: JsonAny = socket.decode().ok()?;
        Some(Context::downstream(&any))
    }

    /// Why a side does not take what the other shows.
    fn objection(&self, shown: &Shown, asks: &Party<'_>, usage: Usage) -> Told<Option<Distrust>> {
        let validation = self.validation(asks)?;
        if shown.chain.is_empty() {
            // Who expects a name requires a certificate; who trusts nobody requires none, whatever is said.
            let requires = asks.context.requires && validation.authority.is_some();
            let required = requires || !validation.expects().is_empty();
            return Ok(required.then_some(Distrust::Missing));
        }
        let host = self.host.as_ref().filter(|_| usage == Usage::Server);
        let trusted = match &validation.authority {
            Some(material) => read(self.walker, asks.origin, material)?.chain,
            // Who looks for the Host among the names and trusts nobody takes nothing.
            None if host.is_some() => return Ok(Some(Distrust::Authority)),
            // Nothing is trusted, and nothing checked.
            None => return Ok(None),
        };
        let at = certificate::seconds(&self.walker.snapshot.time);
        let terms = Terms { trusted: &trusted, usage, at, allow_expired: validation.allow_expired };
        match certificate::verify(&shown.chain, &terms) {
            Trust::Yes => {}
            Trust::No(why) => return Ok(Some(why)),
            Trust::Unknown(why) => return Err(Untold::Why(why)),
        }
        let names = shown.chain.first().map(|own| own.names.clone()).unwrap_or_default();
        let has_host = host.map_or(Match::Yes, |host| tls::has_name(&names, host).into());
        match tls::is_expected(validation.expects(), &names).and(has_host) {
            Match::Yes => Ok(None),
            Match::No => Ok(Some(Distrust::Name)),
            Match::Share(_) => Err(Untold::Why("a share of a name".to_owned())),
            Match::Unknown(why) => Err(Untold::Why(why)),
        }
    }

    fn refused(&self, by: Side, why: Distrust, late: bool, shown: Shown) -> Met {
        let form = if self.over_http { Form::Http } else { Form::Tcp };
        let how = if late { Refused::Connection(form) } else { Refused::Handshake(form) };
        let text = |path: &str| self.pod.text(path).unwrap_or_default();
        let pod = (text("metadata.namespace"), text("metadata.name"));
        let names = shown.chain.first().map(|own| own.names.all().cloned().collect()).unwrap_or_default();
        Met::Refused(Box::new(Handshake { by, why, how, pod, names, evidence: shown.evidence }))
    }

    /// The certificates that a side shows.
    fn shown(&self, party: &Party<'_>) -> Told<Shown> {
        match &party.context.shows[..] {
            [] => Ok(Shown::default()),
            [one] => read(self.walker, party.origin, one),
            _ => Err(Untold::Why("which of several certificates is shown is not modeled".to_owned())),
        }
    }

    /// What a side asks, with what a secret adds to it.
    fn validation(&self, party: &Party<'_>) -> Told<Validation> {
        let own = party.context.validation.clone();
        let Some(name) = own.secret.clone() else { return Ok(own) };
        let (secret, node) = secret(self.walker, party.origin, &name)?;
        let odd = node.at("secret.validation_context").and_then(|context| tls::untold_of(context.value()));
        match (odd, secret.r#type) {
            (Some(what), _) => Err(Untold::Why(format!("`{what}` of secret {name} is not modeled"))),
            (None, Some(Type::ValidationContext(more))) => Ok(own.merged(Validation::of(more).map_err(Untold::Why)?)),
            (None, Some(Type::TlsCertificate(_)) | None) => {
                Err(Untold::Why(format!("secret {name} is not a validation context")))
            }
        }
    }

    /// Whether connections to the address are open.
    fn is_connected(&self) -> bool {
        let hosts = || self.cluster.into_iter().flat_map(|cluster| &cluster.hosts);
        let mut there = hosts().filter(|trail| trail.host.address == self.address).peekable();
        there.peek().is_none() || there.any(|trail| trail.host.counters.cx_active > 0)
    }

    /// Whether a connection may do without this check: one of before, or one that takes up a session of before, whose
    /// certificate was in date then.
    fn goes_on(&self, why: &Distrust) -> bool {
        let resumed = || {
            let hosts = self.cluster.into_iter().flat_map(|cluster| &cluster.hosts);
            let mut counters = hosts.map(|trail| trail.host.counters);
            counters.any(|c| c.rq_success > 0 || c.cx_total > c.cx_connect_fail + c.rq_error)
        };
        self.is_connected() || (matches!(why, Distrust::Expired(_)) && self.socket.tls.resumes && resumed())
    }
}

/// The names in A's certificate; that of its service account, where the certificate cannot be read.
pub(in crate::walk) fn own_names(walker: &Walker, socket: &Socket) -> Names {
    let [own] = &socket.tls.shows[..] else { return names_by_pod(walker, socket) };
    let shown = read(walker, Origin::Source(0), own).ok();
    let own = shown.and_then(|shown| Some(shown.chain.into_iter().next()?.names));
    own.unwrap_or_else(|| names_by_pod(walker, socket))
}

fn names_by_pod(walker: &Walker, socket: &Socket) -> Names {
    let uris = walker.source_pod().iter().map(|pod| peer::identity(walker, pod, socket)).collect();
    Names { uris, ..Names::default() }
}

fn read(walker: &Walker, origin: Origin, material: &Material) -> Told<Shown> {
    let (text, evidence) = match material {
        Material::Text(text) => (text.clone(), Vec::new()),
        Material::Elsewhere(place) => {
            return Err(Untold::Why(format!("certificates in {place}, a file of the proxy's, are not read")));
        }
        Material::Secret(name) => {
            let (secret, node) = secret(walker, origin, name)?;
            let Some(Type::TlsCertificate(own)) = secret.r#type else {
                return Err(Untold::Why(format!("secret {name} holds no certificate")));
            };
            let Ok(Material::Text(text)) = tls::material(own.certificate_chain.unwrap_or_default()) else {
                return Err(Untold::Why(format!("the certificate of secret {name} is not in the dump")));
            };
            (text, node.get("last_updated").map(|n| n.evidence()).into_iter().collect())
        }
    };
    let chain = certificate::parse(&text).map_err(Untold::Why)?;
    Ok(Shown { chain, evidence })
}

fn secret(walker: &Walker, origin: Origin, name: &str) -> Told<(Secret, Node)> {
    match walker.snapshot.secret(origin, name) {
        Lookup::Found(node) => match node.get("secret").map(|secret| secret.decode::<Secret>()) {
            Some(Ok(secret)) => Ok((secret, node)),
            Some(Err(_)) | None => Err(Untold::Why(format!("secret {name} could not be read"))),
        },
        Lookup::Absent(_) => {
            Err(Untold::Why(format!("secret {name} was not delivered to the {} proxy", origin.word())))
        }
        Lookup::Unread(need) => {
            let why = walker.snapshot.why_unread(&need).map(|why| format!("{need} ({}): {why}", need.reason()));
            walker.want(need);
            Err(Untold::Gap(why))
        }
    }
}
