// Package nodes runs the real truc for tests: builds it once, starts it, watches what it logs and how much memory it takes,
// stops, freezes and kills it; and reads topics with kcat, which shares nothing with truc. Only tests import it, on Linux.
package nodes
