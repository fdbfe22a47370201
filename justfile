# One line each. What CI runs is tests/run.

# All tests but the mesh.
test:
    tests/run --quick

# Not cargo fmt: it does not find the files that build.rs declares.
fmt:
    find build.rs src tests benches -name '*.rs' -print0 2>/dev/null | xargs -0 rustfmt --edition 2024

lint:
    cargo clippy --locked --all-targets -- -D warnings

# Take the answers to all scenarios down anew; the diff is the review.
expect:
    UPDATE_EXPECT=1 cargo test --test scenarios

# The cases whose files' names contain NAME, against a real Envoy.
envoy NAME="":
    MESH_WHY_CASES={{ NAME }} cargo test --test envoy -- --nocapture

# A real mesh; only the faults that are named.
mesh *FAULTS:
    cargo build && MESH_WHY_BIN=target/debug/kubectl-mesh_why tests/mesh/run {{ FAULTS }}

demo:
    cargo run -- --demo

# The archives that this machine can build, in dist/, and their krew manifest.
release:
    release/release.py build && release/release.py manifest
