//! Certificates: the names in them, and whether a chain leads to a trusted authority.
//!
//! `source/common/tls/cert_validator/default_validator.cc`, which leaves the chain to `BoringSSL`'s
//! `X509_verify_cert`: trusted certificates are looked for first, any of them ends a chain, and each certificate of it
//! has to be in date.

use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

/// A certificate, and what is asked of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    /// Its subject alternative names.
    pub names: Names,
    /// Its first second, in Unix time.
    pub not_before: i64,
    /// Its last second, in Unix time.
    pub not_after: i64,
}

/// Subject alternative names by their type.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Names {
    /// `spiffe://…` among them.
    pub uris: Vec<String>,
    /// DNS names, wildcards as they stand.
    pub dns: Vec<String>,
    /// Addresses of mail.
    pub emails: Vec<String>,
    /// IP addresses, as text.
    pub ips: Vec<String>,
}

impl Names {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.uris.iter().chain(&self.dns).chain(&self.emails).chain(&self.ips)
    }
}

/// In which part a certificate is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Usage {
    /// By the side that dials.
    Client,
    /// By the side that is dialed.
    Server,
}

/// Why a certificate is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Distrust {
    /// It has none of the names that are expected.
    Name,
    /// Its time, or that of one of its authorities, is over: since when, in Unix time.
    Expired(i64),
    /// Its time, or that of one of its authorities, has not begun: when it does, in Unix time.
    NotYetValid(i64),
    /// No authority that is trusted has signed it.
    Authority,
    /// It is not for this part: a client's shown by a server, or the other way around.
    Usage,
    /// None is shown, and one is required.
    Missing,
    /// The two sides have no version of TLS in common.
    Version,
}

/// Whether a chain is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It is.
    Yes,
    /// It is not.
    No(Distrust),
    /// It cannot be told, and why.
    Unknown(String),
}

/// What a chain is held against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The certificates that are trusted.
    pub trusted: &'a [Certificate],
    /// In which part it is shown.
    pub usage: Usage,
    /// When, in Unix time; `None` where that is not known: then dates are not looked at.
    pub at: Option<i64>,
    /// `allow_expired_certificate`
    pub allow_expired: bool,
}

/// So near to a date, in seconds, the clocks of two machines may differ on it.
const CLOCKS: i64 = 60;
const JUST_NOW: &str = "the time of a certificate begins or ends just now";
/// Longer chains than any that is in use.
const LONGEST: usize = 10;

/// The certificates of a PEM file, in its order.
pub fn parse(text: &[u8]) -> Result<Vec<Certificate>, String> {
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|why| format!("it is no PEM: {why}"))?;
        if block.label == "CERTIFICATE" {
            certificates.push(read(&block.contents)?);
        }
    }
    if certificates.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(certificates) }
}

/// Whether a chain, the certificate itself first, is taken on these terms.
pub fn verify(chain: &[Certificate], terms: &Terms<'_>) -> Trust {
    let Some(own) = chain.first() else { return Trust::No(Distrust::Missing) };
    let path = match path(chain, terms.trusted) {
        Ok(path) => path,
        Err(trust) => return trust,
    };
    let checked = match x509(&own.der) {
        Ok(parsed) => usage(&parsed, terms.usage).or_else(|| path.iter().skip(1).find_map(|c| authority(c))),
        Err(why) => Some(Trust::Unknown(why)),
    };
    checked.or_else(|| terms.at.and_then(|at| dates(&path, at, terms.allow_expired))).unwrap_or(Trust::Yes)
}

/// From the certificate itself to a trusted one.
fn path<'a>(chain: &'a [Certificate], trusted: &'a [Certificate]) -> Result<Vec<&'a Certificate>, Trust> {
    let mut path: Vec<&Certificate> = chain.iter().take(1).collect();
    while let Some(last) = path.last().copied().filter(|_| path.len() < LONGEST) {
        if trusted.iter().any(|one| one.der == last.der) {
            return Ok(path);
        }
        if let Some(anchor) = issuer(last, trusted)? {
            path.push(anchor);
            return Ok(path);
        }
        match issuer(last, &chain[1..])? {
            Some(next) if !path.iter().any(|known| known.der == next.der) => path.push(next),
            Some(_) | None => break,
        }
    }
    Err(Trust::No(Distrust::Authority))
}

/// Who of these signed the certificate.
fn issuer<'a>(of: &Certificate, among: &'a [Certificate]) -> Result<Option<&'a Certificate>, Trust> {
    let unknown = |why: String| Trust::Unknown(why);
    let signed = x509(&of.der).map_err(unknown)?;
    for candidate in among {
        let signer = x509(&candidate.der).map_err(unknown)?;
        if signer.subject().as_raw() != signed.issuer().as_raw() {
            continue;
        }
        match signed.verify_signature(Some(signer.public_key())) {
            Ok(()) => return Ok(Some(candidate)),
            // `ring` takes no shorter keys; `BoringSSL` does.
            Err(X509Error::SignatureVerificationError) if !is_short(&signer) => {}
            Err(why) => {
                return Err(Trust::Unknown(format!("the signature of its authority could not be checked: {why}")));
            }
        }
    }
    Ok(None)
}

fn is_short(signer: &X509Certificate<'_>) -> bool {
    matches!(signer.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < 2048)
}

/// What speaks against it in this part.
fn usage(own: &X509Certificate<'_>, usage: Usage) -> Option<Trust> {
    if let Some(what) = unread(own) {
        return Some(Trust::Unknown(what));
    }
    let Ok(Some(extended)) = own.extended_key_usage() else { return None };
    let granted = match usage {
        Usage::Client => extended.value.client_auth,
        Usage::Server => extended.value.server_auth,
    };
    (!granted).then_some(if extended.value.any {
        Trust::Unknown("it is for any usage".to_owned())
    } else {
        Trust::No(Distrust::Usage)
    })
}

/// What keeps a certificate from being somebody's authority. What is rare is not told from what is fatal.
fn authority(of: &Certificate) -> Option<Trust> {
    let parsed = match x509(&of.der) {
        Ok(parsed) => parsed,
        Err(why) => return Some(Trust::Unknown(why)),
    };
    let signs = parsed.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
    let constraints = parsed.basic_constraints().ok().flatten();
    let is_authority = constraints.is_some_and(|c| c.value.ca && c.value.path_len_constraint.is_none());
    let limited = matches!(parsed.extended_key_usage(), Ok(Some(_)));
    let odd = unread(&parsed);
    let fine = signs && is_authority && !limited && odd.is_none();
    (!fine).then(|| Trust::Unknown(odd.unwrap_or_else(|| "an authority of its chain is restricted".to_owned())))
}

/// An extension that would have to be understood.
fn unread(certificate: &X509Certificate<'_>) -> Option<String> {
    let limits = |parsed: &ParsedExtension<'_>| {
        matches!(parsed, ParsedExtension::NameConstraints(_) | ParsedExtension::PolicyConstraints(_))
    };
    let foreign = |parsed: &ParsedExtension<'_>| {
        matches!(parsed, ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. })
    };
    let odd = certificate.extensions().iter().find(|extension| {
        let parsed = extension.parsed_extension();
        limits(parsed) || (extension.critical && foreign(parsed))
    });
    odd.map(|extension| format!("extension {} of a certificate is not modeled", extension.oid))
}

fn dates(path: &[&Certificate], at: i64, allow_expired: bool) -> Option<Trust> {
    let doubted =
        |past: i64, why: Distrust| if past <= CLOCKS { Trust::Unknown(JUST_NOW.to_owned()) } else { Trust::No(why) };
    for certificate in path.iter().filter(|_| !allow_expired) {
        let (early, late) = (certificate.not_before - at, at - certificate.not_after);
        if early > 0 {
            return Some(doubted(early, Distrust::NotYetValid(certificate.not_before)));
        }
        if late > 0 {
            return Some(doubted(late, Distrust::Expired(certificate.not_after)));
        }
    }
    None
}

/// A time of RFC 3339 in Unix time.
pub fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// A Unix time as RFC 3339.
pub fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn read(der: &[u8]) -> Result<Certificate, String> {
    let parsed = x509(der)?;
    let mut names = Names::default();
    if let Ok(Some(all)) = parsed.subject_alternative_name() {
        for name in &all.value.general_names {
            if let GeneralName::URI(uri) = name {
                names.uris.push((*uri).to_owned());
            } else if let GeneralName::DNSName(dns) = name {
                names.dns.push((*dns).to_owned());
            } else if let GeneralName::RFC822Name(mail) = name {
                names.emails.push((*mail).to_owned());
            } else if let GeneralName::IPAddress(bytes) = name {
                names.ips.extend(ip(bytes));
            }
        }
    }
    let validity = parsed.validity();
    let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Ok(Certificate { der: der.to_vec(), names, not_before, not_after })
}

fn ip(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string());
    let v6 = <[u8; 16]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string());
    v4.or(v6).ok()
}

fn x509(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    X509Certificate::from_der(der)
        .map(|(_, parsed)| parsed)
        .map_err(|why| format!("a certificate cannot be read: {why}"))
}
