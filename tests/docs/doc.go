// Package docs takes the documentation at its word: the code, configuration and SQL in it are extracted as they stand, built
// and run. A page that stopped being true fails here.
package docs
