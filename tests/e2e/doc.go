// Package e2e proves the whole of truc from outside: the real binary against real servers, and contents compared by code
// that shares nothing with truc's (SQL, kcat, shell).
//
// The tests run on Linux only. Environment, besides that of package servers:
//
//	TRUC_E2E_ROWS   rows of the big table, 20000 by default; the full run has 1000000
package e2e
