//! One side's part in a TLS handshake: what it shows, and what it asks of the other side.
//!
//! `source/common/tls/context_config_impl.cc`.

use serde_json::Value;

use super::any::JsonAny;
use super::certificate::{Key, Names};
use super::fields::snake;
use super::matcher::{self, Match};
use super::pb::envoy::config::core::v3::{DataSource, data_source::Specifier};
use super::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use super::pb::envoy::extensions::transport_sockets::tls::v3::subject_alt_name_matcher::SanType;
use super::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use super::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SubjectAltNameMatcher, UpstreamTlsContext,
};
use super::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

/// A side's context.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Context {
    /// Where its own certificates come from; none where it shows none.
    pub shows: Vec<Material>,
    /// Whether the other side has to show one.
    pub requires: bool,
    /// What the other side's is held against.
    pub validation: Validation,
    /// The oldest version of TLS that it speaks, as `TlsProtocol` counts them.
    pub lowest: i32,
    /// The newest.
    pub highest: i32,
    /// The ciphers that it takes before TLS 1.3, one a word; those of Envoy where there is none.
    pub ciphers: Vec<String>,
    /// The curves, likewise.
    pub curves: Vec<String>,
    /// The protocols inside that it offers or takes, in its order.
    pub alpn: Vec<String>,
    /// Sessions of before are taken up again, which leaves out the certificates.
    pub resumes: bool,
    /// A field that decides something else, and is not modeled.
    pub untold: Option<String>,
}

/// Where PEM text comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Material {
    /// A secret of this name, which is delivered apart.
    Secret(String),
    /// It stands in the configuration.
    Text(Vec<u8>),
    /// A file or a variable of the proxy's machine.
    Elsewhere(String),
}

/// What a certificate is held against.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Validation {
    /// The secret that holds the rest of it.
    pub secret: Option<String>,
    /// The certificates that are trusted; without, none is checked.
    pub authority: Option<Material>,
    /// `match_typed_subject_alt_names`
    pub typed: Vec<SubjectAltNameMatcher>,
    /// `match_subject_alt_names`, of old: names of any type.
    pub untyped: Vec<SubjectAltNameMatcher>,
    /// `allow_expired_certificate`
    pub allow_expired: bool,
    /// A field that decides something else, and is not modeled.
    pub untold: Option<String>,
}

impl Context {
    /// Of the side that dials.
    pub fn upstream(any: &JsonAny) -> Result<Self, String> {
        let tls: UpstreamTlsContext = any.unpack()?;
        let odd = ["auto_host_sni", "auto_sni_san_validation"];
        let context = Self::common(tls.common_tls_context.unwrap_or_default(), TlsProtocol::TlSv12)?;
        let resumes = tls.max_session_keys.is_none_or(|keys| keys.value > 0);
        Ok(Self { requires: true, resumes, untold: untold(&any.json, |name| odd.contains(&name)), ..context })
    }

    /// Of the side that is dialed.
    pub fn downstream(any: &JsonAny) -> Result<Self, String> {
        let tls: DownstreamTlsContext = any.unpack()?;
        let context = Self::common(tls.common_tls_context.unwrap_or_default(), TlsProtocol::TlSv13)?;
        let requires = tls.require_client_certificate.is_some_and(|required| required.value);
        Ok(Self { requires, resumes: true, untold: untold(&any.json, |name| name == "require_sni"), ..context })
    }

    fn common(tls: CommonTlsContext, newest: TlsProtocol) -> Result<Self, String> {
        let inline = tls.tls_certificates.into_iter().map(|own| material(own.certificate_chain.unwrap_or_default()));
        let delivered = tls.tls_certificate_sds_secret_configs.into_iter().map(|own| Ok(Material::Secret(own.name)));
        let shows = inline.chain(delivered).collect::<Result<_, String>>()?;
        let mut validation = match tls.validation_context_type {
            Some(ValidationContextType::ValidationContext(own)) => Validation::of(own)?,
            Some(ValidationContextType::ValidationContextSdsSecretConfig(secret)) => {
                Validation { secret: Some(secret.name), ..Validation::default() }
            }
            Some(ValidationContextType::CombinedValidationContext(both)) => {
                let own = Validation::of(both.default_validation_context.unwrap_or_default())?;
                Validation { secret: both.validation_context_sds_secret_config.map(|secret| secret.name), ..own }
            }
            None => Validation::default(),
        };
        validation.secret = validation.secret.filter(|name| !name.is_empty());
        let params = tls.tls_params.unwrap_or_default();
        let or = |set: TlsProtocol, default: TlsProtocol| if set == TlsProtocol::TlsAuto { default } else { set };
        Ok(Self {
            shows,
            validation,
            lowest: or(params.tls_minimum_protocol_version(), TlsProtocol::TlSv12) as i32,
            highest: or(params.tls_maximum_protocol_version(), newest) as i32,
            alpn: tls.alpn_protocols,
            ciphers: words(&params.cipher_suites),
            curves: words(&params.ecdh_curves),
            ..Self::default()
        })
    }

    /// Whether it closes a connection whose client shows no certificate: one is required and held against something, or
    /// names are.
    pub fn wants_certificate(&self) -> bool {
        let Validation { authority, secret, typed, untyped, .. } = &self.validation;
        let has_names = !typed.is_empty() || !untyped.is_empty();
        (self.requires && (authority.is_some() || secret.is_some())) || has_names
    }

    /// Why two sides that speak this version may have nothing in common to encrypt with, where the one that is dialed shows
    /// a certificate with such a key.
    pub fn may_not_agree_with(&self, other: &Self, version: i32, key: Option<Key>) -> Option<&'static str> {
        let curves = common(&self.curves, &other.curves, CURVES);
        if curves.is_some_and(|both| both.is_empty()) {
            return Some("whether the two sides have a curve in common (`ecdh_curves`)");
        }
        let both = common(&self.ciphers, &other.ciphers, CIPHERS).filter(|_| !is_1_3(version))?;
        let fits = |cipher: &&str| match key {
            Some(Key::Elliptic) => cipher.contains("ECDSA"),
            Some(Key::Rsa) => !cipher.contains("ECDSA"),
            None => true,
        };
        (!both.iter().any(fits)).then_some("whether the two sides have a cipher in common (`cipher_suites`)")
    }

    /// The newest version that both speak; `None` where there is none.
    pub fn version_with(&self, other: &Self) -> Option<i32> {
        let version = self.highest.min(other.highest);
        (version >= self.lowest.max(other.lowest)).then_some(version)
    }
}

/// What Envoy takes where nothing is said (`ServerContextConfigImpl` and `ClientContextConfigImpl`).
const CIPHERS: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];
const CURVES: &[&str] = &["X25519", "P-256"];

/// `[a|b]` are two of equal rank.
fn words(list: &[String]) -> Vec<String> {
    let words = list.iter().flat_map(|entry| entry.split(|c| "[]|:".contains(c)));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What both take; nothing is told of lists with words that are not single names.
fn common<'a>(one: &'a [String], other: &'a [String], unset: &'static [&'static str]) -> Option<Vec<&'a str>> {
    let all = |list: &'a [String]| -> Vec<&'a str> {
        if list.is_empty() { unset.to_vec() } else { list.iter().map(String::as_str).collect() }
    };
    let (one, other) = (all(one), all(other));
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && *word != "ALL";
    one.iter().chain(&other).all(is_name).then(|| one.into_iter().filter(|word| other.contains(word)).collect())
}

/// Whether a version of TLS is 1.3: there the side that dials is through before its own certificate was looked at.
pub fn is_1_3(version: i32) -> bool {
    version == TlsProtocol::TlSv13 as i32
}

impl Validation {
    /// What a context, or a secret, says.
    pub fn of(context: CertificateValidationContext) -> Result<Self, String> {
        let untyped = context.match_subject_alt_names.into_iter();
        let untyped = untyped.map(|matcher| SubjectAltNameMatcher { san_type: 0, matcher: Some(matcher) });
        Ok(Self {
            secret: None,
            authority: context.trusted_ca.map(material).transpose()?,
            typed: context.match_typed_subject_alt_names,
            untyped: untyped.collect(),
            allow_expired: context.allow_expired_certificate,
            untold: None,
        })
    }

    /// The names of which it must have one; any will do where there are none. Those without a type do not count beside
    /// typed ones.
    pub fn expects(&self) -> &[SubjectAltNameMatcher] {
        if self.typed.is_empty() { &self.untyped } else { &self.typed }
    }

    /// With what a secret adds to it (`MergeFrom`): what it sets counts, and lists are joined.
    #[must_use]
    pub fn merged(self, more: Self) -> Self {
        Self {
            secret: None,
            authority: more.authority.or(self.authority),
            typed: self.typed.into_iter().chain(more.typed).collect(),
            untyped: self.untyped.into_iter().chain(more.untyped).collect(),
            allow_expired: self.allow_expired || more.allow_expired,
            untold: self.untold.or(more.untold),
        }
    }
}

/// Where the certificates of a context or a secret stand.
pub fn material(source: DataSource) -> Result<Material, String> {
    match source.specifier {
        Some(Specifier::InlineString(text)) => Ok(Material::Text(text.into_bytes())),
        Some(Specifier::InlineBytes(text)) => Ok(Material::Text(text)),
        Some(Specifier::Filename(name) | Specifier::EnvironmentVariable(name)) => Ok(Material::Elsewhere(name)),
        None => Err("a certificate that stands nowhere".to_owned()),
    }
}

/// The first field of the context that the handshake would have to know, and nobody here does.
fn untold(json: &[u8], own: impl Fn(&str) -> bool) -> Option<String> {
    const COMMON: &[&str] = &[
        "tls_params",
        "tls_certificates",
        "tls_certificate_sds_secret_configs",
        "alpn_protocols",
        "validation_context",
        "validation_context_sds_secret_config",
        "combined_validation_context",
        "key_log",
    ];
    let value: Value = serde_json::from_slice(json).ok()?;
    let of = value.as_object()?.keys().map(|key| snake(key)).find(|key| own(key));
    let common = member(&value, "common_tls_context");
    let of_common = || common?.as_object()?.keys().map(|key| snake(key)).find(|key| !COMMON.contains(&key.as_str()));
    let both = || common.and_then(|common| member(common, "combined_validation_context"));
    let contexts = || {
        [
            common.and_then(|common| member(common, "validation_context")),
            both().and_then(|both| member(both, "default_validation_context")),
        ]
    };
    of.or_else(of_common).or_else(|| contexts().into_iter().flatten().find_map(untold_of))
}

/// The first field of a validation context that is not modeled.
pub fn untold_of(context: &Value) -> Option<String> {
    const KNOWN: &[&str] = &[
        "trusted_ca",
        "allow_expired_certificate",
        "match_typed_subject_alt_names",
        "match_subject_alt_names",
        "watched_directory",
        // What a server says of whom it trusts is not what it trusts.
        "suppress_client_ca_list",
    ];
    context.as_object()?.keys().map(|key| snake(key)).find(|key| !KNOWN.contains(&key.as_str()))
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| snake(key) == name).map(|(_, inner)| inner)
}

/// Whether one of the names is expected (`source/common/tls/cert_validator/san_matcher.cc`).
pub fn is_expected(expects: &[SubjectAltNameMatcher], names: &Names) -> Match {
    if expects.is_empty() {
        return Match::Yes;
    }
    let any = |one: &SubjectAltNameMatcher, names: &mut dyn Iterator<Item = &String>, dns: bool| {
        let Some(matcher) = &one.matcher else { return Match::No };
        names.fold(Match::No, |found, name| {
            let wildcard = match &matcher.match_pattern {
                Some(MatchPattern::Exact(wanted)) if dns => covers(name, wanted),
                _ => false,
            };
            found.or(if wildcard { Match::Yes } else { matcher::string(matcher, name) })
        })
    };
    expects.iter().fold(Match::No, |found, one| {
        found.or(match one.san_type() {
            SanType::Uri => any(one, &mut names.uris.iter(), false),
            SanType::Dns => any(one, &mut names.dns.iter(), true),
            SanType::Email => any(one, &mut names.emails.iter(), false),
            SanType::IpAddress => any(one, &mut names.ips.iter(), false),
            SanType::Unspecified => any(one, &mut names.all(), false).or(any(one, &mut names.dns.iter(), true)),
            SanType::OtherName => Match::Unknown("names of other types are not modeled".to_owned()),
        })
    })
}

/// Whether one of the names, of whatever type, is this one (`auto_san_validation`).
pub fn has_name(names: &Names, wanted: &str) -> bool {
    let exact = |list: &[String]| list.iter().any(|name| name == wanted);
    names.dns.iter().any(|name| covers(name, wanted))
        || [&names.uris, &names.emails, &names.ips].into_iter().any(|list| exact(list))
}

/// Whether a DNS name of a certificate, `*.shop` perhaps, is for this one (`Utility::dnsNameMatch`).
fn covers(name: &str, wanted: &str) -> bool {
    let (name, wanted) = (name.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    let below = || {
        let domain = name.strip_prefix("*.")?;
        wanted.split_once('.').filter(|(label, rest)| !label.is_empty() && *rest == domain)
    };
    name == wanted || below().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(ciphers: &str, curves: &str) -> Context {
        Context { ciphers: words(&[ciphers.to_owned()]), curves: words(&[curves.to_owned()]), ..Context::default() }
    }

    #[test]
    fn a_cipher_in_common_has_to_fit_the_key() {
        let (old, new) = (TlsProtocol::TlSv12 as i32, TlsProtocol::TlSv13 as i32);
        let is_open = |one: &str, other: &str, version, key| {
            takes(one, "").may_not_agree_with(&takes(other, ""), version, key).is_some()
        };
        let (rsa, elliptic) =
            ("ECDHE-RSA-AES128-GCM-SHA256", "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]");
        assert!(is_open(rsa, elliptic, old, None));
        assert!(!is_open(rsa, elliptic, new, None));
        assert!(is_open(rsa, "", old, Some(Key::Elliptic)));
        assert!(!is_open(rsa, "", old, Some(Key::Rsa)));
        assert!(!is_open(elliptic, "", old, Some(Key::Elliptic)));
        assert!(!is_open("ALL", rsa, old, Some(Key::Elliptic)));
    }

    #[test]
    fn a_curve_is_wanted_of_every_version() {
        let is_open = |one: &str, other: &str| {
            takes("", one).may_not_agree_with(&takes("", other), TlsProtocol::TlSv13 as i32, None).is_some()
        };
        assert!(is_open("X25519", "P-256"));
        assert!(is_open("P-521", ""));
        assert!(!is_open("", "P-256"));
    }
}
