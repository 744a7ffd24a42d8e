// Package workload is the work that truc and its peers are measured with: a table of citizens, loaders of rows, updates and
// deletions, and the mappings an agency would write for it. Only benchmarks import it. Nobody in the table exists.
package workload
