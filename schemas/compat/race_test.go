//go:build race

package compat

const slowdown = 15 // of the race detector
