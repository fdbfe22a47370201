//! Which API server, and as whom: what kubectl's own flags, the kubeconfig and the environment say.
//!
//! Built by hand, as kubectl does it. kube's own loading matches `NO_PROXY` against the proxy, fails on a file of
//! `KUBECONFIG` that is not there, takes an empty `current-context` for a name, and knows no flags.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::env::Env;
use super::error::{CollectError, plain};
use super::proxies;
use super::said::url_shown;

/// kubectl's flags that say which API server is asked, and as whom.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[expect(missing_docs, reason = "each is the flag of that name")]
pub struct ClusterFlags {
    pub kubeconfig: Option<String>,
    pub context: Option<String>,
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub namespace: Option<String>,
    pub server: Option<String>,
    pub tls_server_name: Option<String>,
    pub insecure_skip_tls_verify: Option<bool>,
    pub certificate_authority: Option<String>,
    pub client_certificate: Option<String>,
    pub client_key: Option<String>,
    pub token: Option<String>,
    pub impersonate: Option<String>,
    pub impersonate_uid: Option<String>,
    pub impersonate_groups: Vec<String>,
    pub impersonate_extra: Vec<(String, String)>,
}

/// How long a connection to the API server may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl ClusterFlags {
    /// Whether a cluster was named: then a saved snapshot may be filled up from it.
    pub fn names_a_cluster(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }
}

/// An API server, and how it is asked.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The name of the context that leads there, where one does.
    pub(super) context: Option<String>,
    /// A credential plugin is named in it, not yet run.
    pub(super) config: Config,
}

/// What the flags, the kubeconfig and the environment amount to.
pub(super) fn choose(flags: &ClusterFlags, env: Env<'_>) -> Result<Chosen, CollectError> {
    let (context, mut config) = match read(flags, env)? {
        Some(kubeconfig) => chosen(flags, &kubeconfig, env)?,
        None if flags.server.is_some() => chosen(flags, &Kubeconfig::default(), env)?,
        None if in_cluster(flags, env) => {
            let config =
                Config::incluster_env().map_err(|e| setting("the service account of this pod", &e.to_string()))?;
            (None, config)
        }
        None => return Err(CollectError::NoKubeconfig),
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    if let Some(namespace) = &flags.namespace {
        config.default_namespace.clone_from(namespace);
    }
    identify(flags, &mut config.auth_info);
    Ok(Chosen { context, config })
}

/// The kubeconfig's files as one; `None` where there is none.
fn read(flags: &ClusterFlags, env: Env<'_>) -> Result<Option<Kubeconfig>, CollectError> {
    if let Some(path) = &flags.kubeconfig {
        return read_file(Path::new(path)).map(Some);
    }
    let listed = env("KUBECONFIG").unwrap_or_default();
    let mut paths: Vec<PathBuf> = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    if paths.is_empty() {
        let home = env("HOME").or_else(|| env("USERPROFILE")).filter(|home| !home.is_empty());
        paths.extend(home.map(|home| Path::new(&home).join(".kube").join("config")));
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        if fs::metadata(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            continue;
        }
        let next = read_file(&path)?;
        merged = Some(match merged {
            Some(first) => first.merge(next).map_err(|e| unusable(&path, &e))?,
            None => next,
        });
    }
    Ok(merged)
}

fn read_file(path: &Path) -> Result<Kubeconfig, CollectError> {
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(|e| unusable(path, &e))?;
    kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
    Ok(kubeconfig)
}

fn unusable(path: &Path, error: &KubeconfigError) -> CollectError {
    let path = path.display().to_string();
    if let KubeconfigError::ReadConfig(cause, _) = error {
        return CollectError::File { path, cause: plain(cause) };
    }
    let text = error.to_string();
    let text = text.strip_prefix("failed to parse kubeconfig YAML: ").unwrap_or(&text);
    let cause = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    CollectError::NotThis { path, what: "a kubeconfig", cause, hint: None }
}

/// What a kubeconfig names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entries {
    /// `contexts`
    Contexts,
    /// `clusters`
    Clusters,
    /// `users`
    Users,
}

/// The names that the kubeconfig has; none where it cannot be read.
pub(super) fn entries(of: Entries, flags: &ClusterFlags) -> Vec<String> {
    let env = |name: &str| std::env::var(name).ok();
    let Ok(Some(kubeconfig)) = read(flags, &env) else { return Vec::new() };
    match of {
        Entries::Contexts => kubeconfig.contexts.into_iter().map(|named| named.name).collect(),
        Entries::Clusters => kubeconfig.clusters.into_iter().map(|named| named.name).collect(),
        Entries::Users => kubeconfig.auth_infos.into_iter().map(|named| named.name).collect(),
    }
}

/// Whether this is a pod that is to ask its own cluster: nothing else was said.
fn in_cluster(flags: &ClusterFlags, env: Env<'_>) -> bool {
    let elsewhere = [&flags.context, &flags.cluster, &flags.user];
    env("KUBERNETES_SERVICE_HOST").is_some() && elsewhere.iter().all(|flag| flag.is_none())
}

/// The context that is asked for, by its name, and what its cluster and its user amount to with the flags over them.
fn chosen(
    flags: &ClusterFlags,
    kubeconfig: &Kubeconfig,
    env: Env<'_>,
) -> Result<(Option<String>, Config), CollectError> {
    let (name, context) = context(flags, kubeconfig)?.unzip();
    let context = context.unwrap_or_default();
    let cluster = with_flags(flags, cluster(flags, kubeconfig, &context)?);
    let mut user = user(flags, kubeconfig, &context)?;
    if let Some(exec) = &mut user.exec
        && exec.provide_cluster_info
    {
        exec.cluster =
            Some((&cluster).try_into().map_err(|e: KubeconfigError| setting("certificate-authority", &e.to_string()))?);
    }
    let server = server(&cluster)?;
    trusts_one_way(&cluster)?;
    let mut config = Config::new(server.clone());
    config.default_namespace = context.namespace.filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned());
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.root_cert = if config.accept_invalid_certs { None } else { authority(&cluster)? };
    config.tls_server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
    config.proxy_url = proxies::proxy(&server, cluster.proxy_url.as_deref(), env)?;
    config.auth_info = user;
    let leads_there = flags.server.is_none() && flags.cluster.is_none();
    Ok((name.filter(|_| leads_there), config))
}

/// `None` where the flags name a server without one.
fn context(flags: &ClusterFlags, kubeconfig: &Kubeconfig) -> Result<Option<(String, Context)>, CollectError> {
    let known = || kubeconfig.contexts.iter().map(|named| named.name.clone()).collect::<Vec<_>>();
    let Some(name) = flags.context.as_ref().or(kubeconfig.current_context.as_ref()) else {
        if flags.server.is_some() || flags.cluster.is_some() {
            return Ok(None);
        }
        return Err(CollectError::NoCurrentContext { known: known() });
    };
    let found = kubeconfig.contexts.iter().find(|named| &named.name == name).and_then(|named| named.context.clone());
    let found = found.map(|context| Some((name.clone(), context)));
    found.ok_or_else(|| CollectError::NoEntry { what: "context", name: name.clone(), known: known() })
}

fn cluster(flags: &ClusterFlags, kubeconfig: &Kubeconfig, context: &Context) -> Result<Cluster, CollectError> {
    let name = flags.cluster.as_ref().unwrap_or(&context.cluster);
    let found = kubeconfig.clusters.iter().find(|named| &named.name == name).and_then(|named| named.cluster.clone());
    match found {
        Some(cluster) => Ok(cluster),
        None if flags.server.is_some() && flags.cluster.is_none() => Ok(Cluster::default()),
        None => {
            let known = kubeconfig.clusters.iter().map(|named| named.name.clone()).collect();
            Err(CollectError::NoEntry { what: "cluster", name: name.clone(), known })
        }
    }
}

/// A context may name a user that is not there: then nobody in particular asks. A flag may not.
fn user(flags: &ClusterFlags, kubeconfig: &Kubeconfig, context: &Context) -> Result<AuthInfo, CollectError> {
    let find = |name: &String| kubeconfig.auth_infos.iter().find(|named| &named.name == name);
    if let Some(name) = &flags.user {
        let known = || kubeconfig.auth_infos.iter().map(|named| named.name.clone()).collect();
        let found =
            find(name).ok_or_else(|| CollectError::NoEntry { what: "user", name: name.clone(), known: known() })?;
        return Ok(found.auth_info.clone().unwrap_or_default());
    }
    Ok(context.user.as_ref().and_then(find).and_then(|named| named.auth_info.clone()).unwrap_or_default())
}

/// The cluster with the flags over it.
fn with_flags(flags: &ClusterFlags, mut cluster: Cluster) -> Cluster {
    if flags.server.is_some() {
        cluster.server.clone_from(&flags.server);
        cluster.tls_server_name = None;
    }
    if flags.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&flags.tls_server_name);
    }
    if let Some(skip) = flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(skip);
    }
    if flags.insecure_skip_tls_verify == Some(true) {
        // As for kubectl, the flag takes the place of the kubeconfig's authority, and not of the flag's.
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if flags.certificate_authority.is_some() {
        cluster.certificate_authority.clone_from(&flags.certificate_authority);
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
    }
    cluster
}

/// A certificate authority that nothing is checked against is a mistake, for kubectl too.
fn trusts_one_way(cluster: &Cluster) -> Result<(), CollectError> {
    let has = |authority: &Option<String>| authority.as_ref().is_some_and(|text| !text.is_empty());
    let authority = has(&cluster.certificate_authority) || has(&cluster.certificate_authority_data);
    if authority && cluster.insecure_skip_tls_verify == Some(true) {
        let cause = "specifying a root certificates file with the insecure flag is not allowed";
        return Err(setting("--insecure-skip-tls-verify together with a certificate authority", cause));
    }
    Ok(())
}

/// The user with the flags over it.
fn identify(flags: &ClusterFlags, user: &mut AuthInfo) {
    if let Some(token) = &flags.token {
        *user = AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() };
    }
    if flags.client_certificate.is_some() {
        user.client_certificate.clone_from(&flags.client_certificate);
        user.client_certificate_data = None;
    }
    if flags.client_key.is_some() {
        user.client_key.clone_from(&flags.client_key);
        user.client_key_data = None;
    }
    if flags.impersonate.is_some() {
        user.impersonate.clone_from(&flags.impersonate);
    }
    if flags.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&flags.impersonate_uid);
    }
    if !flags.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    for (key, value) in &flags.impersonate_extra {
        user.impersonate_user_extra.get_or_insert_default().entry(key.clone()).or_default().push(value.clone());
    }
}

/// The API server's URL. Without a scheme it is plain HTTP, unless something of TLS is said of it.
fn server(cluster: &Cluster) -> Result<http::Uri, CollectError> {
    let given = cluster.server.clone().unwrap_or_default();
    if given.is_empty() {
        return Err(setting("the cluster", "the kubeconfig gives it no server"));
    }
    let is_tls = cluster.insecure_skip_tls_verify == Some(true)
        || cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some();
    let scheme = if is_tls { "https" } else { "http" };
    let full = if given.contains("://") { given.clone() } else { format!("{scheme}://{given}") };
    let what = format!("the server `{}`", url_shown(&given));
    let uri = full.parse::<http::Uri>().map_err(|e| setting(&what, &e.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(setting(&what, "it is not an http:// or https:// URL")),
    }
}

/// The certificates that vouch for the API server, DER; `None` leaves it to the system.
fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, CollectError> {
    let what = "the cluster's certificate authority";
    let pem = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) if !data.is_empty() => {
            base64::engine::general_purpose::STANDARD.decode(data.trim()).map_err(|e| setting(what, &e.to_string()))?
        }
        (_, Some(path)) if !path.is_empty() => {
            fs::read(path).map_err(|e| CollectError::File { path: path.clone(), cause: plain(&e) })?
        }
        _ => return Ok(None),
    };
    let blocks = pem::parse_many(&pem).map_err(|e| setting(what, &e.to_string()))?;
    let certificates: Vec<Vec<u8>> =
        blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE").map(pem::Pem::into_contents).collect();
    if certificates.is_empty() {
        return Err(setting(what, "it holds no certificate"));
    }
    Ok(Some(certificates))
}

fn setting(what: &str, cause: &str) -> CollectError {
    CollectError::setting(what, cause)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const ONE: &str = "
apiVersion: v1
kind: Config
current-context: ''
clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443', tls-server-name: api}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: shop}}, {name: bad, context: {cluster: gone}}]
users: [{name: u, user: {token: t, exec: {command: plugin}}}]
";
    const TWO: &str = "
current-context: y
contexts: [{name: y, context: {cluster: c, user: nobody}}]
clusters: [{name: c, cluster: {server: 'https://never'}}, {name: d, cluster: {server: 'd:8080'}}]
";

    fn env_of<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    fn config(flags: &ClusterFlags, env: Env<'_>) -> Result<Config, CollectError> {
        choose(flags, env).map(|chosen| chosen.config)
    }

    fn two_files(folder: &Path) -> String {
        fs::write(folder.join("one"), ONE).unwrap();
        fs::write(folder.join("two"), TWO).unwrap();
        let paths = [folder.join("one"), folder.join("missing"), PathBuf::new(), folder.join("two")];
        std::env::join_paths(paths).unwrap().into_string().unwrap()
    }

    #[test]
    fn files_are_merged_and_missing_ones_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let listed = two_files(folder.path());
        let set = [("KUBECONFIG", listed.as_str())];
        let of = |flags: &ClusterFlags| config(flags, &env_of(&set));
        let default = of(&ClusterFlags::default()).unwrap();
        assert_eq!(
            (default.cluster_url.to_string().as_str(), default.default_namespace.as_str()),
            ("https://10.0.0.1:6443/", "default")
        );
        let flags = ClusterFlags { context: Some("x".to_owned()), ..ClusterFlags::default() };
        let x = of(&flags).unwrap();
        assert_eq!((x.default_namespace.as_str(), x.tls_server_name.as_deref()), ("shop", Some("api")));
        assert!(x.auth_info.exec.is_some());
        let flags =
            ClusterFlags { cluster: Some("d".to_owned()), namespace: Some("n".to_owned()), ..ClusterFlags::default() };
        let d = of(&flags).unwrap();
        assert_eq!((d.cluster_url.to_string().as_str(), d.default_namespace.as_str()), ("http://d:8080/", "n"));
    }

    #[test]
    fn the_context_is_the_one_that_leads_to_the_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let listed = two_files(folder.path());
        let set = [("KUBECONFIG", listed.as_str())];
        let of = |flags: ClusterFlags| choose(&flags, &env_of(&set)).unwrap().context;
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(of(ClusterFlags::default()), some("y"));
        assert_eq!(of(ClusterFlags { context: some("x"), ..ClusterFlags::default() }), some("x"));
        // These lead elsewhere.
        assert_eq!(of(ClusterFlags { cluster: some("d"), ..ClusterFlags::default() }), None);
        assert_eq!(of(ClusterFlags { server: some("https://z"), ..ClusterFlags::default() }), None);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let listed = two_files(folder.path());
        let set = [("KUBECONFIG", listed.as_str())];
        let error = |flags: ClusterFlags| config(&flags, &env_of(&set)).unwrap_err().to_string();
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            error(ClusterFlags { context: some("z"), ..ClusterFlags::default() }),
            "the kubeconfig has no context `z`"
        );
        assert_eq!(
            error(ClusterFlags { context: some("bad"), ..ClusterFlags::default() }),
            "the kubeconfig has no cluster `gone`"
        );
        assert_eq!(
            error(ClusterFlags { cluster: some("z"), ..ClusterFlags::default() }),
            "the kubeconfig has no cluster `z`"
        );
        assert_eq!(
            error(ClusterFlags { user: some("z"), ..ClusterFlags::default() }),
            "the kubeconfig has no user `z`"
        );
        let missing = folder.path().join("missing").display().to_string();
        assert_eq!(
            error(ClusterFlags { kubeconfig: some(&missing), ..ClusterFlags::default() }),
            format!("cannot read {missing}")
        );
        let one = folder.path().join("one").display().to_string();
        let flags = ClusterFlags { kubeconfig: some(&one), ..ClusterFlags::default() };
        assert_eq!(config(&flags, &env_of(&[])).unwrap_err().hint().unwrap(), "choose one with `--context`: x, bad");
        assert_eq!(config(&ClusterFlags::default(), &env_of(&[])).unwrap_err(), CollectError::NoKubeconfig);
        fs::write(folder.path().join("broken"), "a: [").unwrap();
        let broken = folder.path().join("broken").display().to_string();
        let flags = ClusterFlags { kubeconfig: some(&broken), ..ClusterFlags::default() };
        assert!(matches!(config(&flags, &env_of(&[])).unwrap_err(), CollectError::NotThis { .. }));
    }

    #[test]
    fn flags_go_over_the_kubeconfig() {
        let folder = tempfile::tempdir().unwrap();
        let listed = two_files(folder.path());
        let set = [("KUBECONFIG", listed.as_str())];
        let flags = ClusterFlags {
            context: Some("x".to_owned()),
            server: Some("https://other".to_owned()),
            insecure_skip_tls_verify: Some(true),
            token: Some("flag".to_owned()),
            impersonate: Some("jane".to_owned()),
            impersonate_groups: vec!["g".to_owned()],
            impersonate_extra: vec![("k".to_owned(), "1".to_owned()), ("k".to_owned(), "2".to_owned())],
            ..ClusterFlags::default()
        };
        let config = config(&flags, &env_of(&set)).unwrap();
        assert_eq!((config.cluster_url.host(), config.tls_server_name), (Some("other"), None));
        assert!(config.accept_invalid_certs && config.auth_info.exec.is_none() && config.auth_info.token.is_some());
        assert_eq!(config.auth_info.impersonate.as_deref(), Some("jane"));
        assert_eq!(config.auth_info.impersonate_user_extra.unwrap()["k"], ["1", "2"]);
    }

    #[test]
    fn an_authority_and_no_check_do_not_go_together() {
        let of = |flags: ClusterFlags| {
            let flags = ClusterFlags { server: Some("https://x".to_owned()), ..flags };
            config(&flags, &env_of(&[])).map(|config| config.accept_invalid_certs).map_err(|e| e.causes().remove(0))
        };
        let authority = Some("ca.pem".to_owned());
        let both = ClusterFlags {
            insecure_skip_tls_verify: Some(true),
            certificate_authority: authority.clone(),
            ..ClusterFlags::default()
        };
        let words = "specifying a root certificates file with the insecure flag is not allowed";
        assert_eq!(of(both), Err(words.to_owned()));
        let cluster = |insecure, certificate_authority| Cluster {
            insecure_skip_tls_verify: insecure,
            certificate_authority,
            certificate_authority_data: None,
            ..Cluster::default()
        };
        assert!(trusts_one_way(&cluster(Some(true), authority.clone())).is_err());
        assert!(trusts_one_way(&cluster(Some(false), authority.clone())).is_ok());
        let skip = ClusterFlags { insecure_skip_tls_verify: Some(true), ..ClusterFlags::default() };
        let over = with_flags(&skip, cluster(None, authority));
        assert!(over.certificate_authority.is_none() && trusts_one_way(&over).is_ok());
    }

    #[test]
    fn a_server_may_be_named_alone() {
        let flags = ClusterFlags { server: Some("localhost:8001".to_owned()), ..ClusterFlags::default() };
        assert_eq!(config(&flags, &env_of(&[])).unwrap().cluster_url, "http://localhost:8001/");
        for server in ["ftp://x", "http://", "a b"] {
            let flags = ClusterFlags { server: Some(server.to_owned()), ..ClusterFlags::default() };
            assert!(matches!(config(&flags, &env_of(&[])), Err(CollectError::Setting { .. })), "{server}");
        }
    }
}
