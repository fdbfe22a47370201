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

impl Certificate {
    /// Of which kind its key is; `None` of one that is neither.
    pub fn key(&self) -> Option<Key> {
        let (_, parsed) = X509Certificate::from_der(&self.der).ok()?;
        match parsed.public_key().parsed().ok()? {
            PublicKey::EC(_) => Some(Key::Elliptic),
            PublicKey::RSA(_) => Some(Key::Rsa),
            PublicKey::DSA(_) | PublicKey::GostR3410(_) | PublicKey::GostR3410_2012(_) | PublicKey::Unknown(_) => None,
        }
    }
}

impl Names {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.uris.iter().chain(&self.dns).chain(&self.emails).chain(&self.ips)
    }
}

/// Of which kind a certificate's key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// On an elliptic curve.
    Elliptic,
    /// RSA.
    Rsa,
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
        let block = block.map_err(|why| format!("it is not PEM: {why}"))?;
        if block.label == "CERTIFICATE" {
            certificates.push(read(&block.contents)?);
        }
    }
    if certificates.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(certificates) }
}

/// Whether a chain, the certificate itself first, is taken on these terms.
pub fn verify(chain: &[Certificate], terms: &Terms<'_>) -> Trust {
    if chain.is_empty() {
        return Trust::No(Distrust::Missing);
    }
    let path = match Path::build(chain, terms.trusted) {
        Ok(path) => path,
        Err(trust) => return trust,
    };
    let restricted = path.untrusted().iter().enumerate().find_map(|(i, certificate)| match x509(&certificate.der) {
        Ok(parsed) if i == 0 => usage(&parsed, terms.usage),
        Ok(parsed) => authority(&parsed, i - 1, terms.usage),
        Err(why) => Some(Trust::Unknown(why)),
    });
    restricted.or_else(|| terms.at.and_then(|at| dates(&path.all, at, terms.allow_expired))).unwrap_or(Trust::Yes)
}

/// From the certificate itself to what is trusted.
struct Path<'a> {
    all: Vec<&'a Certificate>,
    /// So many of them, from the first, are not trusted themselves: only they are held to what restricts them.
    untrusted: usize,
}

impl<'a> Path<'a> {
    fn build(chain: &'a [Certificate], trusted: &'a [Certificate]) -> Result<Self, Trust> {
        let mut all: Vec<&Certificate> = chain.iter().take(1).collect();
        let mut untrusted = None;
        // As far as what is shown leads, unless something trusted goes on from there; then by what is trusted alone.
        while let Some(last) = all.last().copied().filter(|_| all.len() < LONGEST) {
            if is_its_own(last)? {
                break;
            }
            if let Some(next) = issuer(last, trusted)? {
                untrusted.get_or_insert(all.len());
                all.push(next);
            } else if untrusted.is_none()
                && let Some(next) = issuer(last, &chain[1..])?
            {
                all.push(next);
            } else {
                break;
            }
        }
        if let Some(untrusted) = untrusted {
            return Ok(Self { all, untrusted });
        }
        // A certificate that is trusted itself needs no authority.
        let itself = all.first().is_some_and(|own| trusted.iter().any(|one| one.der == own.der));
        if itself { Ok(Self { all, untrusted: 0 }) } else { Err(Trust::No(Distrust::Authority)) }
    }

    fn untrusted(&self) -> &[&'a Certificate] {
        &self.all[..self.untrusted]
    }
}

/// Whether a certificate is its own authority, by its name.
fn is_its_own(certificate: &Certificate) -> Result<bool, Trust> {
    let parsed = x509(&certificate.der).map_err(Trust::Unknown)?;
    Ok(parsed.subject().as_raw() == parsed.issuer().as_raw())
}

/// Whose name, key identifier and usage make it the authority of a certificate: that one is taken, and its signature
/// has to be good.
fn issuer<'a>(of: &Certificate, among: &'a [Certificate]) -> Result<Option<&'a Certificate>, Trust> {
    let signed = x509(&of.der).map_err(Trust::Unknown)?;
    let mut candidates = Vec::new();
    for candidate in among {
        let signer = x509(&candidate.der).map_err(Trust::Unknown)?;
        if is_named(&signed, &signer)
            && !candidates.iter().any(|(known, _): &(&Certificate, _)| known.der == candidate.der)
        {
            candidates.push((candidate, signer));
        }
    }
    let [(candidate, signer)] = &candidates[..] else {
        let ambiguous = || Trust::Unknown("several authorities of its chain have one name".to_owned());
        return if candidates.is_empty() { Ok(None) } else { Err(ambiguous()) };
    };
    match signed.verify_signature(Some(signer.public_key())) {
        Ok(()) => Ok(Some(candidate)),
        // `ring` takes no shorter keys; `BoringSSL` does.
        Err(X509Error::SignatureVerificationError) if !is_short(signer) => Err(Trust::No(Distrust::Authority)),
        Err(why) => Err(Trust::Unknown(format!("the signature of its authority could not be checked: {why}"))),
    }
}

/// Whether a certificate says that this one is its authority (`X509_check_issued`).
fn is_named(signed: &X509Certificate<'_>, signer: &X509Certificate<'_>) -> bool {
    let wanted = signed.iter_extensions().find_map(|extension| {
        let ParsedExtension::AuthorityKeyIdentifier(id) = extension.parsed_extension() else { return None };
        id.key_identifier.as_ref().map(|key| key.0)
    });
    let own = signer.iter_extensions().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(key) = extension.parsed_extension() else { return None };
        Some(key.0)
    });
    signer.subject().as_raw() == signed.issuer().as_raw()
        && wanted.zip(own).is_none_or(|(wanted, own)| wanted == own)
        && signer.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign())
}

fn is_short(signer: &X509Certificate<'_>) -> bool {
    matches!(signer.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < 2048)
}

/// What speaks against it in this part.
fn usage(own: &X509Certificate<'_>, usage: Usage) -> Option<Trust> {
    if let Some(what) = unread(own) {
        return Some(Trust::Unknown(what));
    }
    let any = || matches!(own.extended_key_usage(), Ok(Some(extended)) if extended.value.any);
    let unfit = || if any() { Trust::Unknown("it is for any usage".to_owned()) } else { Trust::No(Distrust::Usage) };
    (!is_for(own, usage)).then(unfit)
}

/// What keeps a certificate from being somebody's authority, with so many others below it. What is rare is not told
/// from what is fatal.
fn authority(of: &X509Certificate<'_>, below: usize, usage: Usage) -> Option<Trust> {
    let constraints = of.basic_constraints().ok().flatten().map(|c| c.value);
    let reach = constraints.and_then(|c| c.path_len_constraint).and_then(|reach| usize::try_from(reach).ok());
    let odd = unread(of);
    if !constraints.is_some_and(|c| c.ca) || odd.is_some() || !is_for(of, usage) {
        return Some(Trust::Unknown(odd.unwrap_or_else(|| "an authority of its chain is restricted".to_owned())));
    }
    reach.is_some_and(|reach| below > reach).then_some(Trust::No(Distrust::Authority))
}

/// Whether its extended key usage, where it has one, has this part in it.
fn is_for(certificate: &X509Certificate<'_>, usage: Usage) -> bool {
    let Ok(Some(extended)) = certificate.extended_key_usage() else { return true };
    match usage {
        Usage::Client => extended.value.client_auth,
        Usage::Server => extended.value.server_auth,
    }
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
