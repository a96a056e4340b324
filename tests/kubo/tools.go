//go:build tools

// Package kubo pins the Kubo that the differential tests compare the embedded node with.
package kubo

import _ "github.com/ipfs/kubo/cmd/ipfs"
