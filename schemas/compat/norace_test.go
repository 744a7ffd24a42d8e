//go:build !race

package compat

const slowdown = 1
