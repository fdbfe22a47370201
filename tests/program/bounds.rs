//! What is read has an end, and so has waiting for it.

use std::io::Read as _;

use crate::api::{Api, World, pod};
use crate::raw;
use crate::tool::Tool;

/// A body that never ends, for as much as anybody reads of it.
fn endless() -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"a\": \"".to_vec();
    answer.resize(8 << 20, b'x');
    answer
}

#[test]
fn an_admin_endpoint_is_read_as_far_as_max_read_goes() {
    let url = raw::serve(|_| endless());
    let run = Tool::new().run(&["b:80", "--admin", &url, "--max-read", "1MiB"]);
    run.fails(3, &["the answer is larger than 1 MiB: `--max-read` lets in more"]);
}

#[test]
fn a_port_forward_is_read_as_far_as_max_read_goes() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.admin = |_| (200, "x".repeat(3 << 20));
    let api = Api::start(world);
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    let run = tool.run(&["a-1", "b:80", "--kubeconfig", &config, "--max-read", "2M"]);
    run.fails(3, &["the answer is larger than 2000000 bytes", "--max-read"]);
}

#[test]
fn an_api_server_is_read_as_far_as_max_read_goes() {
    for code in [200, 403] {
        let url = raw::serve(move |_| raw::json(code, &" ".repeat(3 << 20)));
        let run = Tool::new().run(&["pod/a", "b:80", "-s", &url, "--max-read", "2MiB"]);
        run.fails(3, &["the answer is larger than 2 MiB", "--max-read"]);
    }
    let url = raw::serve(|_| endless());
    Tool::new().run(&["a", "b:80", "-s", &url, "--max-read", "500k"]).fails(3, &["larger than 500000 bytes"]);
}

#[test]
fn sizes_are_sizes() {
    for size in ["0", "x", "1T", "-1", "1.5G"] {
        Tool::new().run(&["--demo", &format!("--max-read={size}")]).fails(2, &["--max-read", "64MiB"]);
    }
}

#[test]
fn an_archive_that_unpacks_to_far_more_than_itself_is_refused() {
    let tool = Tool::new();
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()));
    let mut header = tar::Header::new_gnu();
    header.set_size(64 << 20);
    builder.append_data(&mut header, "snapshot.json", std::io::repeat(b' ').take(64 << 20)).unwrap();
    let bomb = tool.file("bomb.tar.gz", builder.into_inner().unwrap().finish().unwrap());
    tool.run(&["b:80", "--snapshot", &bomb]).fails(3, &["is not a snapshot", "more than 200 times its size"]);
}

#[cfg(unix)]
mod interrupts {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::api::{Api, World, pod};
    use crate::tool::Tool;

    fn started(tool: &Tool, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(arguments).env_clear().env("HOME", tool.home()).env("PATH", path).current_dir(tool.home());
        command.stdout(Stdio::null()).stdin(Stdio::null());
        command
    }

    fn interrupted(child: &mut Child) {
        let began = Instant::now();
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(began.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn an_interrupt_ends_what_does_not_wait_for_anything_else() {
        // A pipe that never ends blocks the one thread that reads and computes.
        let tool = Tool::new();
        let pipe = tool.home().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let mut child = started(&tool, &["b:80", "-f", "pipe"]).spawn().unwrap();
        // It comes about when the other side reads.
        let _open = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        interrupted(&mut child);
    }

    #[test]
    fn an_interrupt_ends_a_run_whose_plugin_hangs() {
        let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
        let tool = Tool::new();
        let exec =
            "{exec: {apiVersion: v1, command: sh, args: [-c, 'touch ran; exec sleep 30'], interactiveMode: Never}}";
        tool.file(".kube/config", api.kubeconfig().replace("user: {}", &format!("user: {exec}")));
        let mut child = started(&tool, &["a-1", "b:80", "--request-timeout", "0"]).spawn().unwrap();
        while !tool.home().join("ran").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
            std::thread::sleep(Duration::from_millis(20));
        }
        interrupted(&mut child);
    }
}
