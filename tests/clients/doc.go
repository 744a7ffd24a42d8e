// Package clients works with a running `truc registry` as others do: through their clients (go, js, python), which setup
// installs from their lock files, and by requests; and kills it meanwhile.
package clients
