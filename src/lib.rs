//! `kubectl mesh-why A B:PORT`: why does a request from A to B:PORT fail?
//!
//! Four verbs, one direction: **collect → walk → diagnose → render**. Only collect may wait or fail; the rest is
//! pure, synchronous and total. ARCHITECTURE.md has the picture.

pub mod diagnose;
pub mod envoy;
pub mod mesh;
pub mod render;
pub mod snapshot;
pub mod verdict;
pub mod walk;
