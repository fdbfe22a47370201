//go:build tools

// Package krew is no program: it pins the krew that the plugin is installed with in tests.
package krew

import (
	_ "sigs.k8s.io/krew/cmd/krew"
	_ "sigs.k8s.io/krew/cmd/validate-krew-manifest"
)
