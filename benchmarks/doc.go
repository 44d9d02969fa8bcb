// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command benchmarks answers what a log costs with prefectlogs and with its peers,
// side by side: each measurement is a process of its own that logs the same
// records, to a server that is another process and keeps nothing; peers take turns,
// several rounds of them, and the median counts.
//
//	make bench      all of it, written to docs/performance.md
//	make profile    CPU and allocation profiles of our own rows
//	go run . -rounds 3 -cases "200 B;4 kB" -only ours,otlp
//
// The entry point is [peers], the table of what is compared; [cases] is the table
// of records. In the result
//
//	ns, allocs      of a log call, at full speed; of the whole process
//	CPU             seconds of processor time for a million records, user and system, until all are sent; the load is paced, so that nothing is lost
//	records/s       at full speed until all are sent; with what was lost, where a peer loses
//	bytes           on the wire for a record
//	peak            memory of the process, in MiB
package main
