//! Long lists, which come in pages.

use std::time::Duration;

use mesh_why::collect::{ClusterFlags, Level, Log, Options, Place, Probe, Source, open};
use mesh_why::snapshot::{Answer, Kind, Need};

use crate::api::{Api, Pages, World, pod};

/// What is answered of all pods of a namespace, and what was asked for it.
fn listed(pages: (usize, Pages), max_read: usize) -> (Result<usize, String>, Vec<String>) {
    let pods = ["a-1", "a-2", "a-3", "a-4", "a-5"].map(|name| pod(name, "istio-proxy"));
    let api = Api::start(World { pages: Some(pages), ..World::new(pods.into()) });
    let cluster = ClusterFlags { kubeconfig: Some(api.kubeconfig_file()), ..ClusterFlags::default() };
    let (timeout, log) = (Some(Duration::from_secs(10)), Log::new(Level::Quiet));
    let options = Options { cluster, admin_port: None, timeout, max_read, log, probe: Probe::Never };
    let need = Need::Objects(Kind::Pod, Some("shop".to_owned()), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_, answer) = runtime.block_on(async {
        let mut opened = open(&Place::Named(Source::parse("pod/a-1").unwrap()), &options).await.unwrap();
        opened.collector.as_mut().unwrap().fetch(&[need]).await.remove(0)
    });
    let answer = answer.map(|answer| match answer {
        Answer::Objects(pods) => pods.len(),
        Answer::Body(_) | Answer::Object(_) | Answer::Nothing => panic!("{answer:?}"),
    });
    let lists = api.seen().api.iter().filter(|path| path.contains("/shop/pods?")).cloned().collect();
    (answer, lists)
}

const PATH: &str = "GET /api/v1/namespaces/shop/pods?limit=500";

#[test]
fn all_pages_make_one_list() {
    let (answer, asked) = listed((2, Pages::Last), 1 << 20);
    assert_eq!(answer, Ok(5));
    assert_eq!(asked, [PATH.to_owned(), format!("{PATH}&continue=2%3D"), format!("{PATH}&continue=4%3D")]);
    assert_eq!(listed((5, Pages::Last), 1 << 20), (Ok(5), vec![PATH.to_owned()]));
}

#[test]
fn a_list_that_cannot_be_gone_on_with_is_read_at_once() {
    let (answer, asked) = listed((2, Pages::Expire), 1 << 20);
    assert_eq!((answer, asked.len()), (Ok(5), 2), "{asked:?}");
}

#[test]
fn pages_have_one_bound() {
    let (answer, asked) = listed((2, Pages::Last), 1200);
    assert!(answer.as_ref().is_err_and(|why| why.contains("`--max-read`")), "{answer:?}");
    assert_eq!(asked.len(), 2, "{asked:?}");
}
